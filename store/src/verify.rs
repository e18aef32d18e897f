//! Checking a whole store: every blob's bytes against its name and the digests that its receipts state, the blobs against the receipts, the index against both;
//! and checking some blobs for who is about to use them.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    amend::{amend_receipt, empty_derived},
    below::Below,
    blob, check,
    digest::{Algorithm, BlobId, Digests, Integrity},
    error::StoreError,
    index::IndexState,
    journal,
    layout::Layout,
    look_up::{Found, Wanted, day},
    open,
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
    /// A link, a pipe or a folder had its name, or that of its receipt, and was moved out of the way.
    InTheWay(StoreError),
    /// It has a receipt and no file.
    Missing,
    /// Its bytes are those of its name, and not those that the store has it for.
    Misstated {
        /// What is stated and its bytes do not have: digests or a length.
        stated: String,
        /// Whether the receipt is the store's below, which is only read.
        is_below: bool,
        /// Whether nothing leads from there to the blob any more.
        is_set_right: bool,
    },
}

/// How much a verification compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Each blob with its name: blake3, the fastest.
    Names,
    /// With every digest that its receipts state, too.
    Digests,
}

/// A fault of a blob that was read for somebody.
#[derive(Debug)]
pub struct Unfit {
    /// For which of those that it was read for it is a fault: their places.
    pub places: Vec<usize>,
    /// The fault.
    pub fault: Fault,
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

/// Reads every blob with `threads` threads, and computes every digest that a receipt states; `progress` is told the bytes of each blob that was read. Damaged
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
    journal::fold_if_possible(store, day(jiff::Timestamp::now()))?;
    let (blobs, strangers) = list_blobs(store)?;
    let mut faults = hash_all(store, &blobs, threads, depth, progress);
    let checked = Tally { count: blobs.len() as u64, bytes: blobs.iter().map(|(_, size)| size).sum() };
    let present: HashSet<BlobId> = blobs.iter().map(|(blob, _)| *blob).collect();
    let mut without_receipt = present.clone();
    let receipts = layouts(store).flat_map(|layout| receipt::walk(&layout.receipts()));
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
    let mut faults = hash_all(store, &blobs, threads, Depth::Names, &|_| ());
    faults.sort_by_key(|fault| fault.blob);
    faults
}

/// Reads the blobs that were found for these, and names those whose bytes are not what was wanted: a digest that the lockfile states, or, where it leaves open
/// which bytes those are, everything that the blob's receipt states. Each blob is read once.
///
/// Damaged blobs are set aside, as by [`verify_blobs`]. Where the bytes are sound and the store has them for something else, that is set right, unless the store
/// cannot be written: the receipt is corrected, and what was derived from it is emptied. From then on, neither counts as being here.
pub fn verify_wanted(store: &Store, wanted: &[(Found, &Wanted)], threads: usize) -> Vec<Unfit> {
    let mut places: HashMap<BlobId, Vec<usize>> = HashMap::new();
    for (place, (found, _)) in wanted.iter().enumerate() {
        places.entry(found.blob).or_default().push(place);
    }
    let mut blobs: Blobs = wanted.iter().map(|(found, _)| (found.blob, found.size)).collect();
    largest_first(&mut blobs);
    blobs.dedup_by_key(|(blob, _)| *blob);
    let ids: Vec<BlobId> = blobs.into_iter().map(|(blob, _)| blob).collect();
    let faults = Mutex::new(Vec::new());
    let algorithms = |at: usize| {
        let places = places[&ids[at]].iter();
        places.flat_map(|place| algorithms_for(store, &ids[at], wanted[*place].1)).collect()
    };
    check::read_all(store, &ids, threads, &algorithms, &|at, actual| {
        let blob = ids[at];
        let fault = |kind| Fault { blob, receipt: store.receipt(&blob), kind };
        let places = &places[&blob];
        match actual {
            Ok(actual) if actual.blob == blob => {
                for place in places {
                    if let Some(stated) = disagreement(store, wanted[*place].1, &actual) {
                        let kind = FaultKind::Misstated { stated, is_below: false, is_set_right: false };
                        held(&faults).push(Unfit { places: vec![*place], fault: fault(kind) });
                    }
                }
            }
            actual => {
                if let Some(kind) = judge(store, &blob, actual, Depth::Names) {
                    held(&faults).push(Unfit { places: places.clone(), fault: fault(kind) });
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
fn leaves_open(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Identity(_) => true,
        Wanted::Integrity(integrity) => {
            let algorithms: Vec<Algorithm> = integrity.algorithms().collect();
            algorithms.len() < integrity.digests().len() || !algorithms.contains(&Algorithm::Sha512)
        }
    }
}

fn algorithms_for(store: &Store, blob: &BlobId, wanted: &Wanted) -> Vec<Algorithm> {
    let stated = match wanted {
        Wanted::Identity(_) => Vec::new(),
        Wanted::Integrity(integrity) => integrity.algorithms().collect(),
    };
    let receipt = leaves_open(wanted).then(|| store.receipt(blob)).flatten();
    stated.into_iter().chain(receipt.iter().flat_map(algorithms)).collect()
}

/// What these bytes do not have of what is wanted.
fn disagreement(store: &Store, wanted: &Wanted, actual: &Digests) -> Option<String> {
    match wanted {
        Wanted::Integrity(integrity) if !integrity.agrees_with(&actual.digests) => return Some(integrity.to_string()),
        _ => {}
    }
    let receipt = leaves_open(wanted).then(|| store.receipt(&actual.blob)).flatten();
    receipt.and_then(|receipt| falsehood(&receipt, actual))
}

/// Sees to it that what led to the wrong blobs does so no more.
fn disown(store: &Store, faults: &mut [Unfit]) {
    let is_misstated = |unfit: &&mut Unfit| matches!(unfit.fault.kind, FaultKind::Misstated { .. });
    let blobs: Vec<BlobId> = faults.iter_mut().filter(is_misstated).map(|unfit| unfit.fault.blob).collect();
    if blobs.is_empty() {
        return;
    }
    if let Some(below) = store.below() {
        for blob in &blobs {
            below.disbelieve(blob);
        }
    }
    if !store.is_writable() {
        return;
    }
    let mut amended = Ok(());
    for blob in &blobs {
        // One that cannot be set right must not keep the others from it.
        amended = amended.and(amend_receipt(store, blob).map(|_| ()));
    }
    match empty_derived(store).and(amended) {
        Ok(()) => {
            for unfit in faults.iter_mut() {
                if let FaultKind::Misstated { is_set_right, .. } = &mut unfit.fault.kind {
                    *is_set_right = true;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "what the store says of a blob could not be set right"),
    }
}

/// Removes false digests from receipts, as far as `faults` names some, and makes everything that is derived again from the receipts. Gives the number of receipts that
/// were corrected.
pub fn repair(store: &Store, faults: &[Fault]) -> Result<usize, StoreError> {
    let mut amended = 0;
    if store.is_writable() {
        journal::fold_if_possible(store, day(jiff::Timestamp::now()))?;
        for fault in faults.iter().filter(|fault| matches!(fault.kind, FaultKind::Misstated { .. })) {
            amended += usize::from(amend_receipt(store, &fault.blob)?);
        }
        empty_derived(store)?;
    }
    store.with_index(|index| index.keys())?;
    Ok(amended)
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

fn hash_all(
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
    check::read_all(store, &ids, threads, &algorithms, &|at, actual| {
        let (id, size) = &blobs[at];
        if let Some(kind) = judge(store, id, actual, depth) {
            held(&faults).push(Fault { blob: *id, receipt: store.receipt(id), kind });
        }
        progress(*size);
    });
    faults.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn algorithms(receipt: &Receipt) -> Vec<Algorithm> {
    receipt.digests.algorithms().collect()
}

/// The receipts of a blob, each with whether it is the store's below.
fn receipts_of<'a>(store: &'a Store, id: &'a BlobId) -> impl Iterator<Item = (Receipt, bool)> + 'a {
    let layouts = layouts(store).enumerate();
    layouts.filter_map(|(position, layout)| Some((receipt::read(layout, id)?, position > 0)))
}

/// What a receipt states and the bytes do not have.
fn falsehood(receipt: &Receipt, actual: &Digests) -> Option<String> {
    if receipt.size != actual.len {
        return Some(format!("{} bytes", receipt.size));
    }
    let stated = receipt.digests.digests().iter();
    Integrity::new(stated.filter(|digest| !actual.digests.contains(digest)).copied()).map(|false_| false_.to_string())
}

/// What is wrong with a blob whose bytes have these digests.
fn judge(store: &Store, id: &BlobId, actual: Result<Digests, StoreError>, depth: Depth) -> Option<FaultKind> {
    let path = store.blob_path(id);
    let is_own = path == store.layout().blob(id);
    let error = match actual {
        Ok(actual) if actual.blob == *id => {
            let receipts = (depth == Depth::Digests).then(|| receipts_of(store, id));
            return receipts.into_iter().flatten().find_map(|(receipt, is_below)| {
                let stated = falsehood(&receipt, &actual)?;
                Some(FaultKind::Misstated { stated, is_below, is_set_right: false })
            });
        }
        Ok(actual) => StoreError::DamagedBlob { path: path.clone(), actual: actual.blob },
        Err(error) => error,
    };
    match (error, store.below()) {
        (error, Some(below)) if !is_own => {
            below.refuse(id);
            Some(FaultKind::Below { path, error })
        }
        (StoreError::DamagedBlob { actual, .. }, below) => {
            let set_aside = store.is_writable().then(|| set_aside(store, id)).flatten();
            if set_aside.is_some() && below.is_some_and(|below| below.blob(id).is_some()) {
                // From now on that one is read: it must be sound, or be refused too.
                judge(store, id, blob::hash_file(&store.blob_path(id), []), Depth::Names);
            }
            Some(FaultKind::Damaged { actual, set_aside })
        }
        (StoreError::Unfit { path, unfit }, _) => Some(out_of_the_way(store, path, unfit)),
        (error, _) => Some(FaultKind::Unreadable(error)),
    }
}

/// What is no file cannot be set aside as a blob: its name is taken from it.
fn out_of_the_way(store: &Store, path: PathBuf, unfit: open::Unfit) -> FaultKind {
    let cleared = store.is_writable().then(|| open::clear(store.layout(), &path));
    let error = StoreError::Unfit { path, unfit };
    match cleared {
        Some(Ok(())) => FaultKind::InTheWay(error),
        Some(Err(error)) => FaultKind::Unreadable(error),
        None => FaultKind::Unreadable(error),
    }
}

/// Makes room where something else than a file has a receipt's name. What the receipt said is not known: its blob counts as absent.
fn clear_receipt(store: &Store, id: &BlobId) -> Option<Fault> {
    let path = store.layout().receipt(id);
    let unfit = open::Unfit::in_error(&open::to_read(&path).err()?)?;
    Some(Fault { blob: *id, receipt: None, kind: out_of_the_way(store, path, unfit) })
}

fn set_aside(store: &Store, id: &BlobId) -> Option<PathBuf> {
    let place = store.layout().damaged().join(id.to_string());
    match whole_file::rename(store.layout(), &store.layout().blob(id), &place) {
        Ok(()) => Some(place),
        Err(error) => {
            tracing::warn!(%error, "a damaged blob could not be set aside");
            None
        }
    }
}
