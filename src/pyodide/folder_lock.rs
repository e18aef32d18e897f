//! Builds the `pyodide-lock.json` of a folder: the distribution's lock pruned to what is shipped, and entries for what came from the index. Pure.
//!
//! ```text
//! info, and what else the distribution's lock says      as it is
//! packages    from the distribution   its entry as it is, `depends` normalised
//!             in the runtime itself   the same: 0.21 loads its `distutils` before anything else
//!             from the index          what the loader needs, `imports` told from the wheel
//!             not shipped             left out, or with its address at a CDN
//! tool.larder what the folder was made from, and the cycles that were broken
//! ```
//!
//! Keys are sorted, and every name in a `depends` is a key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use url::Url;

use super::{
    cycles::{self, BackEdge, Graph, Loss},
    distribution::{Distribution, DistributionPackage, Spelling},
    wheel::Wheel,
};
use crate::{
    lockfile::larder_lock::{Asker, LockedPackage, LockedSource, PyodideLock},
    python::name::ProjectName,
};

/// The key under `tool`.
const OWN: &str = "larder";
/// The form of what stands there.
const FORM: u32 = 1;

/// The lock of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderLock {
    /// The document.
    pub(super) document: Map<String, Value>,
    /// The dependencies that were left out, since they close cycles.
    pub(super) cut: Vec<BackEdge>,
    /// The requested packages that lead to less because of that.
    pub(super) losses: Vec<Loss>,
}

/// Where `larder.lock` and the distribution's lock disagree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// No such package.
    #[error("{name}: the distribution does not have it")]
    Unknown {
        /// The package.
        name: ProjectName,
    },
    /// Another value.
    #[error("{name}: larder.lock has the {field} {locked}, the distribution {found}")]
    Other {
        /// The package.
        name: ProjectName,
        /// Of what.
        field: &'static str,
        /// In `larder.lock`.
        locked: String,
        /// In the distribution's lock.
        found: String,
    },
}

/// What a folder's lock is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct FolderLockInput<'a> {
    /// The runtime's own lock.
    pub(super) distribution: &'a Distribution,
    /// What is shipped.
    pub(super) lock: &'a PyodideLock,
    /// The wheels of the index, by name.
    pub(super) wheels: &'a BTreeMap<ProjectName, Wheel>,
    /// The names of the runtime's own files.
    pub(super) runtime_file_names: &'a BTreeSet<&'a str>,
    /// Where the files are that are not shipped, if their entries are to stay. Ends with a slash.
    pub(super) elsewhere: Option<&'a Url>,
}

impl FolderLockInput<'_> {
    /// The lock; or all that disagrees.
    pub(super) fn build(&self) -> Result<FolderLock, Vec<Disagreement>> {
        let disagreements: Vec<Disagreement> = self.lock.packages.iter().flat_map(|one| self.compare(one)).collect();
        if !disagreements.is_empty() {
            return Err(disagreements);
        }
        let graph: Graph =
            self.lock.packages.iter().map(|package| (package.name.clone(), self.needs(package))).collect();
        let is_root = |package: &&LockedPackage| package.why.contains(&Asker::LarderToml);
        let roots: Vec<ProjectName> =
            self.lock.packages.iter().filter(is_root).map(|package| package.name.clone()).collect();
        let mut cut = cycles::back_edges(&graph, &roots);
        let after = cycles::without(&graph, &cut);
        let losses = cycles::losses(&graph, &after, &roots);
        // That a package needs itself says nothing, and nothing is lost.
        cut.retain(|edge| edge.from != edge.to);
        let mut packages: BTreeMap<String, Value> =
            self.lock.packages.iter().map(|package| self.entry(package, &after[&package.name])).collect();
        packages.extend(self.in_runtime());
        if let Some(elsewhere) = self.elsewhere {
            packages.extend(self.not_shipped(elsewhere));
        }
        let mut document = self.distribution.others().clone();
        document.insert("packages".to_owned(), Value::Object(packages.into_iter().collect()));
        self.sign(&mut document, &cut);
        Ok(FolderLock { document, cut, losses })
    }

    fn compare(&self, package: &LockedPackage) -> Vec<Disagreement> {
        if package.source != LockedSource::Distribution {
            return Vec::new();
        }
        let name = package.name.clone();
        let Some(base) = self.distribution.get(name.as_str()) else { return vec![Disagreement::Unknown { name }] };
        let needs = |needs: &[ProjectName]| {
            let sorted: BTreeSet<&str> = needs.iter().map(ProjectName::as_str).collect();
            sorted.into_iter().collect::<Vec<_>>().join(" ")
        };
        let fields = [
            ("version", package.version.to_string(), base.version.to_string()),
            ("file name", package.file_name.to_string(), base.file_name.to_string()),
            ("sha256", package.sha256.to_hex(), base.sha256.to_hex()),
            ("dependencies", needs(&package.depends), needs(&base.depends)),
        ];
        let others = fields.into_iter().filter(|(_, locked, found)| locked != found);
        others.map(|(field, locked, found)| Disagreement::Other { name: name.clone(), field, locked, found }).collect()
    }

    /// What a package needs, in its source's order: the loader installs in it.
    fn needs(&self, package: &LockedPackage) -> Vec<ProjectName> {
        match self.base(package) {
            Some(base) => base.depends.clone(),
            None => package.depends.clone(),
        }
    }

    /// The distribution's entry, for a package that comes from there.
    fn base(&self, package: &LockedPackage) -> Option<&DistributionPackage> {
        let is_base = package.source == LockedSource::Distribution;
        is_base.then(|| self.distribution.get(package.name.as_str())).flatten()
    }

    fn entry(&self, package: &LockedPackage, needs: &[ProjectName]) -> (String, Value) {
        let depends = self.depends(needs);
        let fields = match self.base(package) {
            Some(base) => {
                let mut fields = base.fields.clone();
                fields.insert("depends".to_owned(), depends);
                fields
            }
            None => self.index_entry(package, &depends),
        };
        (self.key(&package.name), Value::Object(fields))
    }

    fn index_entry(&self, package: &LockedPackage, depends: &Value) -> Map<String, Value> {
        let wheel = self.wheels.get(&package.name);
        let imports: Vec<&String> = wheel.iter().flat_map(|wheel| wheel.imports()).collect();
        let fields = json!({
            "depends": depends,
            "file_name": package.file_name.as_str(),
            "imports": imports,
            "install_dir": "site",
            "name": wheel.map_or(package.name.as_str(), Wheel::name),
            "package_type": "package",
            "sha256": package.sha256.to_hex(),
            "unvendored_tests": false,
            "version": package.version.as_str(),
        });
        match fields {
            Value::Object(fields) => fields,
            _ => unreachable!("an object was written above"),
        }
    }

    fn depends(&self, needs: &[ProjectName]) -> Value {
        needs.iter().map(|need| Value::from(self.key(need))).collect()
    }

    /// The key that the release's loader looks a name up by.
    fn key(&self, name: &ProjectName) -> String {
        match self.distribution.spelling() {
            Spelling::Normal => name.to_string(),
            Spelling::LowerCase => {
                self.distribution.get(name.as_str()).map_or(name.to_string(), |base| base.key.to_string())
            }
        }
    }

    /// What the distribution has and `larder.lock` does not name.
    fn others(&self) -> impl Iterator<Item = (&ProjectName, &DistributionPackage)> {
        self.distribution.packages().iter().filter(|(name, _)| self.lock.package(name.as_str()).is_none())
    }

    fn is_in_runtime(&self, base: &DistributionPackage) -> bool {
        self.runtime_file_names.contains(base.file_name.as_str()) && base.depends.is_empty()
    }

    /// The entries of what the runtime's tarball holds.
    fn in_runtime(&self) -> impl Iterator<Item = (String, Value)> {
        let in_runtime = self.others().filter(|(_, base)| self.is_in_runtime(base));
        in_runtime.map(|(name, base)| (self.key(name), Value::Object(base.fields.clone())))
    }

    /// The entries of what is not shipped, each with a whole address.
    fn not_shipped(&self, elsewhere: &Url) -> impl Iterator<Item = (String, Value)> {
        self.others().filter(|(_, base)| !self.is_in_runtime(base)).map(move |(name, base)| {
            let mut fields = base.fields.clone();
            fields.insert("file_name".to_owned(), format!("{elsewhere}{}", base.file_name).into());
            fields.insert("depends".to_owned(), self.depends(&base.depends));
            (self.key(name), Value::Object(fields))
        })
    }

    fn sign(&self, document: &mut Map<String, Value>, cut: &[BackEdge]) {
        let mut own = json!({
            "form": FORM,
            "runtime": self.lock.runtime.release.version().as_str(),
            "base": {"file_name": self.lock.base.file_name.as_str(), "sha256": self.lock.base.sha256.to_hex()},
            "requested": self.lock.requested,
        });
        if !cut.is_empty() {
            own["without"] = cut.iter().map(|edge| json!([edge.from.as_str(), edge.to.as_str()])).collect();
        }
        let tool = document.entry("tool").or_insert_with(|| json!({}));
        if !tool.is_object() {
            *tool = json!({});
        }
        tool[OWN] = own;
    }
}

#[cfg(test)]
mod tests;
