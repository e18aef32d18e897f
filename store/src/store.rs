//! [`Store`]: one folder, opened.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    digest::BlobId,
    error::StoreError,
    index::{self, Index, IndexError, IndexState},
    layout::Layout,
    lock,
    look_up::{LookUp, Wanted},
    meta,
    receipt::{self, Receipt},
};

/// How long a collection may take before who wants to use the store gives up.
const COLLECTION_PATIENCE: Duration = Duration::from_mins(1);

/// A store, open for use as long as a value or one of its clones lives: nobody removes blobs meanwhile.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    layout: Layout,
    is_writable: bool,
    /// `None` where the store cannot be written and has no lock file.
    _in_use: Option<File>,
}

impl Store {
    /// Opens the store in this folder, making one if there is none. A store that cannot be written is opened for reading.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::new(root);
        if !meta::check(&layout)? {
            meta::create(&layout).map_err(|error| match error {
                StoreError::Io { source, .. } if is_refusal(&source) => StoreError::ReadOnly { root: root.to_owned() },
                error => error,
            })?;
        }
        Self::open_existing(layout)
    }

    /// Opens the store in this folder if there is one.
    pub fn open_if_present(root: &Path) -> Result<Option<Self>, StoreError> {
        let layout = Layout::new(root);
        if meta::check(&layout)? {
            return Self::open_existing(layout).map(Some);
        }
        meta::refuse_strangers(&layout)?;
        Ok(None)
    }

    fn open_existing(layout: Layout) -> Result<Self, StoreError> {
        let path = layout.lock();
        let (lock_file, is_writable) = match lock::open(&path) {
            Ok(file) => (Some(file), true),
            Err(StoreError::Io { source, .. }) if is_refusal(&source) => (File::open(&path).ok(), false),
            Err(StoreError::DiskFull { .. }) => (None, true),
            Err(error) => return Err(error),
        };
        if let Some(file) = &lock_file {
            lock::try_for(COLLECTION_PATIENCE, || Ok::<_, StoreError>(lock::try_shared(file, &path)?.then_some(())))?
                .ok_or_else(|| StoreError::Busy { root: layout.root().to_owned() })?;
        }
        Ok(Self { shared: Arc::new(Shared { layout, is_writable, _in_use: lock_file }) })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        self.shared.layout.root()
    }

    /// Whether blobs can be added.
    pub fn is_writable(&self) -> bool {
        self.shared.is_writable
    }

    /// What is here of what is wanted. `now` becomes the day of last use of what is.
    pub fn look_up(&self, wanted: &[Wanted], now: jiff::Timestamp) -> Result<LookUp, StoreError> {
        LookUp::new(self.clone(), wanted, now)
    }

    /// The receipt of a blob, if it has one that can be read.
    pub fn receipt(&self, blob: &BlobId) -> Option<Receipt> {
        receipt::read(self.layout(), blob)
    }

    /// The file of a blob. It is read-only, and must be checked by who reads it: [`crate::blob::verify`].
    pub fn blob_path(&self, blob: &BlobId) -> PathBuf {
        self.layout().blob(blob)
    }

    /// An empty file without a name on the store's filesystem, for bytes that are on their way into it. Nothing is left of it when it is closed, or its process
    /// killed.
    pub fn nameless_file(&self) -> Result<File, StoreError> {
        let folder = self.layout().partial();
        std::fs::create_dir_all(&folder)
            .and_then(|()| tempfile::tempfile_in(&folder))
            .map_err(|error| StoreError::io("create a file in", folder, error))
    }

    /// Calls `work` with the index; see [`IndexState`] for how it may be had.
    pub fn with_index<T>(
        &self,
        work: impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
    ) -> Result<(T, IndexState), StoreError> {
        index::with(self.layout(), self.is_writable(), work)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.shared.layout
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
