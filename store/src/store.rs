//! [`Store`]: one folder, opened.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    below::Below,
    digest::BlobId,
    error::{At as _, StoreError},
    index::{self, Index, IndexError, IndexState},
    layout::Layout,
    lock,
    look_up::{LookUp, Wanted},
    meta::{self, Present},
    namesakes::Namesakes,
    open::{self, Names},
    own,
    receipt::{self, Receipt},
    wait::Patience,
};

/// How long blobs may be removed before who wants to use the store gives up.
const REMOVAL_PATIENCE: Patience = Patience::up_to(Duration::from_mins(1));

/// How long who wants the store alone waits for those who use it.
const USERS_PATIENCE: Patience = Patience::up_to(Duration::from_secs(10));

/// A store, open for use as long as a value or one of its clones lives: nobody removes blobs meanwhile.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    layout: Layout,
    is_writable: bool,
    below: Option<Below>,
    namesakes: OnceLock<Namesakes>,
    /// `None` where the store cannot be written and has no lock file.
    in_use: Option<File>,
}

impl Store {
    /// Opens the store in this folder, making one if there is none. A store that cannot be written is opened for reading.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::new(root);
        if meta::look(&layout)? != Present::Store {
            create(&layout)?;
        }
        Self::open_existing(layout)
    }

    /// Opens the store in this folder if there is one.
    pub fn open_if_present(root: &Path) -> Result<Option<Self>, StoreError> {
        let layout = Layout::new(root);
        match meta::look(&layout)? {
            Present::Store => {}
            Present::Emptied => create(&layout)?,
            Present::Nothing => {
                own::refuse_strangers(&layout)?;
                return Ok(None);
            }
        }
        Self::open_existing(layout).map(Some)
    }

    /// Opens the store in `root` over the one in `below`, which is only read: what is in either is here, and what is added goes into `root`. Where `root`
    /// cannot be made, what is below is the whole store. A `below` that is no store is none.
    pub fn open_over(root: &Path, below: &Path) -> Result<Self, StoreError> {
        let Some(below) = Below::open(below)? else { return Self::open(root) };
        // What is beside itself is below nothing.
        if is_same(root, below.layout().root()) {
            return Ok(Self::only(below));
        }
        match Self::open(root) {
            Ok(store) => Ok(store.over(below)),
            Err(StoreError::ReadOnly { .. }) => Ok(Self::only(below)),
            Err(error) => Err(error),
        }
    }

    /// The same if there is a store in either of them, making none.
    pub fn open_over_if_present(root: &Path, below: &Path) -> Result<Option<Self>, StoreError> {
        let Some(below) = Below::open(below)? else { return Self::open_if_present(root) };
        if is_same(root, below.layout().root()) {
            return Ok(Some(Self::only(below)));
        }
        Ok(Some(match Self::open_if_present(root)? {
            Some(store) => store.over(below),
            None => Self::only(below),
        }))
    }

    /// The same store over one more folder, which is only read, too. One that is no store adds nothing.
    pub fn over_another(self, below: &Path) -> Result<Self, StoreError> {
        let Some(part) = Below::open(below)? else { return Ok(self) };
        let root_below = self.below().map(|below| below.layout().root());
        if is_same(self.root(), below) || root_below.is_some_and(|root| is_same(root, below)) {
            return Ok(self);
        }
        let Self { mut shared } = self;
        match &mut Arc::get_mut(&mut shared).expect("it was opened just now").below {
            Some(first) => first.add(part),
            none => *none = Some(part),
        }
        Ok(Self { shared })
    }

    /// Opens the store in this folder for reading, whatever its modes allow; `None` if there is none.
    pub fn open_to_read(root: &Path) -> Result<Option<Self>, StoreError> {
        Ok(Below::open(root)?.map(Self::only))
    }

    /// Opens the store in this folder for who removes blobs, alone; `None` if there is none.
    pub(crate) fn open_exclusively(root: &Path) -> Result<Option<Self>, StoreError> {
        let Some(store) = Self::open_if_present(root)? else { return Ok(None) };
        let (path, in_use) = (store.layout().lock(), store.shared.in_use.as_ref());
        let file =
            in_use.filter(|_| store.is_writable()).ok_or_else(|| StoreError::ReadOnly { root: root.to_owned() })?;
        match lock::exclusive(file, &path, USERS_PATIENCE) {
            Ok(()) => Ok(Some(store)),
            Err(StoreError::Held { .. }) => Err(StoreError::InUse { root: root.to_owned() }),
            Err(error) => Err(error),
        }
    }

    fn over(self, below: Below) -> Self {
        let Self { mut shared } = self;
        Arc::get_mut(&mut shared).expect("it was opened just now").below = Some(below);
        Self { shared }
    }

    fn only(below: Below) -> Self {
        let (layout, in_use, below) = below.into_parts();
        Self { shared: Arc::new(Shared { layout, is_writable: false, below, namesakes: OnceLock::new(), in_use }) }
    }

    fn open_existing(layout: Layout) -> Result<Self, StoreError> {
        let path = layout.lock();
        let (lock_file, is_writable) = match lock::open(&layout, &path, Names::Any) {
            Ok(file) => (Some(file), true),
            Err(StoreError::Io { source, .. }) if is_refusal(&source) => {
                (open::to_read(&path).ok().map(|(file, _)| file), false)
            }
            Err(StoreError::DiskFull { .. }) => (None, true),
            Err(error) => return Err(error),
        };
        let in_use = use_with(&layout, lock_file)?;
        open::check_folders(&layout, is_writable)?;
        // A seed that became a store has none, and anybody may delete it.
        if is_writable && let Err(error) = open::make_folder(&layout.partial()) {
            tracing::trace!(%error, "the folder for downloads is not made");
        }
        Ok(Self { shared: Arc::new(Shared { layout, is_writable, below: None, namesakes: OnceLock::new(), in_use }) })
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

    /// The folder of the store below, if there is one.
    pub fn root_below(&self) -> Option<&Path> {
        Some(self.below()?.layout().root())
    }

    /// The folders of all parts of the store below.
    pub fn roots_below(&self) -> impl Iterator<Item = &Path> {
        self.below().into_iter().flat_map(Below::layouts).map(crate::layout::Layout::root)
    }

    /// The receipt of a blob, if it has one that can be read: what the stores know of it, together.
    pub fn receipt(&self, blob: &BlobId) -> Option<Receipt> {
        let own = receipt::read(self.layout(), blob);
        let below = self.below().filter(|below| below.believes(blob)).into_iter().flat_map(Below::layouts);
        below.filter_map(|layout| receipt::read(layout, blob)).fold(own, |known, below| match known {
            Some(mut known) => {
                known.merge(below);
                Some(known)
            }
            None => Some(below),
        })
    }

    /// The file of a blob. It is read-only, and must be checked by who reads it: [`crate::blob::verify`].
    pub fn blob_path(&self, blob: &BlobId) -> PathBuf {
        let own = self.layout().blob(blob);
        match self.below() {
            Some(below) if !open::is_file(&own) => below.blob(blob).unwrap_or(own),
            _ => own,
        }
    }

    /// Opens the file of a blob to read it. A link, a pipe or a folder in its place is an error: none of them is followed, waited for or read.
    pub fn open_blob(&self, blob: &BlobId) -> Result<File, StoreError> {
        let path = self.blob_path(blob);
        Ok(open::to_read(&path).at("open", &path)?.0)
    }

    /// An empty file without a name on the store's filesystem, for bytes that are on their way into it. Nothing is left of it when it is closed, or its process
    /// killed.
    pub fn nameless_file(&self) -> Result<File, StoreError> {
        let folder = self.layout().partial();
        open::make_folder(&folder)
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

    /// A folder on the store's filesystem for what is needed for a while and removed again; `None` where the store cannot be written. Files whose names end in
    /// `.part` or `.json` there are the store's own.
    pub fn scratch_parent(&self) -> Option<PathBuf> {
        self.is_writable().then(|| self.layout().partial())
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    pub(crate) fn namesakes(&self) -> &Namesakes {
        self.shared.namesakes.get_or_init(|| Namesakes::read(self.layout()))
    }

    pub(crate) fn below(&self) -> Option<&Below> {
        self.shared.below.as_ref()
    }
}

/// Says that the store is in use, until the file is closed.
pub(crate) fn use_with(layout: &Layout, lock_file: Option<File>) -> Result<Option<File>, StoreError> {
    let path = layout.lock();
    if let Some(file) = &lock_file {
        lock::shared(file, &path, REMOVAL_PATIENCE)?;
    }
    Ok(lock_file)
}

fn create(layout: &Layout) -> Result<(), StoreError> {
    meta::create(layout).map_err(|error| match error {
        StoreError::Io { source, .. } if is_refusal(&source) => StoreError::ReadOnly { root: layout.root().to_owned() },
        error => error,
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}
