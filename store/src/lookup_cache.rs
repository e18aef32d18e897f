//! The look-up cache: `remembered/<hash of the keys>` is a look-up that found everything, so that the same look-up of the next run opens no index.
//!
//! Each hit is checked: the blob's file must be there with its length, and whoever reads it compares its bytes with the digest that was asked for; for an identity,
//! its receipt must state it. So a file that somebody has put here leads to no other bytes. One byte of version, 40 bytes for each key in order (the blob and its size, little-endian), the blake3 of all that.

use std::{io, time::SystemTime};

use crate::{
    atomic_file,
    clock::day,
    digest::BlobId,
    error::StoreError,
    key::{BlobRef, Key},
    layout::{Layout, is_hex},
    open,
    writable::Writable,
};

const VERSION: u8 = 1;
const ROW: usize = 40;
/// Projects and selections that are kept: a developer's machine has a few, and each is some 50 kB.
const KEPT: usize = 64;

/// What a look-up of these keys, which are sorted, found earlier on this day. (Once a day, the index must record that the blobs are used.)
pub(crate) fn read(layout: &Layout, keys: &[Key], today: u32) -> Option<Vec<BlobRef>> {
    let path = layout.cached_lookup(&name(keys));
    if keys.is_empty() {
        return None;
    }
    let (file, metadata) = open::to_read(&path).ok()?;
    if day_of(metadata.modified().ok()?) != Some(today) {
        return None;
    }
    let bytes = open::read_opened(file, &metadata, (1 + keys.len() * ROW + 32) as u64).ok()?;
    let (rows, checksum) = bytes.split_last_chunk::<32>()?;
    if rows.len() != 1 + keys.len() * ROW || rows[0] != VERSION || blake3::hash(rows).as_bytes() != checksum {
        tracing::debug!(path = %path.display(), "a damaged entry of the look-up cache is not used");
        return None;
    }
    Some(rows[1..].chunks_exact(ROW).map(blob_ref).collect())
}

/// Caches what a look-up of these keys found, in their order. A failure costs the next run some milliseconds.
pub(crate) fn write(store: Writable<'_>, keys: &[Key], found: &[BlobRef]) {
    debug_assert_eq!(keys.len(), found.len(), "everything was found");
    let mut bytes = Vec::with_capacity(1 + keys.len() * ROW + 32);
    bytes.push(VERSION);
    for found in found {
        bytes.extend_from_slice(found.blob.as_bytes());
        bytes.extend_from_slice(&found.size.to_le_bytes());
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    if let Err(error) = atomic_file::write(store.layout(), &store.layout().cached_lookup(&name(keys)), &bytes) {
        tracing::debug!(%error, "a look-up is not cached");
        return;
    }
    if let Err(error) = remove_oldest(store.layout()) {
        tracing::debug!(%error, "old entries of the look-up cache stay");
    }
}

/// Empties the cache, and removes nothing else that somebody may have put beside them.
pub(crate) fn clear(store: Writable<'_>) -> Result<(), StoreError> {
    let folder = store.layout().lookup_cache();
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| StoreError::io("list", &folder, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::io("list", &folder, error))?;
        let path = entry.path();
        if !entry.file_name().to_str().is_some_and(|name| is_hex(name.as_bytes(), 64)) {
            continue;
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(StoreError::io("remove", path, error)),
            _ => {}
        }
    }
    Ok(())
}

fn blob_ref(row: &[u8]) -> BlobRef {
    let (blob, size) = row.split_at(32);
    BlobRef {
        blob: BlobId::from_bytes(blob.try_into().expect("32 of 40 bytes")),
        size: u64::from_le_bytes(size.try_into().expect("8 of 40 bytes")),
    }
}

fn name(keys: &[Key]) -> String {
    let mut hasher = blake3::Hasher::new();
    for key in keys {
        hasher.update(&[u8::try_from(key.as_bytes().len()).expect("a key has at most 65 bytes")]);
        hasher.update(key.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn day_of(time: SystemTime) -> Option<u32> {
    jiff::Timestamp::try_from(time).ok().map(day)
}

fn remove_oldest(layout: &Layout) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(layout.lookup_cache())? {
        let entry = entry?;
        // Nothing else here is the store's.
        if !entry.file_type()?.is_file() || !is_hex(entry.file_name().as_encoded_bytes(), 64) {
            continue;
        }
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    for (_, path) in files.iter().take(files.len().saturating_sub(KEPT)) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
