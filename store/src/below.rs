//! The store below another one: only read, whatever its modes allow, so that it may be part of an image or of a build's context.
//!
//! It needs blobs, receipts and `meta.json`, and neither an index nor a lock: look-ups use one in memory, made from the receipts when the store above
//! does not have everything. A blob that turns out to be damaged counts as absent for as long as the store is open.

use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use crate::{
    digest::BlobId,
    error::StoreError,
    index::{self, Index as _, MemoryIndex},
    layout::Layout,
    look_up::{Found, Key},
    meta, open,
    store::use_with,
};

/// A store that is read below another one.
#[derive(Debug)]
pub(crate) struct Below {
    layout: Layout,
    index: OnceLock<MemoryIndex>,
    refused: Mutex<HashSet<BlobId>>,
    /// Blobs whose receipts state what their bytes do not have.
    disbelieved: Mutex<HashSet<BlobId>>,
    /// `None` where it has no lock file: nobody removes anything from a seed.
    in_use: Option<File>,
}

impl Below {
    /// Opens the store in this folder; `None` if there is none.
    pub(crate) fn open(root: &Path) -> Result<Option<Self>, StoreError> {
        let layout = Layout::new(root);
        if !meta::check(&layout)? {
            return Ok(None);
        }
        open::check_folders(&layout, false)?;
        let in_use = use_with(&layout, open::to_read(&layout.lock()).ok().map(|(file, _)| file))?;
        Ok(Some(Self {
            layout,
            index: OnceLock::new(),
            refused: Mutex::default(),
            disbelieved: Mutex::default(),
            in_use,
        }))
    }

    /// What is left of it as a store of its own.
    pub(crate) fn into_parts(self) -> (Layout, Option<File>) {
        (self.layout, self.in_use)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the receipts have under a key, whether its file is there or not.
    pub(crate) fn recorded(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let index = self.index()?;
        let answers = "the index in memory answers everything";
        let Some(blob) = index.blob_of(key).expect(answers).filter(|blob| self.believes(blob)) else {
            return Ok(None);
        };
        let entry = index.entry(&blob).expect(answers);
        Ok(entry.map(|entry| Found { blob, size: entry.size }))
    }

    /// The blob's file, if it is there and was not refused.
    pub(crate) fn blob(&self, blob: &BlobId) -> Option<PathBuf> {
        let path = self.layout.blob(blob);
        (open::is_file(&path) && !self.refused().contains(blob)).then_some(path)
    }

    /// Treats a blob as absent from now on.
    pub(crate) fn refuse(&self, blob: &BlobId) {
        self.refused().insert(*blob);
    }

    /// Believes nothing of what is said of a blob from now on.
    pub(crate) fn disbelieve(&self, blob: &BlobId) {
        self.disbelieved.lock().unwrap_or_else(PoisonError::into_inner).insert(*blob);
    }

    /// Whether what is said of a blob is believed.
    pub(crate) fn believes(&self, blob: &BlobId) -> bool {
        !self.disbelieved.lock().unwrap_or_else(PoisonError::into_inner).contains(blob)
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, HashSet<BlobId>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> Result<&MemoryIndex, StoreError> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let made = index::in_memory(&self.layout)?;
        Ok(self.index.get_or_init(|| made))
    }
}
