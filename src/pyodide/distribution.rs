//! [`Distribution`]: the lock of a Pyodide distribution, which names every package that was built for one release.
//!
//! Its file is `repodata.json` from 0.21 to 0.23 and `pyodide-lock.json` since. No version of it states a schema, so a file is known by its fields:
//!
//! ```text
//! info      arch, platform, python; `version` until 0.29.3, `abi_version` since 0.26
//! packages  key → name, version, file_name, install_dir, sha256, imports, depends, and what else the release writes
//! tool      since 314.0.7
//! ```
//!
//! Fields that larder does not know are kept as they stand, in their order. Names are compared in their normalised form; how the loader of that release
//! looks them up is [`Distribution::spelling`]'s to say. Pure.

use std::{collections::BTreeMap, fmt};

use larder_store::digest::Digest;
use serde_json::{Map, Value};

use crate::core::artifact::Version;
use crate::{core::file_name::FileName, python::name::ProjectName};

mod error;
mod field;
mod read;

pub use error::{BadPackage, DistributionError, PackageProblem};

/// What one release of Pyodide offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    info: Info,
    /// All that stands beside `packages`, in the file's order.
    others: Map<String, Value>,
    packages: BTreeMap<ProjectName, DistributionPackage>,
}

/// What the distribution is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version of Python, such as `3.13.2`. That of the runtime itself may be a later patch.
    pub python: String,
    /// `emscripten_` and the version of Emscripten, such as `emscripten_4_0_9`.
    pub platform: String,
    /// The ABI that wheels are tagged with, such as `2025_0`; since 0.26.
    pub abi_version: Option<String>,
    /// What it states as its version, which is not always the release's: 0.28 and 0.29 say `0.28.0.dev0`. Gone since 0.29.4.
    pub version: Option<String>,
}

/// One package of a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPackage {
    /// Its key in the file.
    pub key: Box<str>,
    /// Its name as its authors spell it.
    pub name: Box<str>,
    /// Its version.
    pub version: Version,
    /// Its file in the distribution's folder.
    pub file_name: FileName,
    /// Where the loader unpacks it to.
    pub install_dir: Box<str>,
    /// The digest of its file.
    pub sha256: Digest,
    /// What it is.
    pub package_type: PackageType,
    /// The modules that it brings, by which `loadPackagesFromImports` finds it.
    pub imports: Vec<Box<str>>,
    /// The packages that it needs, in the file's order.
    pub depends: Vec<ProjectName>,
    /// Everything that the file states about it, in the file's order.
    pub fields: Map<String, Value>,
}

/// What a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageType {
    /// A Python package, or the tests of one.
    Package,
    /// A shared library that packages need.
    SharedLibrary,
    /// A part of Python's own library.
    CpythonModule,
}

impl PackageType {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::SharedLibrary => "shared_library",
            Self::CpythonModule => "cpython_module",
        }
    }
}

impl fmt::Display for PackageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a release's loader finds the entry of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// By its normalised form: since 0.25.
    Normal,
    /// By the name in lower case, and nothing else: before 0.25.
    LowerCase,
}

impl Distribution {
    /// Reads `repodata.json` or `pyodide-lock.json`. `file` is the name that messages carry.
    ///
    /// All packages that cannot be understood are named at once.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, DistributionError> {
        read::read(file, bytes)
    }

    /// What it is built for.
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// A package by its normalised name.
    pub fn get(&self, name: &str) -> Option<&DistributionPackage> {
        self.packages.get(name)
    }

    /// All packages, by their normalised names.
    pub const fn packages(&self) -> &BTreeMap<ProjectName, DistributionPackage> {
        &self.packages
    }

    /// What stands in the file beside `packages`, in its order: `info`, and `tool` if there is one.
    pub const fn others(&self) -> &Map<String, Value> {
        &self.others
    }

    /// How the loader of this release finds the entry of a name.
    pub fn spelling(&self) -> Spelling {
        // Until 0.25 the stated version is that of the release.
        let minor = self.info.version.as_deref().and_then(|version| version.strip_prefix("0."));
        let minor = minor.and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor < 25) { Spelling::LowerCase } else { Spelling::Normal }
    }
}

#[cfg(test)]
mod tests;
