//! What another store gives: receipts, and blobs in one of two ways.

use std::io::{self, Read};

use super::report::{Refusal, RefusalReason};
use crate::{digest::BlobId, receipt::Receipt};

/// Another store's blobs, each of which can be had by itself.
pub trait Blobs: Sync {
    /// The bytes of a blob; called by several threads at once, and not in any order. An error of the reader may hold a [`RefusalReason`].
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn Read + 'a>, RefusalReason>;
}

/// Another store's blobs, one after the other. What it reads are the bytes of the one at hand.
pub trait BlobStream: Read {
    /// The next one and its length; what was not read of the one before is passed over. `None` is the end. An error is the end, too: what came before it counts.
    fn next(&mut self) -> io::Result<Option<(BlobId, u64)>>;
}

/// Receipts that another store gives, as [`receipt`](super::receipt()) judged them.
pub type Offered = Vec<Result<Receipt, Box<Refusal>>>;
