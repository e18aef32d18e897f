//! Checking a whole store, and making again what is derived.

use std::{collections::HashSet, path::PathBuf};

use super::{
    blobs::{Blobs, hash_all, largest_first},
    fault::{Depth, Fault, FaultKind, clear_receipt},
};
use crate::{
    amend::{amend_receipt, empty_derived},
    clock::day,
    digest::BlobId,
    error::StoreError,
    index::{self, IndexState},
    journal, open, receipt_files,
    stats::Tally,
    store::Store,
};

/// What a verification found.
#[derive(Debug)]
pub struct Verification {
    /// Blobs read.
    pub checked: Tally,
    /// Blobs that are not what they should be, sorted by blob.
    pub faults: Vec<Fault>,
    /// Whole blobs without a receipt, sorted. They count as absent, and do no harm.
    pub without_receipt: Vec<BlobId>,
    /// Files among the blobs whose names are no blob's.
    pub strangers: Vec<PathBuf>,
    /// Where the index was.
    pub index: IndexState,
    /// Whether it says what the receipts say.
    pub index_is_in_step: bool,
}

/// Reads every blob with `threads` threads, and computes every digest that a receipt states; `progress` gets the bytes of each blob that was read. Damaged
/// ones are set aside unless the store cannot be written; their receipts stay, so that it is known what they were.
pub fn verify(store: &Store, threads: usize, progress: &(impl Fn(u64) + Sync)) -> Result<Verification, StoreError> {
    verify_to(store, threads, Depth::Digests, progress)
}

/// The same, comparing as much as `depth` says.
pub fn verify_to(
    store: &Store,
    threads: usize,
    depth: Depth,
    progress: &(impl Fn(u64) + Sync),
) -> Result<Verification, StoreError> {
    if let Ok(store) = store.writable() {
        journal::fold_if_possible(store, day(jiff::Timestamp::now()))?;
    }
    let (blobs, strangers) = list_blobs(store)?;
    let mut faults = hash_all(store, &blobs, threads, depth, progress);
    let checked = Tally { count: blobs.len() as u64, bytes: blobs.iter().map(|(_, size)| size).sum() };
    let present: HashSet<BlobId> = blobs.iter().map(|(blob, _)| *blob).collect();
    let mut without_receipt = present.clone();
    let receipts = store.layouts().flat_map(|layout| receipt_files::walk(&layout.receipts()));
    for file in receipts {
        let (_, id) = file?;
        let Some(receipt) = id.and_then(|id| store.receipt(&id)) else {
            faults.extend(id.and_then(|id| clear_receipt(store, &id)));
            continue;
        };
        without_receipt.remove(&receipt.blob);
        // It may have been published after the blobs were listed.
        if !present.contains(&receipt.blob) && !open::is_file(&store.blob_path(&receipt.blob)) {
            faults.push(Fault { blob: receipt.blob, receipt: Some(receipt), kind: FaultKind::Missing });
        }
    }
    faults.sort_by_key(|fault| fault.blob);
    // Several folders may have a receipt of what is in none.
    faults.dedup_by_key(|fault| fault.blob);
    for fault in &faults {
        without_receipt.remove(&fault.blob);
    }
    let mut without_receipt: Vec<BlobId> = without_receipt.into_iter().collect();
    without_receipt.sort_unstable();
    let (on_disk, index) = store.with_index(|index| index.keys())?;
    let index_is_in_step = on_disk == index::keys_of_receipts(store.layout())?;
    Ok(Verification { checked, faults, without_receipt, strangers, index, index_is_in_step })
}

/// Removes false digests from receipts, as far as `faults` names some, and makes everything that is derived again from the receipts. Gives the number of receipts that
/// were corrected.
pub fn repair(store: &Store, faults: &[Fault]) -> Result<usize, StoreError> {
    let mut amended = 0;
    if let Ok(writable) = store.writable() {
        journal::fold_if_possible(writable, day(jiff::Timestamp::now()))?;
        for fault in faults.iter().filter(|fault| matches!(fault.kind, FaultKind::Misstated { .. })) {
            amended += usize::from(amend_receipt(store, &fault.blob)?);
        }
        empty_derived(writable)?;
    }
    store.with_index(|index| index.keys())?;
    Ok(amended)
}

/// Each blob once: what is in several folders is read in the first.
fn list_blobs(store: &Store) -> Result<(Blobs, Vec<PathBuf>), StoreError> {
    let mut blobs = Vec::new();
    let mut strangers = Vec::new();
    for file in store.layouts().flat_map(|layout| receipt_files::walk(&layout.blobs())) {
        match file? {
            (path, Some(id)) if path == store.blob_path(&id) => {
                match std::fs::symlink_metadata(&path) {
                    Ok(metadata) => blobs.push((id, metadata.len())),
                    // Another verification has set it aside meanwhile.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(StoreError::io("stat", path, error)),
                }
            }
            (_, Some(_)) => {}
            (path, None) => strangers.push(path),
        }
    }
    largest_first(&mut blobs);
    strangers.sort_unstable();
    Ok((blobs, strangers))
}
