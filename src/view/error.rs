//! Why a view could not be written.

use std::{io, path::PathBuf};

use larder_store::StoreError;

use crate::core::{escape, path_error::PathError};

/// How many of the files that stop a view are named.
const NAMED: usize = 3;

/// Why a view could not be written. What was there before is there still.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The folder holds something that larder did not put there.
    #[error("{} holds something else and is not a view", path.display())]
    NotAView {
        /// The folder.
        path: PathBuf,
    },
    /// It is a view, and holds files that larder did not put there.
    #[error("{} holds what larder did not write: {}", path.display(), listed(files))]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The files, by their paths in it.
        files: Vec<String>,
    },
    /// An earlier larder made it, and its marker does not tell larder's files from others.
    #[error("{} has the marker of an earlier larder, which lists no files; it contains {}", path.display(), listed(files))]
    Unnamed {
        /// The folder.
        path: PathBuf,
        /// The files that are not of the new view, by their paths in it.
        files: Vec<String>,
    },
    /// Files came into the old view while the new one took its place.
    #[error("files were added to {} while larder replaced it; they are now in {}", path.display(), aside.display())]
    LeftOver {
        /// The view, which is complete.
        path: PathBuf,
        /// What was left of the old one.
        aside: PathBuf,
    },
    /// A folder where no view may go.
    #[error("{} {relation} {}", path.display(), other.display())]
    Precious {
        /// The folder.
        path: PathBuf,
        /// What it has to do with the other.
        relation: &'static str,
        /// The store, the project or the home.
        other: PathBuf,
    },
    /// There is something that is no folder.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// It has no name of its own that another folder could take.
    #[error("{} cannot be replaced by a view", path.display())]
    NoName {
        /// The folder.
        path: PathBuf,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// A mount point cannot be swapped.
    #[error("{} is a mount point, which cannot be replaced as a whole", path.display())]
    MountPoint {
        /// The folder.
        path: PathBuf,
    },
    /// A blob could not be placed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else that the system refused.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl ViewError {
    /// What to do about it, if that can be said.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAView { .. } => Some("name a folder that does not exist or is empty, or remove this one first"),
            Self::Foreign { .. } => Some("move that elsewhere, or name another folder; nothing was changed"),
            Self::Unnamed { .. } => Some("remove the folder, if nothing in it is your own; nothing was changed"),
            Self::Precious { .. } => Some("name a folder of the view's own"),
            Self::MountPoint { .. } | Self::NoName { .. } => Some("name a folder inside it"),
            Self::Path(PathError { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {
                Some("make room; nothing was changed")
            }
            _ => None,
        }
    }
}

fn listed(files: &[String]) -> String {
    // In one line, whatever a name has in it.
    let plain = |file: &String| escape::escaped(file).into_owned();
    let mut named: Vec<String> = files.iter().take(NAMED).map(plain).collect();
    if files.len() > NAMED {
        named.push(format!("and {} more", files.len() - NAMED));
    }
    named.join(", ")
}
