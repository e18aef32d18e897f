//! `larder.lock`: every file that a project's Pyodide needs, with its digest and why it is there. Read and written; made for review in a diff.
//!
//! ```toml
//! version = 1
//! requested = ["black"]
//!
//! [runtime]
//! version = "0.28.3"
//! python = "3.13.2"
//! abi_version = "2025_0"
//! platform = "emscripten_4_0_9"
//! integrity = "sha512-…"
//!
//! [base]
//! file_name = "pyodide-lock.json"
//! sha256 = "…"
//!
//! [[package]]
//! name = "black"
//! version = "26.5.1"
//! source = "index"
//! file_name = "black-26.5.1-py3-none-any.whl"
//! path = "packages/…/black-26.5.1-py3-none-any.whl"
//! sha256 = "…"
//! size = 206123
//! depends = ["click"]
//! why = ["larder.toml"]
//! ```
//!
//! Invariants: packages are sorted by name, each name once; `depends` is normalised, sorted, and names packages of the file; the same value is the same
//! bytes. No time, no secret and nothing of the machine is in it.

use std::fmt;

use larder_store::digest::{Digest, Integrity};
use url::Url;

use crate::core::artifact::Version;
use crate::{
    core::{file_host::FilePlace, file_name::FileName},
    python::{
        name::ProjectName,
        runtime::{Runtime, RuntimeError},
    },
};

mod read;
#[cfg(test)]
mod tests;
mod write;

/// The file's name, beside `larder.toml`.
pub const LARDER_LOCK: &str = "larder.lock";

/// The form that is written, and the newest that is read.
const FORM: i64 = 1;

/// What `larder.lock` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LarderLock {
    /// `[runtime]`.
    pub runtime: LockedRuntime,
    /// `[base]`.
    pub base: LockedBase,
    /// `requested`: the requirements of `larder.toml`, as written there, sorted.
    pub requested: Vec<String>,
    /// `exclude_newer`: files that were uploaded at this time or later were not looked at.
    pub exclude_newer: Option<jiff::Timestamp>,
    /// `[[package]]`: sorted by name, each once.
    pub packages: Vec<LockedPackage>,
}

/// The runtime and its npm tarball.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedRuntime {
    /// The release.
    pub release: Runtime,
    /// Where the npm lockfile says that its tarball is; `None`: where the configured registry has it. Without user name and password.
    pub url: Option<Url>,
    /// The tarball's digests.
    pub integrity: Option<Integrity>,
}

/// The lock of the distribution, which the runtime's tarball holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedBase {
    /// `pyodide-lock.json`, or `repodata.json` before 0.24.
    pub file_name: FileName,
    /// Its digest.
    pub sha256: Digest,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPackage {
    /// The project.
    pub name: ProjectName,
    /// Its version, as its source writes it.
    pub version: Version,
    /// Where it comes from.
    pub source: LockedSource,
    /// The file's real name: a wheel's, or that of a shared library's archive.
    pub file_name: FileName,
    /// Its digest.
    pub sha256: Digest,
    /// Its length, bytes, where whoever states the digest states it too: a distribution's lock does not, and other servers are not asked, since the file must
    /// not depend on who could be reached when it was written.
    pub size: Option<u64>,
    /// What it needs, sorted; each is a package of the file.
    pub depends: Vec<ProjectName>,
    /// Who asks for it, sorted; at least one.
    pub why: Vec<Asker>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedSource {
    /// The distribution: `url` is relative to each of the sources, and so is the file's name.
    Distribution,
    /// The index: `path` is that on the public index's file host or a mirror of it, `url` any other address.
    Index {
        /// Where the file is; an address is without user name, password, query and fragment.
        place: FilePlace,
    },
}

/// Who asks for a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// `packages` in `larder.toml`.
    LarderToml,
    /// A package of the file.
    Package(ProjectName),
}

const LARDER_TOML: &str = "larder.toml";

/// `larder.toml`, which is no normalised name, or the package's name.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LarderToml => f.write_str(LARDER_TOML),
            Self::Package(name) => name.fmt(f),
        }
    }
}

/// What is wrong with a `larder.lock`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockFileError {
    /// Not UTF-8.
    #[error("{lockfile} is not UTF-8")]
    NotUtf8 {
        /// The file's label.
        lockfile: String,
    },
    /// Not TOML.
    #[error("{lockfile}:{line}: {message}")]
    Syntax {
        /// The file's label.
        lockfile: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// A form that a newer larder wrote.
    #[error("{lockfile} has version {version}, and this larder reads version {FORM}")]
    Newer {
        /// The file's label.
        lockfile: String,
        /// Its version.
        version: i64,
    },
    /// The runtime is none.
    #[error("{lockfile}: `runtime` is wrong")]
    Runtime {
        /// The file's label.
        lockfile: String,
        /// Why.
        #[source]
        source: RuntimeError,
    },
    /// A value that is not of its kind.
    #[error("{lockfile}: {entry}: `{key}` is {problem}")]
    Value {
        /// The file's label.
        lockfile: String,
        /// `runtime`, `base` or `package NAME`.
        entry: String,
        /// The key.
        key: &'static str,
        /// What is wrong, in words.
        problem: String,
    },
    /// The same package twice.
    #[error("{lockfile}: package {name} stands there twice")]
    Twice {
        /// The file's label.
        lockfile: String,
        /// The package.
        name: ProjectName,
    },
    /// A dependency that the file does not have.
    #[error("{lockfile}: package {name}: depends on {dependency}, which the file does not have")]
    Open {
        /// The file's label.
        lockfile: String,
        /// The package.
        name: ProjectName,
        /// What it needs.
        dependency: ProjectName,
    },
}

impl LarderLock {
    /// Reads the bytes of the file; `lockfile` is its label, for messages.
    pub fn parse(lockfile: &str, bytes: &[u8]) -> Result<Self, LockFileError> {
        read::read(lockfile, bytes)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        write::text(self)
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        let at = self.packages.binary_search_by(|package| package.name.as_str().cmp(name)).ok()?;
        Some(&self.packages[at])
    }
}
