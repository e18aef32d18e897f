//! Why there is no project, and the way out.

use std::{io, path::PathBuf};

use super::{
    lockfile_names::names_of,
    nearby::{NAME_IT, Nearby, shown},
};
use crate::{config::larder_toml::LarderTomlError, lockfile::Format};

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// There is nothing at a path that was named, on the command line or in `larder.toml`.
    #[error("{} does not exist", path.display())]
    NothingThere {
        /// The path.
        path: PathBuf,
        /// The `larder.toml` that lists it, if it was not named on the command line.
        listed_in: Option<PathBuf>,
    },
    /// A folder without a lockfile.
    #[error("{} has no {}", folder.display(), names_of(&Format::ALL))]
    NoLockfile {
        /// The folder.
        folder: PathBuf,
        /// What is there instead.
        nearby: Nearby,
    },
    /// bun's lockfile in its binary form.
    #[error("{} is a lockfile of bun in its binary form, which larder does not read", path.display())]
    BinaryLockfile {
        /// The lockfile.
        path: PathBuf,
    },
    /// A folder, a pipe or a device where a file was looked for.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file that is longer than any of its kind.
    #[error("{} is longer than {longest} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bound, in bytes.
        longest: u64,
    },
    /// A file exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `larder.toml` is wrong.
    #[error(transparent)]
    LarderToml(#[from] LarderTomlError),
}

impl ProjectError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BinaryLockfile { .. } => {
                Some("`bun install --save-text-lockfile` writes it as text, bun.lock".to_owned())
            }
            Self::NothingThere { listed_in: Some(settings), .. } => {
                Some(format!("`lockfiles` in {} lists it", shown(settings)))
            }
            Self::NothingThere { .. } => Some(NAME_IT.to_owned()),
            Self::NoLockfile { folder, nearby } => Some(nearby.hint(folder)),
            _ => None,
        }
    }
}
