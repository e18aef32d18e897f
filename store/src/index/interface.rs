//! What an index can do, and what it knows.

use std::path::PathBuf;

use crate::{digest::BlobId, key::Key, receipt::Receipt, unfit::Unfit};

/// What the index knows of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its length in bytes.
    pub size: u64,
    /// When a plan last used it, in days since 1970.
    pub last_used: u32,
}

/// A change: this blob is found under these keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The keys.
    pub keys: Vec<Key>,
    /// The blob.
    pub blob: BlobId,
    /// What is known of it.
    pub entry: Entry,
}

impl Addition {
    /// What a receipt says.
    pub fn of(receipt: &Receipt, last_used: u32) -> Self {
        Self { keys: receipt.keys().collect(), blob: receipt.blob, entry: Entry { size: receipt.size, last_used } }
    }
}

/// Look-ups and changes. Every call may fail on a damaged index; the caller then makes it again.
pub trait Index {
    /// The blob of a key.
    fn blob_of(&self, key: &Key) -> Result<Option<BlobId>, IndexError>;
    /// What is known of a blob.
    fn entry(&self, blob: &BlobId) -> Result<Option<Entry>, IndexError>;
    /// Notes blobs.
    fn add(&mut self, additions: &[Addition]) -> Result<(), IndexError>;
    /// Forgets these blobs, and those of these keys that lead to one of them.
    fn remove(&mut self, keys: &[Key], blobs: &[BlobId]) -> Result<(), IndexError>;
    /// Notes that blobs were used on this day.
    fn touch(&mut self, blobs: &[BlobId], day: u32) -> Result<(), IndexError>;
    /// Every key and its blob, sorted.
    fn keys(&self) -> Result<Vec<(Key, BlobId)>, IndexError>;
    /// Every blob and what is known of it, sorted.
    fn entries(&self) -> Result<Vec<(BlobId, Entry)>, IndexError>;
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// sled refuses.
    #[error("sled: {0}")]
    Sled(#[from] ::sled::Error),
    /// A value has a form that this version does not write.
    #[error("a value of another form under {0}")]
    Value(&'static str),
    /// sled panicked.
    #[error("sled panicked")]
    Panic,
    /// It does not have all the changes that were made to it.
    #[error("it has {has} of {made} changes")]
    Behind {
        /// Changes that it knows of.
        has: u64,
        /// Changes that were counted beside it.
        made: u64,
    },
    /// Something in its folder is no plain file, or is another file too.
    #[error("{} is {unfit}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it is.
        unfit: Unfit,
    },
    /// Another process held it all the time.
    #[error("another process holds it")]
    Held,
    /// The user wanted to stop while it was waited for.
    #[error("interrupted")]
    Interrupted,
}

/// Where the index was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// From `index-sled-v1/`.
    Sled,
    /// Not opened: the look-up cache has what the same look-up found earlier on this day.
    NotNeeded,
    /// Made again from the receipts, and kept; why.
    Rebuilt(String),
    /// Made in memory from the receipts, for this run only; why.
    Memory(String),
}
