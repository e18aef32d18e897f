//! Setting right what a store says of its blobs: a receipt that states digests which the bytes do not have, and everything that was derived from it.

use std::{io, path::Path};

use crate::{
    blob,
    digest::{Algorithm, BlobId, Integrity},
    error::StoreError,
    index,
    layout::Layout,
    open::is_hex,
    receipt::{self, Origin, Receipt},
    store::Store,
};

/// Writes the receipt of a sound blob anew where it states what the bytes do not have. False if there is no such receipt, or the blob is not sound.
pub(crate) fn amend_receipt(store: &Store, id: &BlobId) -> Result<bool, StoreError> {
    let layout = store.layout();
    let Some(known) = receipt::read(layout, id) else { return Ok(false) };
    let algorithms = known.digests.algorithms().chain([Algorithm::Sha512]);
    // Its bytes may be below alone.
    let actual = blob::hash_file(&store.blob_path(id), algorithms)?;
    let is_true =
        known.size == actual.len && known.digests.digests().iter().all(|stated| actual.digests.contains(stated));
    if actual.blob != *id || is_true {
        return Ok(false);
    }
    let digests = Integrity::new(actual.digests).expect("sha512 was computed");
    // Which bytes belong to a name without a digest, it may have said by the same lie.
    let mut origins: Vec<Origin> = known.origins.iter().map(|it| Origin { identity: None, ..it.clone() }).collect();
    origins.sort();
    origins.dedup();
    receipt::replace(layout, Receipt { size: actual.len, digests, origins, ..known })?;
    Ok(true)
}

/// Empties what is derived from receipts: the index and the look-ups that are remembered. Both are made again when they are needed.
pub(crate) fn empty_derived(store: &Store) -> Result<(), StoreError> {
    remove_remembered(store.layout())?;
    index::discard(store.layout())
}

/// Removes the look-ups that are remembered, and nothing else that somebody may have put beside them.
pub(crate) fn remove_remembered(layout: &Layout) -> Result<(), StoreError> {
    let folder = layout.all_remembered();
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

pub(crate) fn remove(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", folder, error)),
        _ => Ok(()),
    }
}
