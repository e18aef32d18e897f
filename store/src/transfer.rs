//! Transferring blobs from one store to another: what one lacks, and a folder with exactly that.
//!
//! The folder has the form of a store, with `meta.json`, blobs and receipts alone: [`crate::import`] reads it. A receipt may come without its blob,
//! where the other store has the bytes and does not know a name that they are asked for by.

use std::{collections::HashSet, path::Path};

use crate::{
    atomic_file,
    create::create,
    digest::BlobId,
    error::{At as _, StoreError},
    key::Key,
    layout::Layout,
    link::Linker,
    open,
    receipt::Receipt,
    receipt_files,
    stats::Tally,
    store::Store,
};

/// What a store lacks of a blob that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The bytes, and so the receipt too.
    Bytes,
    /// Nothing but keys, which the other's receipt has.
    Keys,
}

/// What a store with this receipt of a blob lacks of what `theirs` says; `None` in place of `ours` where it does not have the blob.
pub fn missing(ours: Option<&Receipt>, theirs: &Receipt) -> Option<Missing> {
    let Some(ours) = ours else { return Some(Missing::Bytes) };
    let known: HashSet<Key> = ours.keys().collect();
    theirs.keys().any(|key| !known.contains(&key)).then_some(Missing::Keys)
}

/// The receipts of all blobs that are here with their whole length, sorted by blob; those of the lower stores among them. No blob is read.
pub fn inventory(store: &Store) -> Result<Vec<Receipt>, StoreError> {
    let mut receipts = Vec::new();
    for file in store.layouts().flat_map(|layout| receipt_files::walk(&layout.receipts())) {
        let (_, id) = file?;
        receipts.extend(id.and_then(|id| present(store, &id)));
    }
    receipts.sort_by_key(|receipt| receipt.blob);
    receipts.dedup_by_key(|receipt| receipt.blob);
    Ok(receipts)
}

/// The receipt of a blob that is here with its whole length. The blob is not read.
pub fn present(store: &Store, blob: &BlobId) -> Option<Receipt> {
    let receipt = store.receipt(blob)?;
    let file = std::fs::symlink_metadata(store.blob_path(blob));
    file.is_ok_and(|file| file.is_file() && file.len() == receipt.size).then_some(receipt)
}

/// Lays out what is to be transferred in `target`, which is made or is empty: links to the store's blobs where the filesystems allow it, else copies. The bytes
/// are not checked: the import does that. `is_stopped` is asked before each; what is laid out by then is whole.
pub fn export<'a>(
    store: &Store,
    blobs: impl IntoIterator<Item = (&'a Receipt, Missing)>,
    target: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Tally, StoreError> {
    let layout = Layout::new(target);
    create(&layout)?;
    let linker = Linker::new(store);
    let mut exported = Tally::default();
    for (receipt, missing) in blobs {
        if is_stopped() {
            break;
        }
        if missing == Missing::Bytes {
            let path = layout.blob(&receipt.blob);
            let folder = path.parent().expect("a blob is in a folder");
            open::make_folder(folder).at("create", folder)?;
            linker.link(&receipt.blob, &path)?;
            exported.add(receipt.size);
        }
        atomic_file::write(&layout, &layout.receipt(&receipt.blob), &receipt.to_json())?;
    }
    Ok(exported)
}
