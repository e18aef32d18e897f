//! Reading blobs for their faults, with several threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::fault::{Depth, Fault, algorithms, judge, receipts_of};
use crate::{digest::BlobId, hash_blobs, key::BlobRef, store::Store};

/// Reads these blobs with `threads` threads, and names those that are not what they should be. Damaged ones are set aside unless the store cannot be
/// written: from then on they count as absent.
pub fn verify_blobs(store: &Store, blobs: &[BlobRef], threads: usize) -> Vec<Fault> {
    let mut blobs: Blobs = blobs.iter().map(|found| (found.blob, found.size)).collect();
    largest_first(&mut blobs);
    let mut faults = hash_all(store, &blobs, threads, Depth::Names, &|_| ());
    faults.sort_by_key(|fault| fault.blob);
    faults
}

pub(super) type Blobs = Vec<(BlobId, u64)>;

/// The last to be hashed should be small.
pub(super) fn largest_first(blobs: &mut Blobs) {
    blobs.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    blobs.dedup();
}

pub(super) fn hash_all(
    store: &Store,
    blobs: &Blobs,
    threads: usize,
    depth: Depth,
    progress: &(impl Fn(u64) + Sync),
) -> Vec<Fault> {
    let ids: Vec<BlobId> = blobs.iter().map(|(id, _)| *id).collect();
    let faults = Mutex::new(Vec::new());
    let algorithms = |at: usize| match depth {
        Depth::Names => Vec::new(),
        Depth::Digests => receipts_of(store, &ids[at]).flat_map(|(receipt, _)| algorithms(&receipt)).collect(),
    };
    hash_blobs::hash_all(store, &ids, threads, &algorithms, &|at, actual| {
        let (id, size) = &blobs[at];
        if let Some(kind) = judge(store, id, actual, depth) {
            held(&faults).push(Fault { blob: *id, receipt: store.receipt(id), kind });
        }
        progress(*size);
    });
    faults.into_inner().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
