//! An archive: a seed in a tar, for a pipe, a disk or any other way that files go. Its form is in [the store's format](../../docs/store-format.md#an-archive).
//!
//! The same blobs and receipts are the same bytes on every machine. Receipts come before blobs, so who reads it knows what is to come, passes over what is here,
//! and keeps what was whole of one that is cut off.

mod read;
mod write;

pub(crate) use read::{Archive, ArchiveError};
pub(crate) use write::{WriteError, write};
