//! The overlay: a store's own folder over the lower ones, which are only read. What is in any of them is in the store.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    alternate_digests::AlternateDigests,
    digest::{BlobId, Integrity},
    error::StoreError,
    index::{self, Index, IndexError, IndexState},
    key::BlobRef,
    layout::Layout,
    lower::Lower,
    open,
    receipt::{Origin, Receipt},
    receipt_files,
    writable::Writable,
};

/// An opened store's folders.
#[derive(Debug)]
pub(crate) struct Overlay {
    layout: Layout,
    is_writable: bool,
    lower: Option<Lower>,
    /// Under a shared lock as long as it is open. `None` where the store cannot be written and has no lock file.
    in_use: Option<File>,
    alternate_digests: OnceLock<AlternateDigests>,
}

impl Overlay {
    /// A store's own folder alone.
    pub(crate) fn new(layout: Layout, is_writable: bool, in_use: Option<File>) -> Self {
        Self { layout, is_writable, lower: None, in_use, alternate_digests: OnceLock::new() }
    }

    /// Lower folders alone: a store that is only read.
    pub(crate) fn of_lower(lower: Lower) -> Self {
        let (layout, in_use, lower) = lower.into_parts();
        Self { lower, ..Self::new(layout, false, in_use) }
    }

    /// Puts it over one more lower folder.
    pub(crate) fn add_lower(&mut self, lower: Lower) {
        match &mut self.lower {
            Some(first) => first.add(lower),
            none => *none = Some(lower),
        }
    }

    /// The store's own folder.
    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The store's own folder, then the lower ones.
    pub(crate) fn layouts(&self) -> impl Iterator<Item = &Layout> {
        [&self.layout].into_iter().chain(self.lower.iter().flat_map(Lower::layouts))
    }

    pub(crate) const fn lower(&self) -> Option<&Lower> {
        self.lower.as_ref()
    }

    pub(crate) const fn lock_file(&self) -> Option<&File> {
        self.in_use.as_ref()
    }

    pub(crate) const fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// The right to write in the store's own folder.
    pub(crate) fn writable(&self) -> Result<Writable<'_>, StoreError> {
        if self.is_writable {
            Ok(Writable::new(&self.layout))
        } else {
            Err(StoreError::ReadOnly { root: self.layout.root().to_owned() })
        }
    }

    /// The receipt of a blob, if it has one that can be read: what all folders know of it, together.
    pub(crate) fn receipt(&self, blob: &BlobId) -> Option<Receipt> {
        let own = receipt_files::read(&self.layout, blob);
        let lower = self.lower.iter().filter(|lower| lower.believes(blob)).flat_map(Lower::layouts);
        lower.filter_map(|layout| receipt_files::read(layout, blob)).fold(own, |known, lower| match known {
            Some(mut known) => {
                known.merge(lower);
                Some(known)
            }
            None => Some(lower),
        })
    }

    /// The file of a blob.
    pub(crate) fn blob_path(&self, blob: &BlobId) -> PathBuf {
        let own = self.layout.blob(blob);
        match &self.lower {
            Some(lower) if !open::is_file(&own) => lower.blob(blob).unwrap_or(own),
            _ => own,
        }
    }

    /// Whether a blob's file is there with its whole length. Its bytes are checked by whoever reads them.
    pub(crate) fn is_present(&self, found: BlobRef) -> bool {
        let is_whole = |path: &Path| {
            std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() == found.size && metadata.is_file())
        };
        is_whole(&self.layout.blob(&found.blob))
            || self.lower.as_ref().and_then(|lower| lower.blob(&found.blob)).is_some_and(|path| is_whole(&path))
    }

    /// Calls `work` with the index of the store's own folder, and says where it was.
    pub(crate) fn with_index<T>(
        &self,
        work: impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
    ) -> Result<(T, IndexState), StoreError> {
        match self.writable() {
            Ok(store) => index::with(store, work),
            Err(_) => index::with_memory(&self.layout, work, "the store cannot be written".to_owned()),
        }
    }

    /// The blob of one of these packages whose bytes have these digests, though it was fetched by others: see [`AlternateDigests::find`].
    pub(crate) fn find_by_alternate_digest(&self, origins: &[Origin], integrity: &Integrity) -> Option<BlobRef> {
        let store = self.writable().ok()?;
        let known = self.alternate_digests.get_or_init(|| AlternateDigests::read(&self.layout));
        known.find(store, origins, integrity)
    }
}
