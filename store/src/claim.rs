//! The right to download a file: a lock on `partial/<key>.part`, held by one at a time, in all processes that use the store.

use std::{
    fs::{File, Permissions},
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    blob,
    digest::{BlobId, Digests, Integrity},
    error::StoreError,
    journal,
    layout::Layout,
    lock,
    look_up::{Found, LookUp, Wanted},
    open::{self, Names, Unfit},
    own,
    part::{self, Part},
    receipt::{Origin, Receipt},
    store::Store,
    wait::Stall,
};

/// After this long, nobody is expected to go on with a download that broke.
const ABANDONED: Duration = Duration::from_hours(7 * 24);
/// How often a file may lose its name while it is taken, or something else have it, before it counts as somebody else's.
const TRIES: u32 = 100;

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
        let Some(file) = LockedFile::take(self.store.layout(), &path)? else { return Ok(Claimed::Busy) };
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
        let part = Part::new(self.store.layout(), key, file, integrity.cloned(), recorded, origins);
        Ok(Claimed::Yours(Box::new(part)))
    }
}

impl LookUp {
    /// Watches the download that another process has the right to.
    pub fn stall(&self, wanted: &Wanted) -> Stall {
        let key = wanted.keys().first().expect("what is wanted has a key").hash();
        Stall::of(self.store.layout().part_of(&key))
    }
}

/// A `.part`, locked as long as it is open. Dropped without a byte in it, it goes.
#[derive(Debug)]
pub(crate) struct LockedFile {
    file: File,
    path: PathBuf,
    /// Device and number: which file it is.
    identity: (u64, u64),
}

/// Why a `.part` cannot be had.
enum Refused {
    /// Something else has its name.
    Unfit,
    /// It is another user's, who may be at it: locked, to find out.
    OthersFile(Option<File>),
    Io(io::Error),
}

impl LockedFile {
    /// Locks the file of that name, making it if it is missing; `None` if somebody has it.
    ///
    /// What else has its name is moved out of the way, and so is a file that another user has left: its mode could not be set when it becomes a blob.
    fn take(layout: &Layout, path: &Path) -> Result<Option<Self>, StoreError> {
        for _ in 0..TRIES {
            let (file, identity) = match open_part(path) {
                Ok(opened) => opened,
                Err(Refused::Unfit) => {
                    open::clear(layout, path)?;
                    continue;
                }
                Err(Refused::OthersFile(file)) => {
                    let Some(file) = file else { return Err(StoreError::OtherUser { path: path.to_owned() }) };
                    if !lock::try_exclusive(&file, path)? {
                        return Ok(None);
                    }
                    // Nobody is at it: whoever opened it before waits for this lock, and then sees that it has no name.
                    match std::fs::remove_file(path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            return Err(StoreError::OtherUser { path: path.to_owned() });
                        }
                        _ => continue,
                    }
                }
                Err(Refused::Io(error)) => return Err(StoreError::io("open", path, error)),
            };
            if !lock::try_exclusive(&file, path)? {
                return Ok(None);
            }
            let locked = Self { file, path: path.to_owned(), identity };
            // Whoever held it may have published or removed it after this process opened it: then the lock is on another name, or none.
            if locked.has_its_name() {
                return Ok(Some(locked));
            }
        }
        Ok(None)
    }

    /// Refuses to go on with a file that somebody has removed or replaced.
    pub(crate) fn check_name(&self) -> Result<(), StoreError> {
        if self.has_its_name() {
            return Ok(());
        }
        let error = io::Error::other("something else has that name now: fetch it again");
        Err(StoreError::io("publish", &self.path, error))
    }

    fn has_its_name(&self) -> bool {
        let named = std::fs::symlink_metadata(&self.path);
        named.is_ok_and(|named| (named.dev(), named.ino()) == self.identity)
    }
}

/// Opens the file, making it if it is missing; and says which file it is.
fn open_part(path: &Path) -> Result<(File, (u64, u64)), Refused> {
    let opened = match open::to_write(path, Names::One) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(path)?;
            open::to_write(path, Names::One)
        }
        opened => opened,
    };
    let (file, metadata) = opened.map_err(refused)?;
    if metadata.uid() != own_user() && file.set_permissions(metadata.permissions()).is_err() {
        return Err(Refused::OthersFile(Some(file)));
    }
    Ok((file, (metadata.dev(), metadata.ino())))
}

/// Gives back the right to write a file that a kill has left read-only, or whose mode another program has changed.
fn make_writable(path: &Path) -> Result<(), Refused> {
    let mode = Permissions::from_mode(0o644);
    match open::to_read(path) {
        Ok((file, _)) => file.set_permissions(mode).map_err(|_| Refused::OthersFile(Some(file))),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let metadata = std::fs::symlink_metadata(path).map_err(Refused::Io)?;
            if metadata.uid() != own_user() {
                return Err(Refused::OthersFile(None));
            }
            if !metadata.is_file() || metadata.nlink() > 1 {
                return Err(Refused::Unfit);
            }
            std::fs::set_permissions(path, mode).map_err(Refused::Io)
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: io::Error) -> Refused {
    if Unfit::in_error(&error).is_some() { Refused::Unfit } else { Refused::Io(error) }
}

/// The user that this process acts as.
fn own_user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
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
    let (mut file, _) = match open::to_read(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound || Unfit::in_error(&error).is_some() => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, error)),
    };
    let digests = blob::hash_opened(&mut file, &path, part::algorithms(integrity))?;
    if digests.blob != blob || integrity.is_some_and(|integrity| !integrity.agrees_with(&digests.digests)) {
        tracing::debug!(path = %path.display(), "a blob of a run that was killed is not whole: it is fetched again");
        return Ok(None);
    }
    if let Err(error) = blob::protect(&file, &path) {
        tracing::debug!(%error, "a blob of another user, who could still change it, is fetched again");
        return Ok(None);
    }
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
        if let Ok(Some(_lock)) = LockedFile::take(layout, &path) {
            remove(&path.with_extension("json"));
            remove(&path);
        }
    }
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "part") && path.file_name().is_some_and(own::is_of_download)
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let changed = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > age))
}
