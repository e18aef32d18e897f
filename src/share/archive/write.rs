//! Writes an archive.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use larder_store::{
    Store, StoreError,
    digest::BlobId,
    key::BlobRef,
    seed::{self, Member, member},
    stats::Tally,
};

use crate::{
    archive::tar::write::{END, EPOCH, Flag, Head, pad},
    core::layout::{Content, Layout},
};

/// Copied at once, bytes.
const BATCH: usize = 256 << 10;

/// Why an archive is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// A blob cannot be read, or is not what its name says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody takes the archive.
    #[error("cannot write it")]
    Target(#[source] io::Error),
    /// It was asked to stop.
    #[error("stopped")]
    Interrupted,
}

/// Writes the archive of a seed to `target`, without the blobs of `known` and their receipts. Each blob is compared with its name on the way: after an error, what was written is
/// no archive.
pub(crate) fn write(
    store: &Store,
    seed: &Layout,
    known: &HashSet<BlobId>,
    target: &mut impl Write,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Tally, WriteError> {
    let is_known = |path: &str| match member(path) {
        Some(Member::Receipt(blob) | Member::Blob(blob)) => known.contains(&blob),
        _ => false,
    };
    let files: Vec<_> = seed.files().filter(|(path, _)| !is_known(path)).collect();
    let meta = seed::meta().0;
    let (first, others): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| *path == meta);
    for (path, content) in first.into_iter().chain(others) {
        if let Content::Bytes(bytes) | Content::Program(bytes) = content {
            head(path, 0o644, bytes.len() as u64, target).map_err(WriteError::Target)?;
            target.write_all(bytes).and_then(|()| pad(bytes.len() as u64, target)).map_err(WriteError::Target)?;
        }
    }
    let mut written = Tally::default();
    let mut buffer = vec![0; BATCH];
    for (path, content) in files {
        if let Content::Blob(blob) = content {
            head(path, 0o444, blob.size, target).map_err(WriteError::Target)?;
            copy(store, blob, &mut buffer, target, is_stopped)?;
            pad(blob.size, target).map_err(WriteError::Target)?;
            written.add(blob.size);
        }
    }
    target.write_all(&END).and_then(|()| target.flush()).map_err(WriteError::Target)?;
    Ok(written)
}

fn head(path: &str, mode: u32, len: u64, target: &mut impl Write) -> io::Result<()> {
    Head { path: path.as_bytes(), target: b"", mode, flag: Flag::File, len, time: EPOCH }.write(target)
}

fn copy(
    store: &Store,
    blob: &BlobRef,
    buffer: &mut [u8],
    target: &mut impl Write,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), WriteError> {
    let mut bytes = store.read_checked(*blob)?;
    loop {
        if is_stopped() {
            return Err(WriteError::Interrupted);
        }
        match bytes.next(buffer)? {
            0 => return Ok(()),
            count => target.write_all(&buffer[..count]).map_err(WriteError::Target)?,
        }
    }
}
