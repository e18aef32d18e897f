//! The lower layer of an overlay: a store that is only read, whatever its modes allow, so that it can be part of an image or of a build context. It may have several
//! parts, each of which is a store.
//!
//! It needs blobs, receipts and `meta.json`, but no index and no lock. If the upper store does not have everything, look-ups build an index in memory from the lower
//! store's receipts. A damaged blob counts as absent for as long as the store is open.

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
    key::{BlobRef, Key},
    layout::Layout,
    lock::use_store,
    meta, open,
};

/// A store that is read under another one.
#[derive(Debug)]
pub(crate) struct Lower {
    layout: Layout,
    index: OnceLock<MemoryIndex>,
    refused: Mutex<HashSet<BlobId>>,
    /// Blobs whose receipts state what their bytes do not have.
    disbelieved: Mutex<HashSet<BlobId>>,
    /// `None` where it has no lock file: nobody removes anything from a seed.
    in_use: Option<File>,
    /// Another part of it: a seed may be in several folders, so that a build step can mount some of them.
    next: Option<Box<Self>>,
}

impl Lower {
    /// Opens the store in this folder; `None` if there is none.
    pub(crate) fn open(root: &Path) -> Result<Option<Self>, StoreError> {
        let layout = Layout::new(root);
        if !meta::check(&layout)? {
            return Ok(None);
        }
        open::check_folders(&layout, false)?;
        let in_use = use_store(&layout, open::to_read(&layout.lock()).ok().map(|(file, _)| file))?;
        Ok(Some(Self {
            layout,
            index: OnceLock::new(),
            refused: Mutex::default(),
            disbelieved: Mutex::default(),
            in_use,
            next: None,
        }))
    }

    /// Makes another store part of this one: what is in any of them is here.
    pub(crate) fn add(&mut self, part: Self) {
        match &mut self.next {
            Some(next) => next.add(part),
            None => self.next = Some(Box::new(part)),
        }
    }

    /// What is left of its first part as a store of its own, and the other parts.
    pub(crate) fn into_parts(self) -> (Layout, Option<File>, Option<Self>) {
        (self.layout, self.in_use, self.next.map(|next| *next))
    }

    /// The first part.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All parts.
    pub(crate) fn layouts(&self) -> impl Iterator<Item = &Layout> {
        std::iter::successors(Some(self), |part| part.next.as_deref()).map(|part| &part.layout)
    }

    /// What the receipts have under a key, whether its file is there or not; rather where it is.
    pub(crate) fn recorded(&self, key: &Key) -> Result<Option<BlobRef>, StoreError> {
        let index = self.index()?;
        let answers = "the index in memory answers everything";
        let blob = index.blob_of(key).expect(answers).filter(|blob| self.believes(blob));
        let entry = blob.and_then(|blob| Some((blob, index.entry(&blob).expect(answers)?)));
        let own = entry.map(|(blob, entry)| BlobRef { blob, size: entry.size });
        match &self.next {
            Some(next) if own.is_none_or(|own| self.blob(&own.blob).is_none()) => Ok(next.recorded(key)?.or(own)),
            _ => Ok(own),
        }
    }

    /// The blob's file, if it is there and was not refused.
    pub(crate) fn blob(&self, blob: &BlobId) -> Option<PathBuf> {
        let path = self.layout.blob(blob);
        let own = (open::is_file(&path) && !self.refused().contains(blob)).then_some(path);
        own.or_else(|| self.next.as_ref()?.blob(blob))
    }

    /// Treats a blob as absent from now on.
    pub(crate) fn refuse(&self, blob: &BlobId) {
        self.refused().insert(*blob);
        if let Some(next) = &self.next {
            next.refuse(blob);
        }
    }

    /// Believes nothing of what is said of a blob from now on.
    pub(crate) fn disbelieve(&self, blob: &BlobId) {
        self.disbelieved.lock().unwrap_or_else(PoisonError::into_inner).insert(*blob);
        if let Some(next) = &self.next {
            next.disbelieve(blob);
        }
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
