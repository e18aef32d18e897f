//! What an import did, and what it refused.

use std::{io, path::PathBuf, time::Duration};

use crate::{
    digest::{BlobId, Integrity},
    error::StoreError,
    receipt::{MOST_BYTES, Receipt, ReceiptError},
    stats::Tally,
    unfit::Unfit,
};

/// Whether the other store is believed about what no bytes prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identities {
    /// It is the user's own.
    Believed,
    /// It may be anybody's. What it says of identities is left out, unless it is known here.
    Known,
}

/// What was imported.
#[derive(Debug, Default)]
pub struct Imported {
    /// Blobs that are here now and were not.
    pub imported: Tally,
    /// Blobs that were here and are found under more keys now.
    pub supplemented: u64,
    /// Blobs of which nothing was new.
    pub already_here: u64,
    /// Packages without a digest in any lockfile whose bytes the other store names, and is not believed about.
    pub not_believed: u64,
    /// What was not imported, sorted by blob.
    pub refused: Vec<Refusal>,
    /// How long barriers took, in all. Most of it passes while other files are read.
    pub barriers: Duration,
    /// Whether it ended before all was looked at.
    pub is_stopped: bool,
    /// Why what blobs came in ended before all of them had come.
    pub broke_off: Option<io::Error>,
}

/// A blob that was not imported.
#[derive(Debug)]
pub struct Refusal {
    /// The blob, if a name says which.
    pub blob: Option<BlobId>,
    /// A package that it is said to be: `react 18.2.0`.
    pub package: Option<String>,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a blob was not imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Its receipt is none, or not one that can be believed.
    #[error("its receipt is damaged: {0}")]
    Receipt(InvalidReceipt),
    /// It has a receipt and no file.
    #[error("it has a receipt and no file")]
    Missing,
    /// A link, a pipe or the like is in its file's place.
    #[error("its file is {0}")]
    NotAFile(Unfit),
    /// Its file has another length than the receipt says.
    #[error("it has {actual} bytes, and its receipt says {expected}")]
    Length {
        /// Bytes that the receipt says.
        expected: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// Its bytes are not those of its name.
    #[error("its bytes are blake3 {actual}")]
    Bytes {
        /// The blake3 of its bytes.
        actual: BlobId,
    },
    /// Its bytes are those of its name, and its receipt states other digests of them.
    #[error("its receipt states digests that its bytes do not have ({stated})")]
    Digests {
        /// What is stated.
        stated: Integrity,
    },
    /// Without a digest in the lockfile, other bytes were fetched first, and count.
    #[error("other bytes are recorded here for {identity}: {recorded}")]
    Conflict {
        /// What was asked for.
        identity: String,
        /// The blob that counts.
        recorded: BlobId,
    },
    /// It cannot be read there.
    #[error("it cannot be read")]
    Unread(#[source] io::Error),
    /// What it comes in ends before it.
    #[error("what it comes in is cut off")]
    CutOff,
    /// It cannot be written here.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RefusalReason {
    /// Why bytes could not be read: a reader may give this error itself, inside that of the system.
    pub(super) fn of_reading(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Unread)
    }
}

impl From<RefusalReason> for io::Error {
    fn from(reason: RefusalReason) -> Self {
        Self::other(reason)
    }
}

/// Why a file is no receipt that can be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidReceipt {
    /// It is none.
    #[error(transparent)]
    Form(#[from] ReceiptError),
    /// It is the receipt of another blob than its name says.
    #[error("it is of another blob")]
    OtherBlob,
    /// Its name is no blob's.
    #[error("{} is not a blob's name", .0.display())]
    Name(PathBuf),
    /// It is too long, or is no file.
    #[error("it is not a file of at most {MOST_BYTES} bytes")]
    NotAFile,
    /// A name in it would change what a terminal shows.
    #[error("a name in it has control characters")]
    ControlCharacters,
}

impl Refusal {
    /// The refusal of the blob of this receipt.
    pub(super) fn of(receipt: &Receipt, reason: RefusalReason) -> Self {
        let package = receipt.origins.first().map(|origin| format!("{} {}", origin.name, origin.version));
        Self { blob: Some(receipt.blob), package, reason }
    }
}
