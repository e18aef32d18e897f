//! The right to download a file: a lock on `partial/<key>.part`, held by one at a time, in all processes that use the store.

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    blob,
    digest::{BlobId, Digests, Integrity},
    error::{At as _, StoreError},
    journal,
    layout::Layout,
    lock,
    look_up::{Found, LookUp, Wanted},
    part::{self, Part},
    receipt::{Origin, Receipt},
    store::Store,
};

/// After this long, nobody is expected to go on with a download that broke.
const ABANDONED: Duration = Duration::from_hours(7 * 24);

/// Whose a download is.
#[derive(Debug)]
pub enum Claimed {
    /// Nobody's any more: the blob is here.
    Here(Found),
    /// Somebody else's, in this process or another: ask again later.
    Busy,
    /// The caller's.
    Yours(Box<Part>),
}

impl LookUp {
    /// Asks for the right to download what is wanted. `integrity` is what its bytes must agree with, if that is known by now;
    /// `origins` are noted in its receipt.
    ///
    /// A blob that another run has published meanwhile, or was killed while publishing, is found here; and so is one of another lockfile's package, where it is
    /// `integrity` alone that says what the bytes are.
    pub fn claim(
        &self,
        wanted: &Wanted,
        integrity: Option<&Integrity>,
        origins: impl Into<Arc<[Origin]>>,
    ) -> Result<Claimed, StoreError> {
        let origins = origins.into();
        if !self.store.is_writable() {
            return Err(StoreError::ReadOnly { root: self.store.root().to_owned() });
        }
        let keys = wanted.keys();
        let key = keys.first().expect("what is wanted has a key").hash();
        let path = self.store.layout().part_of(&key);
        let Some(file) = LockedFile::take(&path)? else { return Ok(Claimed::Busy) };
        let integrity = match wanted {
            Wanted::Integrity(integrity) => Some(integrity),
            Wanted::Identity(_) => integrity,
        };
        self.refresh()?;
        let mut found = self.find(wanted);
        if found.is_none()
            && let Some(blob) = self.journaled(&key)
        {
            found = adopt(&self.store, blob, integrity, &origins)?;
        }
        // The lockfile's own digest is in every receipt, or was looked for before.
        if found.is_none()
            && matches!(wanted, Wanted::Identity(_))
            && self.recorded(wanted).is_none()
            && let Some(integrity) = integrity
        {
            found = self.store.find_namesake(&origins, integrity);
        }
        if let Some(found) = found {
            // Made by this look, unless an earlier run left it: nobody needs it.
            remove(&path.with_extension("json"));
            remove(&path);
            return Ok(Claimed::Here(found));
        }
        let recorded = match wanted {
            // With the lockfile's own digest, the record of an earlier fetch adds nothing.
            Wanted::Integrity(_) => None,
            Wanted::Identity(_) => self.recorded(wanted),
        };
        let part = Part::new(path, key, file, integrity.cloned(), recorded, origins);
        Ok(Claimed::Yours(Box::new(part)))
    }
}

/// A `.part`, locked as long as it is open. Dropped without a byte in it, it goes.
#[derive(Debug)]
pub(crate) struct LockedFile {
    file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Locks the file of that name, making it if it is missing; `None` if somebody has it.
    fn take(path: &Path) -> Result<Option<Self>, StoreError> {
        loop {
            let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
            let open = open().or_else(|error| match error.kind() {
                // Another program has changed its mode.
                io::ErrorKind::PermissionDenied => {
                    std::fs::set_permissions(path, Permissions::from_mode(0o644))?;
                    open()
                }
                _ => Err(error),
            });
            let file = open.at("open", path)?;
            if !lock::try_exclusive(&file, path)? {
                return Ok(None);
            }
            let locked = Self { file, path: path.to_owned() };
            // Whoever held it may have published or removed it after this process opened it: then the lock is on another name, or none.
            if locked.has_its_name() {
                return Ok(Some(locked));
            }
        }
    }

    fn has_its_name(&self) -> bool {
        let named = std::fs::metadata(&self.path);
        named.is_ok_and(|named| {
            self.file.metadata().is_ok_and(|ours| (named.dev(), named.ino()) == (ours.dev(), ours.ino()))
        })
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl DerefMut for LockedFile {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() == 0) && self.has_its_name() {
            remove(&self.path.with_extension("json"));
            remove(&self.path);
        }
    }
}

pub(crate) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(path = %path.display(), %error, "a file of a download that ended stays");
    }
}

/// The blob that a journal names, if it is whole: published by a run that was killed before its receipt.
fn adopt(
    store: &Store,
    blob: BlobId,
    integrity: Option<&Integrity>,
    origins: &[Origin],
) -> Result<Option<Found>, StoreError> {
    let layout = store.layout();
    let path = layout.blob(&blob);
    if !path.exists() {
        return Ok(None);
    }
    let digests = blob::hash_file(&path, part::algorithms(integrity))?;
    if digests.blob != blob || integrity.is_some_and(|integrity| !integrity.agrees_with(&digests.digests)) {
        tracing::debug!(path = %path.display(), "a blob of a run that was killed is not whole: it is fetched again");
        return Ok(None);
    }
    blob::protect(&path)?;
    journal::supplement(layout, receipt_of(&digests, origins.to_vec()))?;
    Ok(Some(Found { blob, size: digests.len }))
}

pub(crate) fn receipt_of(digests: &Digests, mut origins: Vec<Origin>) -> Receipt {
    origins.sort();
    origins.dedup();
    Receipt {
        blob: digests.blob,
        size: digests.len,
        digests: Integrity::new(digests.digests.iter().copied()).expect("sha512 is always computed"),
        origins,
        fetched: Some(now_to_the_second()),
    }
}

fn now_to_the_second() -> jiff::Timestamp {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("now is a time")
}

/// Removes downloads that broke off and that nobody went on with for a week.
pub(crate) fn remove_abandoned(layout: &Layout) {
    let Ok(entries) = std::fs::read_dir(layout.partial()) else { return };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    for path in paths.filter(|path| is_part(path) && is_older_than(path, ABANDONED)) {
        if let Ok(Some(_lock)) = LockedFile::take(&path) {
            remove(&path.with_extension("json"));
            remove(&path);
        }
    }
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "part")
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > age))
}
