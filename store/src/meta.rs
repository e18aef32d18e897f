//! `meta.json`: what format the store has.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{error::StoreError, layout::Layout, open};

/// The format that this crate reads and writes.
const FORMAT: u32 = 1;
/// No `meta.json` is as long: bytes. One has 30.
const MOST_BYTES: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Meta {
    format: u32,
    /// The oldest larder that reads the format.
    needs: String,
}

/// What a folder is, by its `meta.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// A store of a format that this crate reads.
    Store,
    /// Not known: the file has no bytes, or none but zeros. That is what a power loss leaves of one that was not made durable before it got its name, as
    /// larders before this one wrote it.
    Emptied,
    /// No store.
    Nothing,
}

/// Looks for a store.
pub(crate) fn look(layout: &Layout) -> Result<Present, StoreError> {
    let path = layout.meta();
    let bytes = match open::read_whole(&path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Present::Nothing);
        }
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(Present::Emptied);
    }
    match parse(&bytes) {
        Ok(Ok(())) => Ok(Present::Store),
        Ok(Err((format, needs))) => Err(StoreError::NewerFormat { root: layout.root().to_owned(), format, needs }),
        Err(source) => Err(StoreError::DamagedMeta { path, source }),
    }
}

/// Reads what the file says; of a later format, its number and the oldest larder that reads it are the inner error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Result<(), (u32, String)>, serde_json::Error> {
    let Meta { format, needs } = serde_json::from_slice(bytes)?;
    Ok(if format > FORMAT { Err((format, needs)) } else { Ok(()) })
}

/// Whether there is a store, of a format that this crate reads.
pub(crate) fn check(layout: &Layout) -> Result<bool, StoreError> {
    Ok(look(layout)? == Present::Store)
}

/// What the file says of a store of this format.
pub(crate) fn bytes() -> Vec<u8> {
    let meta = Meta { format: FORMAT, needs: "0.1.0".to_owned() };
    serde_json::to_vec(&meta).expect("two plain fields can be written")
}
