//! Sidecar files: `rows/` has what a project recorded beside a lockfile, under the digest of that lockfile, for who has the lockfile alone.
//!
//! ```text
//! rows/<blake3 of the lockfile>     64 hexadecimal digits, a line end, the rows; the digits are the blake3 of the lockfile's digest and the rows
//! ```
//!
//! A seed says all that there is for its lockfiles: above one, the writable store has no say. There, only what this user or root wrote counts. The rows are not read here.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    atomic_file,
    digest::BlobId,
    error::StoreError,
    layout::{Layout, is_hex},
    open,
    overlay::Overlay,
    writable::Writable,
};

/// Lockfiles whose rows are kept. A cache mount serves some projects, each of which changes its lockfile now and then.
const KEPT: usize = 256;
/// The longest file, bytes: a lockfile may be as long. 512 MiB.
const LONGEST: u64 = 512 << 20;

/// What a store has of a lockfile's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Nothing.
    None,
    /// A file that does not have the bytes that it was written with.
    Damaged(PathBuf),
    /// The rows.
    Text {
        /// Where they are.
        path: PathBuf,
        /// Their bytes.
        text: Vec<u8>,
    },
}

/// The bytes of a file with these rows.
pub(crate) fn bytes(lockfile: &BlobId, rows: &[u8]) -> Vec<u8> {
    [checksum(lockfile, rows).as_bytes(), b"\n", rows].concat()
}

fn checksum(lockfile: &BlobId, rows: &[u8]) -> String {
    blake3::Hasher::new().update(lockfile.as_bytes()).update(rows).finalize().to_hex().to_string()
}

/// The rows of a lockfile.
pub(crate) fn find(store: &Overlay, lockfile: &BlobId) -> Rows {
    let Some(lower) = store.lower() else { return read(store.layout(), lockfile, is_own) };
    let own = (!store.is_writable()).then_some(store.layout());
    let mut found = own.into_iter().chain(lower.layouts()).map(|layout| read(layout, lockfile, |_| true));
    found.find(|rows| *rows != Rows::None).unwrap_or(Rows::None)
}

/// Whoever else may write in a store has no say in what this user's programs get.
fn is_own(metadata: &fs::Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw()
}

fn read(layout: &Layout, lockfile: &BlobId, is_believed: impl Fn(&fs::Metadata) -> bool) -> Rows {
    let path = layout.rows(lockfile);
    let Ok((file, metadata)) = open::to_read(&path) else { return Rows::None };
    if !is_believed(&metadata) {
        tracing::debug!(path = %path.display(), "another user's rows are not used");
        return Rows::None;
    }
    let read = open::read_opened(file, &metadata, LONGEST).ok();
    let rows = read.as_deref().and_then(|bytes| checked(lockfile, bytes));
    match rows {
        Some(rows) => Rows::Text { path, text: rows.to_vec() },
        None => Rows::Damaged(path),
    }
}

/// The rows in the bytes of a file, if they are those that it was written with.
pub(crate) fn checked<'a>(lockfile: &BlobId, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (stated, rest) = bytes.split_at_checked(64)?;
    let rows = rest.strip_prefix(b"\n")?;
    (checksum(lockfile, rows).as_bytes() == stated).then_some(rows)
}

/// Writes the rows of a lockfile in place of those that it had; without rows, removes those.
pub(crate) fn write(store: Writable<'_>, lockfile: &BlobId, rows: Option<&[u8]>) -> Result<(), StoreError> {
    let layout = store.layout();
    let path = layout.rows(lockfile);
    match rows {
        Some(rows) if matches!(read(layout, lockfile, is_own), Rows::Text { text, .. } if text == rows) => Ok(()),
        Some(rows) => {
            atomic_file::write(layout, &path, &bytes(lockfile, rows))?;
            remove_oldest(&layout.all_rows())
        }
        None => remove(&path),
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn remove_oldest(folder: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::io("list", folder, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        // Nothing else here is the store's.
        if is_hex(entry.file_name().as_encoded_bytes(), 64) {
            files.push((entry.metadata().and_then(|metadata| metadata.modified()).map_err(io)?, entry.path()));
        }
    }
    files.sort();
    files.iter().take(files.len().saturating_sub(KEPT)).try_for_each(|(_, path)| remove(path))
}
