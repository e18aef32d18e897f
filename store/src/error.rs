//! What can go wrong with a store.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{holder::Holder, unfit::Unfit};

/// Why the store could not do something. Each variant names the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or the quota on it, is full.
    #[error("no space is left for {}", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Something must be written, and the store cannot be.
    #[error("the store {} cannot be written", root.display())]
    ReadOnly {
        /// The store's folder.
        root: PathBuf,
    },
    /// The folder holds something else.
    #[error("{} holds something else and is not a store", root.display())]
    NotAStore {
        /// The folder.
        root: PathBuf,
    },
    /// A newer larder made this store.
    #[error("the store {} has format {format}, which needs larder {needs} or newer", root.display())]
    NewerFormat {
        /// The store's folder.
        root: PathBuf,
        /// Its format.
        format: u32,
        /// The oldest larder that reads it.
        needs: String,
    },
    /// `meta.json` cannot be read as what it is.
    #[error("{} is damaged", path.display())]
    DamagedMeta {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A blob's bytes are not those that its name says.
    #[error("the blob {} is damaged: its bytes are {actual}", path.display())]
    DamagedBlob {
        /// The blob's file.
        path: PathBuf,
        /// The blake3 of what is there.
        actual: crate::digest::BlobId,
    },
    /// Something lies in the store that it does not open: a link, a pipe, a folder in place of a file.
    #[error("{} is {unfit}, which no store has there: remove it", path.display())]
    Unfit {
        /// The name that it has.
        path: PathBuf,
        /// What it is.
        unfit: Unfit,
    },
    /// A file that must be replaced belongs to another user, and cannot be.
    #[error("{} belongs to another user, and this one can neither use nor replace it", path.display())]
    OtherUser {
        /// The file.
        path: PathBuf,
    },
    /// A blob's bytes are not those that it was found for: its receipt, or what was derived from it, states another blob's digest.
    #[error("the blob {} is not what the store says: its bytes are not {stated}", path.display())]
    Misstated {
        /// The blob's file.
        path: PathBuf,
        /// What its bytes should have been.
        stated: crate::digest::Integrity,
    },
    /// Another process held a lock for too long.
    #[error("{}: {}, and {} seconds were not enough", path.display(), held_by(holder.as_ref()), waited.as_secs())]
    Held {
        /// The file or folder whose lock it is.
        path: PathBuf,
        /// Who holds it, if the system says so.
        holder: Option<Holder>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The user wanted to stop while a lock was waited for.
    #[error("interrupted")]
    Interrupted,
    /// Other processes use the store, and what is to be done needs it alone.
    #[error("other processes use the store {}, and blobs are removed only while nobody does", root.display())]
    InUse {
        /// The store's folder.
        root: PathBuf,
    },
    /// Anything else that the system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `rename`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        if let Some(unfit) = Unfit::in_error(&source) {
            Self::Unfit { path, unfit }
        } else if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::DiskFull { path, source }
        } else {
            Self::Io { action, path, source }
        }
    }

    /// The same error once more, for the others that it stopped. Of what the system said, the kind is kept.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::DiskFull { path, source } => Self::DiskFull { path: path.clone(), source: source.kind().into() },
            Self::Io { action, path, source } => Self::Io { action, path: path.clone(), source: source.kind().into() },
            Self::DamagedBlob { path, actual } => Self::DamagedBlob { path: path.clone(), actual: *actual },
            Self::Misstated { path, stated } => Self::Misstated { path: path.clone(), stated: stated.clone() },
            Self::ReadOnly { root } => Self::ReadOnly { root: root.clone() },
            Self::NotAStore { root } => Self::NotAStore { root: root.clone() },
            Self::Unfit { path, unfit } => Self::Unfit { path: path.clone(), unfit: *unfit },
            Self::OtherUser { path } => Self::OtherUser { path: path.clone() },
            Self::Held { path, holder, waited } => {
                Self::Held { path: path.clone(), holder: holder.clone(), waited: *waited }
            }
            Self::Interrupted => Self::Interrupted,
            Self::InUse { root } => Self::InUse { root: root.clone() },
            Self::NewerFormat { root, format, needs } => {
                Self::NewerFormat { root: root.clone(), format: *format, needs: needs.clone() }
            }
            Self::DamagedMeta { path, source } => Self::Io {
                action: "read",
                path: path.clone(),
                source: source.io_error_kind().unwrap_or(io::ErrorKind::InvalidData).into(),
            },
        }
    }

    /// Whether going on with other files is pointless.
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::ReadOnly { .. } | Self::Held { .. } | Self::Interrupted)
    }
}

fn held_by(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process holds a lock on it".to_owned(), Holder::to_string)
}

/// `result.at("write", path)`: names the action and the path in the error.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::io(action, path, source))
    }
}
