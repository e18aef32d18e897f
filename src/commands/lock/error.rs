//! Why a project cannot be locked.

use std::{io, path::PathBuf};

use crate::{
    commands::{error::EndsCommand, outcome::Outcome},
    core::{path_error::below, runtime_version::RuntimeVersion},
    http::{ClientError, DownloadError},
    pyodide::{
        distribution::DistributionError, index::IndexError, resolve::ResolveError, runtime_files::RuntimeFilesError,
    },
    python::runtime::RuntimeError,
};

/// Why a project cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LockError {
    /// No `[pyodide]`, and no package that downloads files itself.
    #[error(
        "{}larder.toml has no [pyodide], and no lockfile names a package whose own downloads are known, so there is nothing to lock",
        below(folder)
    )]
    NothingToLock {
        /// The project's folder.
        folder: PathBuf,
    },
    /// What is to be chosen anew is not there.
    #[error("larder.lock has no {names}, so there is nothing to upgrade")]
    NothingToUpgrade {
        /// The names, joined by commas.
        names: String,
    },
    /// No runtime.
    #[error("neither larder.toml nor an npm lockfile of {} names a release of Pyodide", folder.display())]
    NoRuntime {
        /// The project's folder.
        folder: PathBuf,
    },
    /// More than one.
    #[error("the npm lockfiles of {} name several releases of Pyodide: {versions}", folder.display())]
    SeveralRuntimes {
        /// The project's folder.
        folder: PathBuf,
        /// The releases.
        versions: String,
    },
    /// What the npm lockfile states is no release.
    #[error("{lockfile} has Pyodide `{}`, which is {problem}", version.escape_debug())]
    NoRelease {
        /// The lockfile.
        lockfile: String,
        /// What it states.
        version: String,
        /// What is wrong, in words.
        problem: &'static str,
    },
    /// The runtime's tarball could not be had; the failure was told.
    #[error("cannot fetch the npm tarball of Pyodide {version}")]
    Tarball {
        /// The release.
        version: RuntimeVersion,
        /// Whether it was the network.
        is_network: bool,
    },
    /// The tarball is in the store and cannot be read from there.
    #[error("{} cannot be read", path.display())]
    Blob {
        /// The blob.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The tarball is no runtime's.
    #[error(transparent)]
    RuntimeFiles(#[from] RuntimeFilesError),
    /// Its lock cannot be read.
    #[error("the distribution of Pyodide {version} cannot be read")]
    Distribution {
        /// The release.
        version: RuntimeVersion,
        /// Why.
        #[source]
        source: Box<DistributionError>,
    },
    /// Its lock describes no runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system gives no threads.
    #[error("cannot start the threads for asking the index")]
    Threads(#[source] io::Error),
    /// The index does not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// There is no result.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// `--check`, and the lock is not what it would be.
    #[error("{} {}", path.display(), if *is_there { "is not what `larder lock` would write" } else { "does not exist, and `larder lock` would write one" })]
    WouldChange {
        /// The lock.
        path: PathBuf,
        /// Whether there is one.
        is_there: bool,
    },
    /// `--check`, and rows contradict the lockfiles or the store.
    #[error("{}: what was recorded does not hold:\n  {}", path.display(), problems.join("\n  "))]
    Rows {
        /// The lock.
        path: PathBuf,
        /// What is wrong, each with its address.
        problems: Vec<String>,
    },
    /// The lock cannot be written. What was there before is there still.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The lock.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LockError {
    /// Whether the user stopped it.
    pub(in crate::commands) fn is_interrupted(&self) -> bool {
        matches!(
            self,
            Self::Index(IndexError::Interrupted) | Self::Resolve(ResolveError::Index(IndexError::Interrupted))
        )
    }
}

impl EndsCommand for LockError {
    fn outcome(&self) -> Outcome {
        let index = match self {
            error if error.is_interrupted() => return Outcome::Interrupted,
            Self::Tarball { is_network, .. } => return if *is_network { Outcome::Network } else { Outcome::Wrong },
            Self::Index(error) | Self::Resolve(ResolveError::Index(error)) => error,
            _ => return Outcome::Wrong,
        };
        if index.download().is_some_and(DownloadError::is_network) { Outcome::Network } else { Outcome::Wrong }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NothingToLock { .. } => "`larder init` writes a larder.toml to begin with",
            Self::NothingToUpgrade { .. } => {
                "`larder lock` adds what is new in larder.toml; `larder lock --upgrade` upgrades everything"
            }
            Self::NoRuntime { .. } => {
                "`npm install pyodide` names one, or `version = \"…\"` below [pyodide] in larder.toml"
            }
            Self::SeveralRuntimes { .. } => "choose one: `version = \"…\"` below [pyodide] in larder.toml",
            Self::Resolve(ResolveError::Conflict { .. }) => {
                "change a requirement in larder.toml; another release of Pyodide has other versions"
            }
            Self::Resolve(ResolveError::Unavailable { .. }) => {
                "take the name out of larder.toml, name another `index` there, or choose a release of Pyodide that has it"
            }
            Self::Index(IndexError::Mismatch { .. })
            | Self::Resolve(ResolveError::Index(IndexError::Mismatch { .. })) => {
                "the index and its files disagree: ask whoever runs it"
            }
            Self::Rows { .. } => {
                "put those rows right with an editor, take them out, or bring back the last larder.lock that was committed"
            }
            Self::WouldChange { .. } => "`larder lock` writes it; commit what it writes",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
