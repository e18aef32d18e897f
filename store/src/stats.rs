//! Statistics: what a store holds, read from the receipts.

use std::{collections::BTreeMap, path::Path};

use crate::{
    clock::day,
    error::StoreError,
    index::{self, IndexState},
    journal,
    layout::Layout,
    lower::Lower,
    open, receipt_files,
    store::Store,
};

/// A number of files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Tally {
    /// Adds a file.
    pub const fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What a store holds.
#[derive(Debug)]
pub struct Stats {
    /// Blobs with a receipt.
    pub blobs: Tally,
    /// The same by ecosystem. A blob that two ecosystems share counts for both.
    pub ecosystems: BTreeMap<String, Tally>,
    /// Receipts whose blob is gone.
    pub without_blob: u64,
    /// When the oldest and the newest blob were fetched.
    pub fetched: Option<(jiff::Timestamp, jiff::Timestamp)>,
    /// Downloads under way or broken off.
    pub partial: Tally,
    /// Damaged blobs that were set aside.
    pub damaged: Tally,
    /// Blobs with a receipt in the lower stores, if there are any.
    pub lower: Option<Tally>,
    /// Where the index was.
    pub index: IndexState,
    /// Whether it says what the receipts say.
    pub index_is_in_step: bool,
}

/// Reads every receipt, and no blob.
pub fn stats(store: &Store) -> Result<Stats, StoreError> {
    if let Ok(store) = store.writable() {
        journal::fold_if_possible(store, day(jiff::Timestamp::now()))?;
    }
    let layout = store.layout();
    let (on_disk, index) = store.with_index(|index| index.keys())?;
    let mut stats = Stats {
        blobs: Tally::default(),
        ecosystems: BTreeMap::new(),
        without_blob: 0,
        fetched: None,
        partial: files_of(&layout.partial(), |path| path.extension().is_some_and(|extension| extension == "part")),
        damaged: files_of(&layout.damaged(), |_| true),
        lower: store.lower().map(blobs_of_lower).transpose()?,
        index,
        index_is_in_step: on_disk == index::keys_of_receipts(layout)?,
    };
    for file in receipt_files::walk(&layout.receipts()) {
        let (_, id) = file?;
        let Some(receipt) = id.and_then(|id| receipt_files::read(layout, &id)) else { continue };
        if !open::is_file(&layout.blob(&receipt.blob)) {
            stats.without_blob += 1;
            continue;
        }
        stats.blobs.add(receipt.size);
        let mut ecosystems: Vec<&str> = receipt.origins.iter().map(|origin| origin.ecosystem.as_str()).collect();
        ecosystems.dedup();
        for ecosystem in ecosystems {
            stats.ecosystems.entry(ecosystem.to_owned()).or_default().add(receipt.size);
        }
        if let Some(fetched) = receipt.fetched {
            let (oldest, newest) = stats.fetched.unwrap_or((fetched, fetched));
            stats.fetched = Some((oldest.min(fetched), newest.max(fetched)));
        }
    }
    Ok(stats)
}

fn blobs_of_lower(lower: &Lower) -> Result<Tally, StoreError> {
    lower.layouts().try_fold(Tally::default(), |sum, layout| {
        let part = blobs_of(layout)?;
        Ok(Tally { count: sum.count + part.count, bytes: sum.bytes + part.bytes })
    })
}

fn blobs_of(layout: &Layout) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for file in receipt_files::walk(&layout.receipts()) {
        let Some(receipt) = file?.1.and_then(|id| receipt_files::read(layout, &id)) else { continue };
        if open::is_file(&layout.blob(&receipt.blob)) {
            tally.add(receipt.size);
        }
    }
    Ok(tally)
}

fn files_of(folder: &Path, is_counted: impl Fn(&Path) -> bool) -> Tally {
    let mut tally = Tally::default();
    let Ok(entries) = std::fs::read_dir(folder) else { return tally };
    for entry in entries.flatten() {
        if is_counted(&entry.path())
            && let Ok(metadata) = entry.metadata()
        {
            tally.add(metadata.len());
        }
    }
    tally
}
