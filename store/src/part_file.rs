//! The file of a download: `partial/<key>.part`, under a lock that one holds at a time, in all processes that use the store.

use std::{
    fs::{File, Permissions},
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use crate::{
    error::{At as _, StoreError},
    layout::is_of_download,
    lock,
    open::{self, Names},
    unfit::Unfit,
    writable::Writable,
};

/// After this long, nobody is expected to go on with a download that broke.
const ABANDONED: Duration = Duration::from_hours(7 * 24);
/// How often a file may lose its name while it is taken, or something else have it, before it counts as somebody else's.
const TRIES: u32 = 100;

/// A `.part`, locked as long as it is open. Dropped without a byte in it, it goes.
#[derive(Debug)]
pub(crate) struct PartFile {
    file: File,
    path: PathBuf,
    /// Device and number: which file it is.
    identity: (u64, u64),
}

/// Why a `.part` cannot be locked.
enum Refused {
    /// Something else has its name.
    Unfit,
    /// It is another user's, who may be at it: locked, to find out.
    OthersFile(Option<File>),
    Io(io::Error),
}

impl PartFile {
    /// Locks the file of that name, making it if it is missing; `None` if somebody has it.
    ///
    /// What else has its name is moved out of the way, and so is a file that another user has left: its mode could not be set when it becomes a blob.
    pub(crate) fn take(store: Writable<'_>, path: &Path) -> Result<Option<Self>, StoreError> {
        for _ in 0..TRIES {
            let (file, identity) = match open_part(path) {
                Ok(opened) => opened,
                Err(Refused::Unfit) => {
                    open::clear(store.layout(), path)?;
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
                // Anybody may delete `partial/` at any time.
                Err(Refused::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    let folder = store.layout().partial();
                    open::make_folder(&folder).at("create", &folder)?;
                    continue;
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

impl Deref for PartFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl DerefMut for PartFile {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Drop for PartFile {
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

/// Deletes the downloads that broke off whose `.part` has not been modified for 7 days.
pub(crate) fn remove_abandoned(store: Writable<'_>) {
    let Ok(entries) = std::fs::read_dir(store.layout().partial()) else { return };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    for path in paths.filter(|path| is_part(path) && is_older_than(path, ABANDONED)) {
        if let Ok(Some(_lock)) = PartFile::take(store, &path) {
            remove(&path.with_extension("json"));
            remove(&path);
        }
    }
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "part") && path.file_name().is_some_and(is_of_download)
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let changed = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > age))
}
