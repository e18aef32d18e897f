//! What `larder.lock` says, as values.

use std::fmt;

use larder_store::digest::{Digest, Integrity};
use url::Url;

use super::download::{RecordedAbsence, RecordedDownload};
use crate::{
    core::{artifact::Version, file_host::FilePlace, file_name::FileName},
    python::{name::ProjectName, runtime::Runtime},
};

/// The form of a file that is Pyodide's alone. Every larder reads it.
pub(super) const FORM: i64 = 1;

/// The form of a file that has downloads or absences, and the newest that is read: a larder that does not know them must not pass them over.
pub(super) const FORM_WITH_DOWNLOADS: i64 = 2;

/// Downloads and absences that a file may have, together. The largest project that was seen has dozens.
pub const MOST_ROWS: usize = 10_000;

/// What `larder.lock` says. At least one part of it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LarderLock {
    /// Every file that the project's Pyodide needs.
    pub pyodide: Option<PyodideLock>,
    /// `[[download]]`: sorted by address.
    pub downloads: Vec<RecordedDownload>,
    /// `[[absent]]`: sorted by address. An address is here or among the downloads, and once.
    pub absent: Vec<RecordedAbsence>,
}

impl LarderLock {
    /// Whether it holds nothing that is written.
    pub fn is_empty(&self) -> bool {
        self.pyodide.is_none() && !self.has_rows()
    }

    /// Whether there are downloads or absences.
    pub fn has_rows(&self) -> bool {
        !self.downloads.is_empty() || !self.absent.is_empty()
    }
}

/// Every file that a project's Pyodide needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PyodideLock {
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

impl PyodideLock {
    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        let at = self.packages.binary_search_by(|package| package.name.as_str().cmp(name)).ok()?;
        Some(&self.packages[at])
    }
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

pub(super) const LARDER_TOML: &str = "larder.toml";

/// `larder.toml`, which is no normalised name, or the package's name.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LarderToml => f.write_str(LARDER_TOML),
            Self::Package(name) => name.fmt(f),
        }
    }
}
