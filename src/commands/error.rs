//! [`CommandError`]: any error that ends a command, with its exit code and its hint. Each command has errors of its own; here is how those of the rooms below end one, and what
//! several commands have in common.

use std::{error::Error, path::PathBuf};

use larder_store::StoreError;

use super::outcome::Outcome;
use crate::{
    config::{
        error::ConfigError,
        project::{DecidedBy, ProjectError},
    },
    core::path_error::PathError,
    fetcher::{FetchError, HELD},
    lockfile::larder_lock::LockFileError,
    npm::metadata::MetadataError,
    plan::PlanError,
    pyodide::folder::FolderError,
    run::child::ChildError,
    session::{NoLarderLock, ReadError, TwoRecordings, UnknownPlatform},
    view::{error::ViewError, locked_files::LockedFilesError},
};

/// An error that can end a command.
pub(super) trait EndsCommand: Error {
    /// How the command ends.
    fn outcome(&self) -> Outcome {
        Outcome::Wrong
    }

    /// The way out, if there is one to name.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Any error that ends a command.
pub(super) type CommandError = Box<dyn EndsCommand>;

impl<E: EndsCommand + 'static> From<E> for CommandError {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// Signals cannot be noticed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install signal handlers")]
pub(super) struct SignalsError(#[source] pub(super) std::io::Error);

impl EndsCommand for SignalsError {}

/// There is no place for temporary files.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a folder in {}", folder.display())]
pub(super) struct ScratchError {
    /// The folder for temporary files.
    pub(super) folder: PathBuf,
    /// Why.
    #[source]
    pub(super) source: std::io::Error,
}

impl EndsCommand for ScratchError {
    fn hint(&self) -> Option<String> {
        Some("name a folder that can be written with TMPDIR".to_owned())
    }
}

/// The registry cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve on port {port} of 127.0.0.1")]
pub(super) struct RegistryError {
    /// The port; 0 is any.
    pub(super) port: u16,
    /// Why.
    #[source]
    pub(super) source: std::io::Error,
}

impl EndsCommand for RegistryError {
    fn hint(&self) -> Option<String> {
        let is_named = self.port != 0;
        is_named.then(|| "another program may have that port: without --port, a free one is taken".to_owned())
    }
}

impl EndsCommand for ReadError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Lockfile { several: Some(several), .. } if several.by == DecidedBy::Nothing => Some(several.cure()),
            Self::Lockfile { problem, .. } => problem.hint(),
            Self::Project(error) => error.hint(),
            Self::LarderLock(error) => EndsCommand::hint(error),
            Self::NoLarderLock(error) => error.hint(),
            Self::OutdatedLock(_) => {
                Some("`larder lock` makes it anew, and keeps the versions that still fit".to_owned())
            }
            Self::UnknownPlatform(_) | Self::Plan(_) => None,
        }
    }
}

impl EndsCommand for UnknownPlatform {}

impl EndsCommand for NoLarderLock {
    fn hint(&self) -> Option<String> {
        let it = if self.is_there { "Pyodide's part" } else { "it" };
        Some(format!("`larder lock` writes {it} from `[pyodide]` in larder.toml"))
    }
}

impl EndsCommand for TwoRecordings {
    fn hint(&self) -> Option<String> {
        Some("make one of them at a time, or let one of the projects record anew what the other one has".to_owned())
    }
}

impl EndsCommand for PlanError {}

impl EndsCommand for ConfigError {}

impl EndsCommand for FolderError {}

impl EndsCommand for PathError {}

impl EndsCommand for ProjectError {
    fn hint(&self) -> Option<String> {
        self.hint()
    }
}

impl EndsCommand for LockFileError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Newer { .. } => "a newer larder wrote it: update this one",
            Self::Conflict { .. } => {
                "keep each [[download]] of both sides once, or take one side (`git checkout --ours -- larder.lock`), then run `larder lock`"
            }
            Self::Empty { .. } => {
                "`larder lock` writes Pyodide's part from `[pyodide]` in larder.toml; without anything to lock, remove the file"
            }
            Self::OldForm { .. } => {
                "`git checkout -- FILE` brings back the last one that was committed; if it was merged, take the larger `version` of both"
            }
            Self::TooManyRows { .. } => {
                "take out what is left over, or bring back the last one that was committed with `git checkout -- FILE`"
            }
            Self::Row { .. } | Self::SameAddress { .. } => {
                "take that row out of the file, or bring back the last one that was committed with `git checkout -- FILE`"
            }
            _ => {
                "`git checkout -- FILE` brings back the last one that was committed; without the file, `larder lock` makes anew what it can work out, and `larder record` the rest"
            }
        };
        Some(hint.to_owned())
    }
}

impl EndsCommand for ChildError {
    fn outcome(&self) -> Outcome {
        Outcome::Child(self.exit_code())
    }
}

impl EndsCommand for StoreError {
    fn outcome(&self) -> Outcome {
        if matches!(self, Self::Interrupted) { Outcome::Interrupted } else { Outcome::Store }
    }

    fn hint(&self) -> Option<String> {
        way_out_of(self).map(str::to_owned)
    }
}

impl EndsCommand for FetchError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted => Outcome::Interrupted,
            Self::Store(error) => error.outcome(),
            _ => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        if let Self::Store(error) = self { error.hint() } else { None }
    }
}

impl EndsCommand for ViewError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted => Outcome::Interrupted,
            Self::Store(error) => error.outcome(),
            _ => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        if let Self::Store(error) = self { error.hint() } else { self.hint().map(str::to_owned) }
    }
}

impl EndsCommand for LockedFilesError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Store(StoreError::Interrupted) => Outcome::Interrupted,
            error if error.is_of_store() => Outcome::Store,
            _ => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

impl EndsCommand for MetadataError {
    fn outcome(&self) -> Outcome {
        if matches!(self, Self::Store(_) | Self::NoReceipt { .. }) { Outcome::Store } else { Outcome::Wrong }
    }

    fn hint(&self) -> Option<String> {
        let is_of_a_blob = matches!(self, Self::NoReceipt { .. } | Self::Tarball { .. });
        is_of_a_blob.then(|| "`larder verify --repair` looks at every blob of the store".to_owned())
    }
}

/// The way out of an error of the store, if there is one to name.
const fn way_out_of(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::DiskFull { .. } => {
            "make room, or name another place with --store; what has arrived is kept and not fetched again"
        }
        StoreError::ReadOnly { .. } => {
            "it is on a read-only place or belongs to another user: name another one with --store or LARDER_STORE"
        }
        StoreError::NotAStore { .. } => "name an empty or new folder with --store or LARDER_STORE",
        StoreError::Unfit { .. } => "larder follows no link inside a store; the store's own folder may be one",
        StoreError::OtherUser { .. } => "give each user a store with --store or LARDER_STORE",
        StoreError::DamagedMeta { .. } => {
            "if the folder is a store, remove that file: it is written anew, and no blob is lost"
        }
        StoreError::InUse { .. } => "end the larders that use it, `larder serve` among them, and try again",
        StoreError::Held { .. } => HELD,
        _ => return None,
    })
}
