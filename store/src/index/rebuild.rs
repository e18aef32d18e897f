//! Filling an index from the receipts.

use super::{
    interface::{Addition, Index, IndexError},
    memory::MemoryIndex,
};
use crate::{
    clock::day,
    digest::BlobId,
    error::{At as _, StoreError},
    key::Key,
    layout::Layout,
    receipt_files,
};

/// Receipts per change of the index: bounds the memory that a change takes.
const BATCH: usize = 500;

/// Why an index could not be filled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    /// The receipts cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index does not take them.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// An index in memory that says what the receipts say.
pub(crate) fn in_memory(layout: &Layout) -> Result<MemoryIndex, StoreError> {
    let mut index = MemoryIndex::default();
    match fill(layout, &mut index) {
        Ok(()) => Ok(index),
        Err(RebuildError::Store(error)) => Err(error),
        Err(RebuildError::Index(_)) => unreachable!("the index in memory takes everything"),
    }
}

/// What the index should say.
pub(crate) fn keys_of_receipts(layout: &Layout) -> Result<Vec<(Key, BlobId)>, StoreError> {
    Ok(in_memory(layout)?.keys().expect("the index in memory answers everything"))
}

/// Notes every receipt in `index`. Receipts that cannot be read are passed over.
pub(crate) fn fill(layout: &Layout, index: &mut dyn Index) -> Result<(), RebuildError> {
    let mut additions = Vec::with_capacity(BATCH);
    for file in receipt_files::walk(&layout.receipts()) {
        let (path, id) = file?;
        let Some(receipt) = id.and_then(|id| receipt_files::read(layout, &id)) else { continue };
        let last_used = if let Some(fetched) = receipt.fetched {
            day(fetched)
        } else {
            let changed =
                std::fs::symlink_metadata(&path).and_then(|metadata| metadata.modified()).at("stat", &path)?;
            jiff::Timestamp::try_from(changed).map_or(0, day)
        };
        additions.push(Addition::of(&receipt, last_used));
        if additions.len() == BATCH {
            index.add(&additions)?;
            additions.clear();
        }
    }
    index.add(&additions)?;
    Ok(())
}
