//! The files of receipts: reading one, writing one, and listing all.

use std::{io, path::PathBuf, time::Duration};

use crate::{
    atomic_file,
    digest::BlobId,
    error::{At as _, StoreError},
    layout::{Layout, named_blob},
    lock, open,
    receipt::{MOST_BYTES, Receipt, ReceiptError, bounded},
    wait::Patience,
    writable::Writable,
};

/// How long others may write receipts of the same folder: each takes a millisecond.
const WRITE_PATIENCE: Patience = Patience::up_to(Duration::from_secs(30));

/// The receipt of a blob. One that cannot be read, or that is of another blob, counts as absent.
pub(crate) fn read(layout: &Layout, id: &BlobId) -> Option<Receipt> {
    let path = layout.receipt(id);
    match load(&path) {
        Ok(receipt) if receipt.blob == *id => Some(receipt),
        Ok(receipt) => {
            tracing::debug!(path = %path.display(), blob = %receipt.blob, "a receipt of another blob counts as absent");
            None
        }
        Err(LoadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "a receipt that cannot be read counts as absent");
            None
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

fn load(path: &std::path::Path) -> Result<Receipt, LoadError> {
    Ok(Receipt::from_json(&open::read_whole(path, MOST_BYTES)?)?)
}

/// Writes a receipt; what an earlier one of the same blob knows is kept.
pub(crate) fn write(store: Writable<'_>, receipt: Receipt) -> Result<(), StoreError> {
    stage(store, receipt)?.publish(store)
}

/// A receipt that is written and does not have its name yet. Nobody else writes one of its folder meanwhile.
#[derive(Debug)]
pub(crate) struct Staged {
    file: atomic_file::Staged,
    _lock: std::fs::File,
}

impl Staged {
    pub(crate) fn publish(self, store: Writable<'_>) -> Result<(), StoreError> {
        self.file.publish(store.layout())
    }
}

/// Writes a receipt in place of the one that is there, of which nothing is believed.
pub(crate) fn replace(store: Writable<'_>, receipt: Receipt) -> Result<(), StoreError> {
    staged(store.layout(), receipt, Merge::Never)?.publish(store)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    WithEarlier,
    Never,
}

/// Does what of [`write`] can be refused.
pub(crate) fn stage(store: Writable<'_>, receipt: Receipt) -> Result<Staged, StoreError> {
    staged(store.layout(), receipt, Merge::WithEarlier)
}

fn staged(layout: &Layout, mut receipt: Receipt, merge: Merge) -> Result<Staged, StoreError> {
    // Two may publish the same bytes under different keys at once: none may lose what the other knows.
    let path = layout.receipt(&receipt.blob);
    let folder = path.parent().expect("a receipt is in a folder");
    let lock = match open::folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            open::make_folder(folder).at("create", folder)?;
            open::folder(folder)
        }
        opened => opened,
    }
    .at("open", folder)?;
    lock::exclusive(&lock, folder, WRITE_PATIENCE)?;
    if merge == Merge::WithEarlier
        && let Some(earlier) = read(layout, &receipt.blob)
    {
        receipt.merge(earlier);
    }
    Ok(Staged { file: atomic_file::stage(&path, &bounded(receipt))?, _lock: lock })
}

/// Every file of the two-level folders `blobs/` and `receipts/`, with the blob that its name says, if it says one.
pub(crate) fn walk(
    folder: &std::path::Path,
) -> impl Iterator<Item = Result<(PathBuf, Option<BlobId>), StoreError>> + use<> {
    let list = |folder: PathBuf| -> Box<dyn Iterator<Item = Result<PathBuf, StoreError>>> {
        match std::fs::read_dir(&folder) {
            Ok(entries) => Box::new(entries.map(move |entry| {
                entry.map(|entry| entry.path()).map_err(|error| StoreError::io("list", &folder, error))
            })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Box::new(std::iter::empty())
            }
            Err(error) => Box::new(std::iter::once(Err(StoreError::io("list", folder, error)))),
        }
    };
    list(folder.to_owned())
        .flat_map(move |shard| match shard {
            // What a link leads to is not the store's.
            Ok(shard) if shard.is_symlink() => Box::new(std::iter::empty()),
            Ok(shard) => list(shard),
            Err(error) => Box::new(std::iter::once(Err(error))),
        })
        .map(|path| {
            path.map(|path| {
                let id = named_blob(&path);
                (path, id)
            })
        })
}
