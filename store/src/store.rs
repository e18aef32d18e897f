//! [`Store`]: one folder, opened; what other files do with it is called here.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    blob::{self, CheckedReader},
    create::create,
    digest::{BlobId, Integrity},
    error::{At as _, StoreError},
    foreign, gone,
    index::{Index, IndexError, IndexState},
    key::{BlobRef, Wanted},
    layout::Layout,
    lock,
    lookup::Lookup,
    lower::Lower,
    meta::{self, Present},
    open::{self, Names},
    overlay::Overlay,
    rate::{self, DownloadRate},
    receipt::{Origin, Receipt},
    rows::{self, Rows},
    wait::Patience,
    writable::Writable,
};

/// How long who wants the store alone waits for those who use it.
const USERS_PATIENCE: Patience = Patience::up_to(Duration::from_secs(10));

/// A store, open for use as long as a value or one of its clones lives: nobody removes blobs meanwhile.
#[derive(Clone, Debug)]
pub struct Store {
    overlay: Arc<Overlay>,
}

impl Store {
    /// Opens the store in this folder, making one if there is none. A store that cannot be written is opened for reading.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(open_or_create(root)?))
    }

    /// Opens the store in this folder if there is one.
    pub fn open_if_present(root: &Path) -> Result<Option<Self>, StoreError> {
        Ok(open_present(root)?.map(Self::of))
    }

    /// Opens the store in `root` over the one in `lower`, which is only read: what is in either is in the store, and what is added goes into `root`. Where `root`
    /// cannot be made, `lower` is the whole store. A `lower` that is no store adds nothing.
    pub fn open_over(root: &Path, lower: &Path) -> Result<Self, StoreError> {
        let Some(lower) = Lower::open(lower)? else { return Self::open(root) };
        // A store is never layered over itself.
        if is_same(root, lower.layout().root()) {
            return Ok(Self::of(Overlay::of_lower(lower)));
        }
        let overlay = match open_or_create(root) {
            Ok(mut overlay) => {
                overlay.add_lower(lower);
                overlay
            }
            Err(StoreError::ReadOnly { .. }) => Overlay::of_lower(lower),
            Err(error) => return Err(error),
        };
        Ok(Self::of(overlay))
    }

    /// The same if there is a store in either of them, making none.
    pub fn open_over_if_present(root: &Path, lower: &Path) -> Result<Option<Self>, StoreError> {
        let Some(lower) = Lower::open(lower)? else { return Self::open_if_present(root) };
        if is_same(root, lower.layout().root()) {
            return Ok(Some(Self::of(Overlay::of_lower(lower))));
        }
        let overlay = match open_present(root)? {
            Some(mut overlay) => {
                overlay.add_lower(lower);
                overlay
            }
            None => Overlay::of_lower(lower),
        };
        Ok(Some(Self::of(overlay)))
    }

    /// The same store over one more folder, which is only read, too. One that is no store adds nothing.
    pub fn over_another(mut self, lower: &Path) -> Result<Self, StoreError> {
        let Some(part) = Lower::open(lower)? else { return Ok(self) };
        if is_same(self.root(), lower) || self.lower_root().is_some_and(|root| is_same(root, lower)) {
            return Ok(self);
        }
        Arc::get_mut(&mut self.overlay).expect("it was opened just now").add_lower(part);
        Ok(self)
    }

    /// Opens the store in this folder for reading, whatever its modes allow; `None` if there is none.
    pub fn open_to_read(root: &Path) -> Result<Option<Self>, StoreError> {
        Ok(Lower::open(root)?.map(|lower| Self::of(Overlay::of_lower(lower))))
    }

    /// Opens the store in this folder for who removes blobs, alone; `None` if there is none.
    pub(crate) fn open_exclusively(root: &Path) -> Result<Option<Self>, StoreError> {
        let Some(store) = Self::open_if_present(root)? else { return Ok(None) };
        let path = store.writable()?.layout().lock();
        let file = store.overlay.lock_file().ok_or_else(|| StoreError::ReadOnly { root: root.to_owned() })?;
        match lock::exclusive(file, &path, USERS_PATIENCE) {
            Ok(()) => Ok(Some(store)),
            Err(StoreError::Held { .. }) => Err(StoreError::InUse { root: root.to_owned() }),
            Err(error) => Err(error),
        }
    }

    fn of(overlay: Overlay) -> Self {
        Self { overlay: Arc::new(overlay) }
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        self.overlay.layout().root()
    }

    /// The folder of the first lower store, if there is one.
    pub fn lower_root(&self) -> Option<&Path> {
        Some(self.overlay.lower()?.layout().root())
    }

    /// The folders of all lower stores.
    pub fn lower_roots(&self) -> impl Iterator<Item = &Path> {
        self.overlay.layouts().skip(1).map(Layout::root)
    }

    /// Whether blobs can be added.
    pub fn is_writable(&self) -> bool {
        self.overlay.is_writable()
    }

    /// The right to write in the store; [`StoreError::ReadOnly`] if it cannot be written.
    pub fn writable(&self) -> Result<Writable<'_>, StoreError> {
        self.overlay.writable()
    }

    /// Finds which of what is wanted has a blob. `now` becomes the day of last use of those blobs.
    pub fn lookup(&self, wanted: &[Wanted], now: jiff::Timestamp) -> Result<Lookup, StoreError> {
        Lookup::new(Arc::clone(&self.overlay), wanted, now)
    }

    /// The receipt of a blob, if it has one that can be read: what all folders know of it, together.
    pub fn receipt(&self, blob: &BlobId) -> Option<Receipt> {
        self.overlay.receipt(blob)
    }

    /// The file of a blob. It is read-only; whoever reads it must check its bytes: [`Store::open_checked`].
    pub fn blob_path(&self, blob: &BlobId) -> PathBuf {
        self.overlay.blob_path(blob)
    }

    /// Opens the file of a blob after reading all of it: its bytes are those of its name, and of what is stated of them.
    pub fn open_checked(&self, blob: &BlobId, stated: Option<&Integrity>) -> Result<File, StoreError> {
        blob::open_checked(self.blob_path(blob), blob, stated)
    }

    /// Opens the file of a blob to read it once, from the first byte to the last: its bytes are compared with its name on the way.
    pub fn read_checked(&self, found: BlobRef) -> Result<CheckedReader, StoreError> {
        CheckedReader::open(self.blob_path(&found.blob), found)
    }

    /// The blob of one of these packages whose bytes have these digests, though it was fetched by others. Its bytes are read, and its receipt states the digests from
    /// then on. Read-only stores skip this step: the new digests could not be recorded.
    ///
    /// All receipts are read when this is asked for the first time.
    pub fn find_by_alternate_digest(&self, origins: &[Origin], integrity: &Integrity) -> Option<BlobRef> {
        self.overlay.find_by_alternate_digest(origins, integrity)
    }

    /// Records that nothing is at this address. A failure costs a later run without a network the package.
    pub fn note_gone(&self, wanted: &Wanted, address: &str) {
        gone::note(&self.overlay, wanted, address);
    }

    /// Keeps a note of a seed that nothing is at an address, by its name there; another name is no note.
    pub fn keep_gone(&self, name: &str) -> Result<(), StoreError> {
        gone::keep(self.writable()?, name)
    }

    /// Whether nothing was at this address when it was asked last.
    pub fn is_noted_gone(&self, wanted: &Wanted, address: &str) -> bool {
        gone::is_noted(&self.overlay, wanted, address)
    }

    /// Whether a seed has a note that no address had this file. Only a file that a digest identifies can have one.
    pub fn is_noted_gone_anywhere(&self, wanted: &Wanted) -> bool {
        gone::is_noted_anywhere(&self.overlay, wanted)
    }

    /// Deletes the note: the address has the file after all.
    pub fn forget_gone(&self, wanted: &Wanted, address: &str) {
        gone::forget(&self.overlay, wanted, address);
    }

    /// Whether a store in this folder may have what projects recorded: told without opening it.
    pub fn may_have_rows(root: &Path) -> bool {
        Layout::new(root).all_rows().is_dir()
    }

    /// How fast registries gave what was downloaded last, if that was noted.
    pub fn download_rate(&self) -> Option<DownloadRate> {
        rate::read(&self.overlay)
    }

    /// Notes how fast registries gave what was downloaded. A failure costs that figure.
    pub fn note_download_rate(&self, rate: DownloadRate) {
        if let Err(error) = self.writable().and_then(|store| rate::write(store, rate)) {
            tracing::debug!(%error, "the rate of a download is not noted");
        }
    }

    /// What a project recorded beside the lockfile with this digest.
    pub fn rows(&self, lockfile: &BlobId) -> Rows {
        rows::find(&self.overlay, lockfile)
    }

    /// Keeps what a project recorded beside the lockfile with this digest, in place of what was kept of it; `None` is nothing.
    pub fn keep_rows(&self, lockfile: &BlobId, rows: Option<&[u8]>) -> Result<(), StoreError> {
        rows::write(self.writable()?, lockfile, rows)
    }

    /// Opens the file of a blob to read it. A link, a pipe or a folder in its place is an error: none of them is followed, waited for or read.
    pub fn open_blob(&self, blob: &BlobId) -> Result<File, StoreError> {
        let path = self.blob_path(blob);
        Ok(open::to_read(&path).at("open", &path)?.0)
    }

    /// A folder for what install scripts keep, which is no part of the store and may not be there; `None` if the store cannot be written.
    pub fn script_cache(&self) -> Option<PathBuf> {
        self.is_writable().then(|| self.overlay.layout().script_cache())
    }

    /// An empty file without a name on the store's filesystem, for bytes that are on their way into it. Nothing is left of it when it is closed, or its process
    /// killed.
    pub fn nameless_file(&self) -> Result<File, StoreError> {
        let folder = self.overlay.layout().partial();
        open::make_folder(&folder)
            .and_then(|()| tempfile::tempfile_in(&folder))
            .map_err(|error| StoreError::io("create a file in", folder, error))
    }

    /// A folder on the store's filesystem for what is needed for a while and removed again; `None` where the store cannot be written. Files whose names end in
    /// `.part` or `.json` there are the store's own.
    pub fn scratch_parent(&self) -> Option<PathBuf> {
        self.is_writable().then(|| self.overlay.layout().partial())
    }

    /// Calls `work` with the index; see [`IndexState`] for where it may be. `work` may be called again, with an index made anew.
    pub fn with_index<T>(
        &self,
        work: impl FnMut(&mut dyn Index) -> Result<T, IndexError>,
    ) -> Result<(T, IndexState), StoreError> {
        self.overlay.with_index(work)
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.overlay.layout()
    }

    /// The store's own folder, then the lower ones.
    pub(crate) fn layouts(&self) -> impl Iterator<Item = &Layout> {
        self.overlay.layouts()
    }

    pub(crate) fn lower(&self) -> Option<&Lower> {
        self.overlay.lower()
    }
}

fn open_or_create(root: &Path) -> Result<Overlay, StoreError> {
    let layout = Layout::new(root);
    if meta::look(&layout)? != Present::Store {
        create_here(&layout)?;
    }
    open_existing(layout)
}

fn open_present(root: &Path) -> Result<Option<Overlay>, StoreError> {
    let layout = Layout::new(root);
    match meta::look(&layout)? {
        Present::Store => {}
        Present::Emptied => create_here(&layout)?,
        Present::Nothing => {
            foreign::refuse(&layout)?;
            return Ok(None);
        }
    }
    open_existing(layout).map(Some)
}

fn open_existing(layout: Layout) -> Result<Overlay, StoreError> {
    let path = layout.lock();
    let (lock_file, is_writable) = match lock::open(&layout, &path, Names::Any) {
        Ok(file) => (Some(file), true),
        Err(StoreError::Io { source, .. }) if is_refusal(&source) => {
            (open::to_read(&path).ok().map(|(file, _)| file), false)
        }
        Err(StoreError::DiskFull { .. }) => (None, true),
        Err(error) => return Err(error),
    };
    let in_use = lock::use_store(&layout, lock_file)?;
    open::check_folders(&layout, is_writable)?;
    // A seed that became a store has none, and anybody may delete it.
    if is_writable && let Err(error) = open::make_folder(&layout.partial()) {
        tracing::trace!(%error, "the folder for downloads is not made");
    }
    Ok(Overlay::new(layout, is_writable, in_use))
}

fn create_here(layout: &Layout) -> Result<(), StoreError> {
    create(layout).map_err(|error| match error {
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
