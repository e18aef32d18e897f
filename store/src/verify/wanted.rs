//! Checking the blobs that were found for somebody, before they are used: against what was asked for, not against their names alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    blobs::{Blobs, held, largest_first},
    fault::{Depth, Fault, FaultKind, algorithms, falsehood, judge},
};
use crate::{
    amend::{amend_receipt, empty_derived},
    digest::{Algorithm, BlobId, Digests},
    hash_blobs,
    key::{BlobRef, Wanted},
    store::Store,
};

/// A fault of a blob that was read for somebody.
#[derive(Debug)]
pub struct UnfitBlob {
    /// For which of those that it was read for it is a fault: their places.
    pub places: Vec<usize>,
    /// The fault.
    pub fault: Fault,
}

/// Reads the blobs that were found for these, and names those whose bytes are not what was wanted: a digest that the lockfile states, and, to [`Depth::Digests`] where it leaves
/// open which bytes those are, everything that the blob's receipt states. Each blob is read once.
///
/// Damaged blobs are set aside, as by [`verify_blobs`](super::verify_blobs). Where the bytes are sound and the store has them for something else, that is set right, unless the store
/// cannot be written: the receipt is corrected, and what was derived from it is emptied. From then on, neither counts as being here.
pub fn verify_wanted(store: &Store, wanted: &[(BlobRef, &Wanted, Depth)], threads: usize) -> Vec<UnfitBlob> {
    let mut places: HashMap<BlobId, Vec<usize>> = HashMap::new();
    for (place, (found, ..)) in wanted.iter().enumerate() {
        places.entry(found.blob).or_default().push(place);
    }
    let mut blobs: Blobs = wanted.iter().map(|(found, ..)| (found.blob, found.size)).collect();
    largest_first(&mut blobs);
    blobs.dedup_by_key(|(blob, _)| *blob);
    let ids: Vec<BlobId> = blobs.into_iter().map(|(blob, _)| blob).collect();
    let faults = Mutex::new(Vec::new());
    let algorithms = |at: usize| {
        let places = places[&ids[at]].iter();
        places.flat_map(|place| algorithms_for(store, &ids[at], wanted[*place])).collect()
    };
    hash_blobs::hash_all(store, &ids, threads, &algorithms, &|at, actual| {
        let blob = ids[at];
        let fault = |kind| Fault { blob, receipt: store.receipt(&blob), kind };
        let places = &places[&blob];
        match actual {
            Ok(actual) if actual.blob == blob => {
                for place in places {
                    if let Some(stated) = disagreement(store, wanted[*place], &actual) {
                        let kind = FaultKind::Misstated { stated, is_lower: false, is_set_right: false };
                        held(&faults).push(UnfitBlob { places: vec![*place], fault: fault(kind) });
                    }
                }
            }
            actual => {
                if let Some(kind) = judge(store, &blob, actual, Depth::Names) {
                    held(&faults).push(UnfitBlob { places: places.clone(), fault: fault(kind) });
                }
            }
        }
    });
    let mut faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    disown(store, &mut faults);
    faults.sort_by(|a, b| (a.fault.blob, &a.places).cmp(&(b.fault.blob, &b.places)));
    faults
}

/// Whether bytes could be what is wanted and the receipt false all the same: others take its sha512 for that of the bytes.
fn leaves_open(wanted: &Wanted, depth: Depth) -> bool {
    match wanted {
        _ if depth == Depth::Names => false,
        Wanted::Identity(_) => true,
        Wanted::Integrity(integrity) => {
            let algorithms: Vec<Algorithm> = integrity.algorithms().collect();
            algorithms.len() < integrity.digests().len() || !algorithms.contains(&Algorithm::Sha512)
        }
    }
}

fn algorithms_for(store: &Store, blob: &BlobId, (_, wanted, depth): (BlobRef, &Wanted, Depth)) -> Vec<Algorithm> {
    let stated = match wanted {
        Wanted::Identity(_) => Vec::new(),
        Wanted::Integrity(integrity) => integrity.algorithms().collect(),
    };
    let receipt = leaves_open(wanted, depth).then(|| store.receipt(blob)).flatten();
    stated.into_iter().chain(receipt.iter().flat_map(algorithms)).collect()
}

/// What these bytes do not have of what is wanted.
fn disagreement(store: &Store, (_, wanted, depth): (BlobRef, &Wanted, Depth), actual: &Digests) -> Option<String> {
    match wanted {
        Wanted::Integrity(integrity) if !integrity.agrees_with(&actual.digests) => return Some(integrity.to_string()),
        _ => {}
    }
    let receipt = leaves_open(wanted, depth).then(|| store.receipt(&actual.blob)).flatten();
    receipt.and_then(|receipt| falsehood(&receipt, actual))
}

/// Sees to it that what led to the wrong blobs does so no more.
fn disown(store: &Store, faults: &mut [UnfitBlob]) {
    let is_misstated = |fault: &&mut UnfitBlob| matches!(fault.fault.kind, FaultKind::Misstated { .. });
    let blobs: Vec<BlobId> = faults.iter_mut().filter(is_misstated).map(|fault| fault.fault.blob).collect();
    if blobs.is_empty() {
        return;
    }
    if let Some(lower) = store.lower() {
        for blob in &blobs {
            lower.disbelieve(blob);
        }
    }
    let Ok(writable) = store.writable() else { return };
    let mut amended = Ok(());
    for blob in &blobs {
        // One that cannot be set right must not keep the others from it.
        amended = amended.and(amend_receipt(store, blob).map(|_| ()));
    }
    match empty_derived(writable).and(amended) {
        Ok(()) => {
            for fault in faults.iter_mut() {
                if let FaultKind::Misstated { is_set_right, .. } = &mut fault.fault.kind {
                    *is_set_right = true;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "what the store says of a blob could not be set right"),
    }
}
