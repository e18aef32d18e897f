//! Forgetting: blobs and their receipts out of the store, by what a person calls them.
//!
//! Only who has the store to himself may remove a blob: everyone else uses it under a shared lock. What names a blob goes before the blob: the index and the
//! look-up cache, then the receipt, then the bytes. A kill in between leaves blobs that count as absent, and the same call again removes the rest.

use std::{collections::HashSet, io, path::Path};

use crate::{
    clock::day,
    digest::{BlobId, Digest},
    error::StoreError,
    index::{self, Addition, Entry, IndexState},
    journal,
    key::Key,
    layout::Layout,
    lookup_cache, part, part_file,
    receipt::Receipt,
    receipt_files,
    store::Store,
    writable::Writable,
};

/// What a person calls a blob by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A package, of one version or of any.
    Package {
        /// Its name.
        name: String,
        /// Its version.
        version: Option<String>,
    },
    /// The blob itself.
    Blob(BlobId),
    /// A digest of its bytes.
    Digest(Digest),
}

/// What was forgotten.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// The receipts of what is gone, sorted by blob.
    pub receipts: Vec<Receipt>,
    /// Bytes that are gone with them.
    pub bytes: u64,
    /// Of what was asked for, the places of those that name nothing here.
    pub unknown: Vec<usize>,
}

impl Named {
    fn is(&self, receipt: &Receipt) -> bool {
        match self {
            Self::Package { name, version } => receipt.origins.iter().any(|origin| {
                origin.name == *name && version.as_ref().is_none_or(|version| origin.version == *version)
            }),
            Self::Blob(blob) => receipt.blob == *blob,
            Self::Digest(digest) => receipt.digests.digests().contains(digest),
        }
    }
}

/// Removes every blob that one of these names, and its receipt, from the store in this folder. `None` if there is no store. Lower stores are not touched.
///
/// Whoever uses the store is waited for, for a while; [`StoreError::InUse`] says that it was in vain.
pub fn forget(root: &Path, named: &[Named], now: jiff::Timestamp) -> Result<Option<Forgotten>, StoreError> {
    let Some(store) = Store::open_exclusively(root)? else { return Ok(None) };
    let store = store.writable()?;
    journal::fold(store, day(now))?;
    let layout = store.layout();
    // What was killed before it had a receipt has no name, and may be what is to be forgotten: it is fetched again.
    journal::clear(store)?;
    remove_complete_parts(layout)?;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    let mut found = vec![false; named.len()];
    for file in receipt_files::walk(&layout.receipts()) {
        let Some(receipt) = file?.1.and_then(|id| receipt_files::read(layout, &id)) else { continue };
        let mut is_named = false;
        for (named, found) in named.iter().zip(&mut found) {
            if named.is(&receipt) {
                (is_named, *found) = (true, true);
            }
        }
        if is_named { gone.push(receipt) } else { kept.push(receipt) }
    }
    let unknown = found.iter().enumerate().filter(|(_, found)| !**found).map(|(at, _)| at).collect();
    gone.sort_by_key(|receipt| receipt.blob);
    let mut forgotten = Forgotten { unknown, ..Forgotten::default() };
    if gone.is_empty() {
        return Ok(Some(forgotten));
    }
    out_of_index(store, &gone, &kept, day(now))?;
    lookup_cache::clear(store)?;
    for receipt in &gone {
        remove_parts(layout, receipt)?;
        remove(&layout.receipt(&receipt.blob))?;
        let blob = layout.blob(&receipt.blob);
        if let Ok(metadata) = std::fs::symlink_metadata(&blob) {
            remove(&blob)?;
            forgotten.bytes += metadata.len();
        }
    }
    forgotten.receipts = gone;
    Ok(Some(forgotten))
}

/// Takes the blobs out of the index. What another blob is found by, too, leads to that one from then on.
fn out_of_index(store: Writable<'_>, gone: &[Receipt], kept: &[Receipt], today: u32) -> Result<(), StoreError> {
    let keys: HashSet<Key> = gone.iter().flat_map(Receipt::keys).collect();
    let blobs: Vec<BlobId> = gone.iter().map(|receipt| receipt.blob).collect();
    let shared: Vec<&Receipt> = kept.iter().filter(|receipt| receipt.keys().any(|key| keys.contains(&key))).collect();
    let all: Vec<Key> = keys.iter().cloned().collect();
    let ((), state) = index::with(store, |index| {
        index.remove(&all, &blobs)?;
        let mut again = Vec::with_capacity(shared.len());
        for receipt in &shared {
            let entry = index.entry(&receipt.blob)?.unwrap_or(Entry { size: receipt.size, last_used: today });
            again.push(Addition { entry, ..Addition::of(receipt, today) });
        }
        index.add(&again)
    })?;
    // It could not be opened, and whatever opens it the next time must not find what is gone.
    if matches!(state, IndexState::Memory(_)) {
        index::discard(store)?;
    }
    Ok(())
}

/// Removes what came whole and was not published, as far as no digest says what it is.
fn remove_complete_parts(layout: &Layout) -> Result<(), StoreError> {
    let folder = layout.partial();
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| StoreError::io("list", &folder, error))?,
    };
    for entry in entries {
        let state = entry.map_err(|error| StoreError::io("list", &folder, error))?.path();
        if state.extension().is_some_and(|end| end == "json") && part::is_complete(&state) {
            remove(&state.with_extension("part"))?;
            remove(&state)?;
        }
    }
    Ok(())
}

/// A complete part would be published again without a request.
fn remove_parts(layout: &Layout, receipt: &Receipt) -> Result<(), StoreError> {
    for key in receipt.keys() {
        let part = layout.part_of(&key.hash());
        part_file::remove(&part.with_extension("json"));
        remove(&part)?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}
