//! Carrying blobs from one store to another: what one lacks, and a folder with exactly that.
//!
//! The folder has the form of a store, with `meta.json`, blobs and receipts alone: [`crate::take_in`] reads it. A receipt may come without its blob,
//! where the other store has the bytes and does not know a name that they are asked for by.

use std::{collections::HashSet, path::Path};

use crate::{
    digest::BlobId,
    error::{At as _, StoreError},
    layout::Layout,
    look_up::Key,
    meta, open,
    place::Placer,
    receipt::{self, Receipt},
    store::Store,
    survey::Tally,
    verify::layouts,
    whole_file,
};

/// What a store lacks of a blob that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The bytes, and so the receipt too.
    Bytes,
    /// Nothing but keys, which the other's receipt has.
    Keys,
}

/// What a store with this receipt of a blob lacks of what `theirs` says; `None` in place of `ours` where it does not have the blob.
pub fn lack(ours: Option<&Receipt>, theirs: &Receipt) -> Option<Lack> {
    let Some(ours) = ours else { return Some(Lack::Bytes) };
    let known: HashSet<Key> = ours.keys().collect();
    theirs.keys().any(|key| !known.contains(&key)).then_some(Lack::Keys)
}

/// The receipts of all blobs that are here with their whole length, sorted by blob; those of the store below among them. No blob is read.
pub fn inventory(store: &Store) -> Result<Vec<Receipt>, StoreError> {
    let mut receipts = Vec::new();
    for file in layouts(store).flat_map(|layout| receipt::walk(&layout.receipts())) {
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

/// Lays out what is to be carried in `target`, which is made or is empty: links to the store's blobs where the filesystems allow it, else copies. The bytes
/// are not checked: who takes them in does that. `is_stopped` is asked before each; what is laid out by then is whole.
pub fn hand_out<'a>(
    store: &Store,
    carried: impl IntoIterator<Item = (&'a Receipt, Lack)>,
    target: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Tally, StoreError> {
    let layout = Layout::new(target);
    meta::create(&layout)?;
    let placer = Placer::new(store);
    let mut handed = Tally::default();
    for (receipt, lack) in carried {
        if is_stopped() {
            break;
        }
        if lack == Lack::Bytes {
            let path = layout.blob(&receipt.blob);
            let folder = path.parent().expect("a blob is in a folder");
            open::make_folder(folder).at("create", folder)?;
            placer.place(&receipt.blob, &path)?;
            handed.add(receipt.size);
        }
        whole_file::write(&layout, &layout.receipt(&receipt.blob), &receipt.to_json())?;
    }
    Ok(handed)
}
