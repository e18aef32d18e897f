//! `larder.lock` as entries: the runtime's tarball and each package's file.

use larder_store::digest::Integrity;

use super::lock::{LarderLock, LockedPackage, LockedSource};
use crate::{
    core::artifact::{Artifact, Conditions, Ecosystem, PackageName, Source, Version},
    lockfile::entry::{Entry, EntryKind, Reading},
};

/// The entry of the runtime's tarball: no package is called so, since a name in its normal form has no brackets.
const RUNTIME: &str = "[runtime]";

/// The npm package that a runtime is.
pub const RUNTIME_PACKAGE: &str = "pyodide";

/// The entries of a lock.
pub(in crate::lockfile) fn entries(lockfile: &str, lock: &LarderLock) -> Reading {
    let packages = lock.packages.iter().map(|package| Entry {
        path: package.name.as_str().into(),
        kind: EntryKind::Artifact(artifact(lock, package)),
    });
    let runtime = Entry { path: RUNTIME.into(), kind: EntryKind::Artifact(runtime(lock)) };
    Reading { lockfile: lockfile.into(), entries: [runtime].into_iter().chain(packages).collect(), missing: Vec::new() }
}

fn runtime(lock: &LarderLock) -> Artifact {
    let version = lock.runtime.release.version();
    Artifact {
        ecosystem: Ecosystem::Npm,
        name: PackageName::parse(RUNTIME_PACKAGE).expect("a constant name is one"),
        version: Version::parse(version.as_str()).expect("a release is a version"),
        source: Source::Registry { resolved: lock.runtime.url.clone() },
        integrity: lock.runtime.integrity.clone(),
        conditions: Conditions::default(),
    }
}

fn artifact(lock: &LarderLock, package: &LockedPackage) -> Artifact {
    let (ecosystem, source) = match &package.source {
        LockedSource::Distribution => {
            let release = lock.runtime.release.version().clone();
            (Ecosystem::Pyodide, Source::Distribution { release, file_name: package.file_name.clone() })
        }
        LockedSource::Index { place } => (Ecosystem::Python, Source::Index { place: place.clone() }),
    };
    Artifact {
        ecosystem,
        name: PackageName::parse(package.name.as_str()).expect("a normalised name is one"),
        version: package.version.clone(),
        source,
        integrity: Some(Integrity::from(package.sha256)),
        conditions: Conditions::default(),
    }
}
