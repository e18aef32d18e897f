//! Checking a whole store: every blob's bytes against its name, the blobs against the receipts, the index against both.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    below::Below,
    blob,
    digest::BlobId,
    error::StoreError,
    index::IndexState,
    journal,
    layout::Layout,
    look_up::Found,
    receipt::{self, Receipt},
    store::Store,
    survey::{Tally, keys_of_receipts},
    whole_file,
};

/// What is wrong with a blob.
#[derive(Debug)]
pub struct Fault {
    /// The blob.
    pub blob: BlobId,
    /// What is known of it, if it has a receipt.
    pub receipt: Option<Receipt>,
    /// What was found.
    pub kind: FaultKind,
}

/// What can be wrong with a blob.
#[derive(Debug)]
pub enum FaultKind {
    /// Its bytes are not those of its name. Where it was set aside to, if it was.
    Damaged {
        /// The blake3 of its bytes.
        actual: BlobId,
        /// The file's new place.
        set_aside: Option<PathBuf>,
    },
    /// It is in the store below and cannot be used: from now on it counts as absent.
    Below {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: StoreError,
    },
    /// The system does not give its bytes.
    Unreadable(StoreError),
    /// It has a receipt and no file.
    Missing,
}

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
    /// How the index was had.
    pub index: IndexState,
    /// Whether it says what the receipts say.
    pub index_is_in_step: bool,
}

/// Reads every blob with `threads` threads; `progress` is told the bytes of each that was read. Damaged ones are set aside unless the store cannot be
/// written; their receipts stay, so that it is known what they were.
pub fn verify(store: &Store, threads: usize, progress: &(impl Fn(u64) + Sync)) -> Result<Verification, StoreError> {
    journal::fold_if_possible(store);
    let (blobs, strangers) = list_blobs(store)?;
    let mut faults = hash_all(store, &blobs, threads, progress);
    let checked = Tally { count: blobs.len() as u64, bytes: blobs.iter().map(|(_, size)| size).sum() };
    let present: HashSet<BlobId> = blobs.iter().map(|(blob, _)| *blob).collect();
    let mut without_receipt = present.clone();
    let receipts = layouts(store).flat_map(|layout| receipt::walk(&layout.receipts()));
    for file in receipts {
        let (_, id) = file?;
        let Some(receipt) = id.and_then(|id| store.receipt(&id)) else { continue };
        without_receipt.remove(&receipt.blob);
        // It may have been published after the blobs were listed.
        if !present.contains(&receipt.blob) && !store.blob_path(&receipt.blob).exists() {
            faults.push(Fault { blob: receipt.blob, receipt: Some(receipt), kind: FaultKind::Missing });
        }
    }
    faults.sort_by_key(|fault| fault.blob);
    // Both stores may have a receipt of what is in neither.
    faults.dedup_by_key(|fault| fault.blob);
    for fault in &faults {
        without_receipt.remove(&fault.blob);
    }
    let mut without_receipt: Vec<BlobId> = without_receipt.into_iter().collect();
    without_receipt.sort_unstable();
    let (on_disk, index) = store.with_index(|index| index.keys())?;
    let index_is_in_step = on_disk == keys_of_receipts(store)?;
    Ok(Verification { checked, faults, without_receipt, strangers, index, index_is_in_step })
}

/// Reads these blobs with `threads` threads, and names those that are not what they should be. Damaged ones are set aside unless the store cannot be
/// written: from then on they count as absent.
pub fn verify_blobs(store: &Store, blobs: &[Found], threads: usize) -> Vec<Fault> {
    let mut blobs: Blobs = blobs.iter().map(|found| (found.blob, found.size)).collect();
    largest_first(&mut blobs);
    let mut faults = hash_all(store, &blobs, threads, &|_| ());
    faults.sort_by_key(|fault| fault.blob);
    faults
}

/// Makes the index again from the receipts.
pub fn rebuild_index(store: &Store) -> Result<IndexState, StoreError> {
    let layout = store.layout();
    if store.is_writable() {
        let path = layout.index();
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", path, error));
            }
            _ => {}
        }
    }
    Ok(store.with_index(|index| index.keys())?.1)
}

type Blobs = Vec<(BlobId, u64)>;

/// The last to be hashed should be small.
fn largest_first(blobs: &mut Blobs) {
    blobs.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    blobs.dedup();
}

/// The store's own, and that of the store below.
pub(crate) fn layouts(store: &Store) -> impl Iterator<Item = &Layout> {
    [store.layout()].into_iter().chain(store.below().into_iter().flat_map(Below::layouts))
}

/// Each blob once: what is in both stores is never read below.
fn list_blobs(store: &Store) -> Result<(Blobs, Vec<PathBuf>), StoreError> {
    let mut blobs = Vec::new();
    let mut strangers = Vec::new();
    for file in layouts(store).flat_map(|layout| receipt::walk(&layout.blobs())) {
        match file? {
            (path, Some(id)) if path == store.blob_path(&id) => {
                match std::fs::metadata(&path) {
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

fn hash_all(store: &Store, blobs: &Blobs, threads: usize, progress: &(impl Fn(u64) + Sync)) -> Vec<Fault> {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((id, size)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(kind) = check(store, id) {
                        let fault = Fault { blob: *id, receipt: store.receipt(id), kind };
                        faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
                    }
                    progress(*size);
                }
            });
        }
    });
    faults.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn check(store: &Store, id: &BlobId) -> Option<FaultKind> {
    let path = store.blob_path(id);
    let is_own = path == store.layout().blob(id);
    match (blob::verify(store, id), store.below()) {
        (Ok(()), _) => None,
        (Err(error), Some(below)) if !is_own => {
            below.refuse(id);
            Some(FaultKind::Below { path, error })
        }
        (Err(StoreError::DamagedBlob { actual, .. }), below) => {
            let set_aside = store.is_writable().then(|| set_aside(store, id)).flatten();
            if set_aside.is_some() && below.is_some_and(|below| below.blob(id).is_some()) {
                // From now on that one is read: it must be sound, or be refused too.
                check(store, id);
            }
            Some(FaultKind::Damaged { actual, set_aside })
        }
        (Err(error), _) => Some(FaultKind::Unreadable(error)),
    }
}

fn set_aside(store: &Store, id: &BlobId) -> Option<PathBuf> {
    let place = store.layout().damaged().join(id.to_string());
    match whole_file::rename(&store.layout().blob(id), &place) {
        Ok(()) => Some(place),
        Err(error) => {
            tracing::warn!(%error, "a damaged blob could not be set aside");
            None
        }
    }
}
