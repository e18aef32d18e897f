//! Repair of false receipts: corrects a receipt whose digests the blob does not have, and deletes the data that was derived from it.

use crate::{
    digest::{Algorithm, BlobId, Integrity},
    error::StoreError,
    hash::hash_file,
    index, lookup_cache,
    receipt::{Origin, Receipt},
    receipt_files,
    store::Store,
    writable::Writable,
};

/// Writes the receipt of a sound blob anew where it states what the bytes do not have. False if there is no such receipt, or the blob is not sound.
pub(crate) fn amend_receipt(store: &Store, id: &BlobId) -> Result<bool, StoreError> {
    let writable = store.writable()?;
    let Some(known) = receipt_files::read(writable.layout(), id) else { return Ok(false) };
    let algorithms = known.digests.algorithms().chain([Algorithm::Sha512]);
    // Only a lower folder may have its bytes.
    let actual = hash_file(&store.blob_path(id), algorithms)?;
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
    receipt_files::replace(writable, Receipt { size: actual.len, digests, origins, ..known })?;
    Ok(true)
}

/// Empties what is derived from receipts: the look-up cache and the index. Both are made again when they are needed.
pub(crate) fn empty_derived(store: Writable<'_>) -> Result<(), StoreError> {
    lookup_cache::clear(store)?;
    index::discard(store)
}
