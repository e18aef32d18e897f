//! What can be wrong with a blob, and what is done about it at once: a damaged one is set aside, and what is no file is moved out of the way.

use std::path::PathBuf;

use crate::{
    atomic_file,
    digest::{Algorithm, BlobId, Digests, Integrity},
    error::StoreError,
    hash::hash_file,
    open,
    receipt::Receipt,
    receipt_files,
    store::Store,
    unfit::Unfit,
    writable::Writable,
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
    /// It is in a lower store and cannot be used: from now on it counts as absent.
    Lower {
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
        /// Whether the receipt is a lower store's, which is only read.
        is_lower: bool,
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

/// What a receipt states and the bytes do not have.
pub(super) fn falsehood(receipt: &Receipt, actual: &Digests) -> Option<String> {
    if receipt.size != actual.len {
        return Some(format!("{} bytes", receipt.size));
    }
    let stated = receipt.digests.digests().iter();
    Integrity::new(stated.filter(|digest| !actual.digests.contains(digest)).copied()).map(|false_| false_.to_string())
}

/// What is wrong with a blob whose bytes have these digests.
pub(super) fn judge(
    store: &Store,
    id: &BlobId,
    actual: Result<Digests, StoreError>,
    depth: Depth,
) -> Option<FaultKind> {
    let path = store.blob_path(id);
    let is_own = path == store.layout().blob(id);
    let error = match actual {
        Ok(actual) if actual.blob == *id => {
            let receipts = (depth == Depth::Digests).then(|| receipts_of(store, id));
            return receipts.into_iter().flatten().find_map(|(receipt, is_lower)| {
                let stated = falsehood(&receipt, &actual)?;
                Some(FaultKind::Misstated { stated, is_lower, is_set_right: false })
            });
        }
        Ok(actual) => StoreError::DamagedBlob { path: path.clone(), actual: actual.blob },
        Err(error) => error,
    };
    match (error, store.lower()) {
        (error, Some(lower)) if !is_own => {
            lower.refuse(id);
            Some(FaultKind::Lower { path, error })
        }
        (StoreError::DamagedBlob { actual, .. }, lower) => {
            let set_aside = store.writable().ok().and_then(|store| set_aside(store, id));
            if set_aside.is_some() && lower.is_some_and(|lower| lower.blob(id).is_some()) {
                // From now on that one is read: it must be sound, or be refused too.
                judge(store, id, hash_file(&store.blob_path(id), []), Depth::Names);
            }
            Some(FaultKind::Damaged { actual, set_aside })
        }
        (StoreError::Unfit { path, unfit }, _) => Some(out_of_the_way(store, path, unfit)),
        (error, _) => Some(FaultKind::Unreadable(error)),
    }
}

/// What is no file cannot be set aside as a blob: its name is taken from it.
fn out_of_the_way(store: &Store, path: PathBuf, unfit: Unfit) -> FaultKind {
    let cleared = store.writable().ok().map(|store| open::clear(store.layout(), &path));
    let error = StoreError::Unfit { path, unfit };
    match cleared {
        Some(Ok(())) => FaultKind::InTheWay(error),
        Some(Err(error)) => FaultKind::Unreadable(error),
        None => FaultKind::Unreadable(error),
    }
}

/// Makes room where something else than a file has a receipt's name. What the receipt said is not known: its blob counts as absent.
pub(super) fn clear_receipt(store: &Store, id: &BlobId) -> Option<Fault> {
    let path = store.layout().receipt(id);
    let unfit = Unfit::in_error(&open::to_read(&path).err()?)?;
    Some(Fault { blob: *id, receipt: None, kind: out_of_the_way(store, path, unfit) })
}

fn set_aside(store: Writable<'_>, id: &BlobId) -> Option<PathBuf> {
    let place = store.layout().damaged().join(id.to_string());
    match atomic_file::rename(store.layout(), &store.layout().blob(id), &place) {
        Ok(()) => Some(place),
        Err(error) => {
            tracing::warn!(%error, "a damaged blob could not be set aside");
            None
        }
    }
}

pub(super) fn algorithms(receipt: &Receipt) -> Vec<Algorithm> {
    receipt.digests.algorithms().collect()
}

/// The receipts of a blob, each with whether it is a lower store's.
pub(super) fn receipts_of<'a>(store: &'a Store, id: &'a BlobId) -> impl Iterator<Item = (Receipt, bool)> + 'a {
    let layouts = store.layouts().enumerate();
    layouts.filter_map(|(position, layout)| Some((receipt_files::read(layout, id)?, position > 0)))
}
