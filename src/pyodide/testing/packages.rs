//! Packages of a small distribution and a small index.

use std::collections::BTreeMap;

use larder_store::digest::{Algorithm, Digest};
use serde_json::{Value, json};

use super::{Member, metadata, zip};
use crate::{
    core::{artifact::Version, file_host::FilePlace, file_name::FileName, runtime_version::RuntimeVersion},
    lockfile::larder_lock::{Asker, LockedBase, LockedPackage, LockedRuntime, LockedSource, PyodideLock},
    pyodide::wheel::Wheel,
    python::{name::ProjectName, runtime::Runtime, wheel_name::WheelName},
};

/// Where a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Distribution,
    DistributionAlone,
    Index,
}

/// A package of version 1.0.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    name: &'static str,
    depends: Vec<&'static str>,
    place: Place,
    is_requested: bool,
}

impl Package {
    fn new(name: &'static str, depends: &'static str, place: Place) -> Self {
        Self { name, depends: depends.split_whitespace().collect(), place, is_requested: false }
    }

    /// One that the distribution has and `larder.lock` names; its dependencies in any spelling.
    pub(crate) fn distribution(name: &'static str, depends: &'static str) -> Self {
        Self::new(name, depends, Place::Distribution)
    }

    /// One that the distribution has and `larder.lock` does not name.
    pub(crate) fn left_out(name: &'static str, depends: &'static str) -> Self {
        Self::new(name, depends, Place::DistributionAlone)
    }

    /// One of the index.
    pub(crate) fn index(name: &'static str, depends: &'static str) -> Self {
        Self::new(name, depends, Place::Index)
    }

    /// One that is asked for.
    pub(crate) fn requested(self) -> Self {
        Self { is_requested: true, ..self }
    }

    pub(crate) fn project(&self) -> ProjectName {
        ProjectName::parse(self.name).unwrap()
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}-1.0-py3-none-any.whl", self.name.replace(['-', '.'], "_"))
    }

    /// Its wheel.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let module = self.name.replace(['-', '.'], "_").to_lowercase();
        let folder = format!("{}-1.0.dist-info", self.name.replace(['-', '.'], "_"));
        zip(&[
            Member::deflated(&format!("{module}/__init__.py"), b""),
            Member::deflated(&format!("{folder}/METADATA"), metadata(self.name, "1.0", &[]).as_bytes()),
        ])
    }

    fn sha256(&self) -> Digest {
        Digest::of(Algorithm::Sha256, &self.bytes())
    }

    fn entry(&self) -> Value {
        json!({
            "name": self.name, "version": "1.0", "file_name": self.file_name(), "install_dir": "site",
            "sha256": self.sha256().to_hex(), "package_type": "package", "imports": ["own"], "depends": self.depends,
            "unvendored_tests": true, "later": {"kept": [1, 2]},
        })
    }

    fn locked(&self, why: Vec<Asker>) -> LockedPackage {
        let file = self.file_name();
        let mut depends: Vec<ProjectName> = self.depends.iter().map(|name| ProjectName::parse(name).unwrap()).collect();
        depends.sort();
        LockedPackage {
            name: self.project(),
            version: Version::parse("1.0").unwrap(),
            source: match self.place {
                Place::Index => LockedSource::Index {
                    place: FilePlace::Url(format!("https://files.example/{file}").parse().unwrap()),
                },
                _ => LockedSource::Distribution,
            },
            file_name: FileName::parse(&file).unwrap(),
            sha256: self.sha256(),
            size: Some(self.bytes().len() as u64),
            depends,
            why,
        }
    }
}

/// The lock of a distribution that has them; `info` is that of a release.
pub(crate) fn distribution_lock(info: &Value, packages: &[Package]) -> String {
    let own = packages.iter().filter(|package| package.place != Place::Index);
    let entries: serde_json::Map<String, Value> = own
        .map(|package| {
            let key =
                if info["version"] == "0.24.1" { package.name.to_lowercase() } else { package.project().to_string() };
            (key, package.entry())
        })
        .collect();
    json!({"info": info, "packages": entries, "later": true}).to_string()
}

/// What 0.28.3 says of itself.
pub(crate) fn info() -> Value {
    json!({"arch": "wasm32", "platform": "emscripten_4_0_9", "python": "3.13.2", "abi_version": "2025_0"})
}

/// The `larder.lock` that names them, made with this lock of the distribution.
pub(crate) fn larder_lock(packages: &[Package], distribution: &str) -> PyodideLock {
    let why = |package: &Package| {
        let mut why: Vec<Asker> = package.is_requested.then_some(Asker::LarderToml).into_iter().collect();
        let needs = |other: &&Package| other.locked(Vec::new()).depends.contains(&package.project());
        why.extend(packages.iter().filter(needs).map(|other| Asker::Package(other.project())));
        why
    };
    let shipped = packages.iter().filter(|package| package.place != Place::DistributionAlone);
    let mut locked: Vec<LockedPackage> = shipped.map(|package| package.locked(why(package))).collect();
    locked.sort_by(|a, b| a.name.cmp(&b.name));
    let requested = packages.iter().filter(|package| package.is_requested).map(|package| package.name.to_owned());
    PyodideLock {
        runtime: LockedRuntime {
            release: Runtime::new(
                RuntimeVersion::parse("0.28.3").unwrap(),
                "3.13.2",
                "emscripten_4_0_9",
                Some("2025_0"),
            )
            .unwrap(),
            url: None,
            integrity: None,
        },
        base: LockedBase {
            file_name: FileName::parse("pyodide-lock.json").unwrap(),
            sha256: Digest::of(Algorithm::Sha256, distribution.as_bytes()),
        },
        requested: requested.collect(),
        exclude_newer: None,
        packages: locked,
    }
}

/// The wheels of the index, read.
pub(crate) fn index_wheels(packages: &[Package]) -> BTreeMap<ProjectName, Wheel> {
    let own = packages.iter().filter(|package| package.place == Place::Index);
    own.map(|package| {
        let name = WheelName::parse(&package.file_name()).unwrap();
        (package.project(), Wheel::read(&name, &mut std::io::Cursor::new(package.bytes())).unwrap())
    })
    .collect()
}
