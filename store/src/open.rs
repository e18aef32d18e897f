//! How the store opens what lies in it: plain files and plain folders, and nothing that a link leads to.
//!
//! Whoever can write in a store (another user, a build on the same mount, an archive that was unpacked there) can put a symbolic link, a hard link, a pipe or a
//! device under any name. So nothing in a store is opened by following a link or by waiting for the other end of a pipe; what is read whole has a bound; and what is
//! written in place has no other name. A file that is only read may have more names than one: views link to blobs, and backups link to everything.
//!
//! The store's own folder may be a link: its user named it.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{
    error::{At as _, StoreError},
    layout::{ASIDE, Layout, is_hex},
    unfit::Unfit,
};

/// How many names a file may have that is opened to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// One: it is written in place.
    One,
    /// Any number: it is only locked.
    Any,
}

/// Opens a plain file to read it.
pub(crate) fn to_read(path: &Path) -> io::Result<(File, Metadata)> {
    opened(path, without_following(path), Names::Any)
}

/// Opens whatever is there to read it, unless it is a link; never waits. For who reads a bounded number of bytes at an offset, which only plain files give.
pub(crate) fn without_following(path: &Path) -> io::Result<File> {
    options().read(true).open(path)
}

/// The bytes of a plain file of at most `most` bytes.
pub(crate) fn read_whole(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = to_read(path)?;
    read_opened(file, &metadata, most)
}

/// The bytes of a file that [`to_read`] has opened.
pub(crate) fn read_opened(file: File, metadata: &Metadata, most: u64) -> io::Result<Vec<u8>> {
    if metadata.len() > most {
        return Err(Unfit::Long(most).into_io());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a plain file to read and write it, making it if it is missing.
pub(crate) fn to_write(path: &Path, names: Names) -> io::Result<(File, Metadata)> {
    opened(path, options().read(true).write(true).create(true).truncate(false).open(path), names)
}

/// The same for a file that all users of the store write. What else has its name is moved out of the way.
pub(crate) fn shared(layout: &Layout, path: &Path, names: Names) -> Result<File, StoreError> {
    let existing = || opened(path, options().read(true).write(true).open(path), names);
    for _ in 0..CLEARINGS {
        match existing() {
            Ok((file, _)) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = to_write(path, names).at("open", path)?.0;
                share_with_parent(path, &made);
                return Ok(made);
            }
            Err(error) if Unfit::in_error(&error).is_some() => clear(layout, path)?,
            Err(error) => return Err(StoreError::io("open", path, error)),
        }
    }
    existing().map(|(file, _)| file).at("open", path)
}

/// How often something is cleared away before it counts as put there on purpose, each time.
pub(crate) const CLEARINGS: u32 = 8;

/// Opens a folder, for a lock on it.
pub(crate) fn folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| unfit_folder(path).ok().flatten().map_or(error, Unfit::into_io))
}

/// Whether there is a plain file.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Makes a folder of the store, and those above it. Where all may write in the one above it, all may write in it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let make = || match fs::create_dir(path) {
        Ok(()) => {
            share_folder(path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            unfit_folder(path)?.map_or(Ok(()), |unfit| Err(unfit.into_io()))
        }
        Err(error) => Err(error),
    };
    match (make(), path.parent()) {
        (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(above)?;
            make()
        }
        (other, _) => other,
    }
}

/// Takes the name from whatever has it. What a link leads to stays; a folder with something in it, and a file in place of a folder, go to `damaged/`.
pub(crate) fn clear(layout: &Layout, path: &Path) -> Result<(), StoreError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        looked => looked.at("look at", path)?,
    };
    tracing::warn!(path = %path.display(), "what lies there is none of the store's, and is moved out of the way");
    let is_kept = metadata.is_file() && metadata.nlink() == 1 || metadata.is_dir() && fs::remove_dir(path).is_err();
    let cleared = if is_kept {
        set_aside(layout, path)
    } else if metadata.is_dir() {
        Ok(())
    } else {
        fs::remove_file(path)
    };
    match cleared {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared.at("remove", path),
    }
}

fn set_aside(layout: &Layout, path: &Path) -> io::Result<()> {
    let damaged = layout.damaged();
    make_folder(&damaged)?;
    let place = tempfile::Builder::new().prefix(ASIDE).tempdir_in(damaged)?.keep();
    fs::rename(path, place.join(path.file_name().unwrap_or(path.as_os_str())))
}

/// Refuses a store whose blobs or receipts are elsewhere. In one that can be written, folders of what can be lost are made anew.
pub(crate) fn check_folders(layout: &Layout, is_writable: bool) -> Result<(), StoreError> {
    for folder in [layout.blobs(), layout.receipts()] {
        let unfit = unfit_folder(&folder).at("look at", &folder)?;
        refuse(unfit, &folder)?;
        let shards = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            listed => listed.at("list", &folder)?,
        };
        for shard in shards {
            let shard = shard.at("list", &folder)?;
            // Where the system lists kinds with the names, this asks for nothing more.
            let kind = shard.file_type().at("look at", &folder)?;
            if !kind.is_dir() && is_hex(shard.file_name().as_encoded_bytes(), 2) {
                refuse(Some(Unfit::of(kind).unwrap_or(Unfit::File)), &shard.path())?;
            }
        }
    }
    if is_writable {
        for folder in [layout.damaged(), layout.partial(), layout.lookup_cache(), layout.all_gone(), layout.all_rows()]
        {
            if unfit_folder(&folder).at("look at", &folder)?.is_some() {
                clear(layout, &folder)?;
            }
        }
    }
    Ok(())
}

/// What of a database's folder is not its own: a link, a pipe, a file that is another one too. It opens its files itself, and follows.
pub(crate) fn unfit_in(database: &Path) -> io::Result<Option<(PathBuf, Unfit)>> {
    if let Some(unfit) = unfit_folder(database)? {
        return Ok(Some((database.to_owned(), unfit)));
    }
    let mut folders = vec![database.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            listed => listed?,
        };
        for entry in entries {
            let path = entry?.path();
            let metadata = match fs::symlink_metadata(&path) {
                // Its own process removes old files.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                looked => looked?,
            };
            if metadata.is_dir() && folder == database {
                folders.push(path);
            } else if let Some(unfit) = unfit(&metadata, Names::One) {
                return Ok(Some((path, unfit)));
            }
        }
    }
    Ok(None)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    options
}

fn opened(path: &Path, opened: io::Result<File>, names: Names) -> io::Result<(File, Metadata)> {
    // The systems say different things of links, of sockets, and of folders that are to be written.
    let file = opened.map_err(|error| {
        let unfit = fs::symlink_metadata(path).ok().and_then(|metadata| Unfit::of(metadata.file_type()));
        unfit.map_or(error, Unfit::into_io)
    })?;
    let metadata = file.metadata()?;
    match unfit(&metadata, names) {
        None => Ok((file, metadata)),
        Some(unfit) => Err(unfit.into_io()),
    }
}

fn unfit(metadata: &Metadata, names: Names) -> Option<Unfit> {
    let other_name = (names == Names::One && metadata.nlink() > 1).then_some(Unfit::HardLink);
    Unfit::of(metadata.file_type()).or(other_name)
}

/// What has a folder's name and is none. Nothing has it where nothing is.
fn unfit_folder(path: &Path) -> io::Result<Option<Unfit>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(None),
        Ok(metadata) => Ok(Some(Unfit::of(metadata.file_type()).unwrap_or(Unfit::File))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn refuse(unfit: Option<Unfit>, path: &Path) -> Result<(), StoreError> {
    unfit.map_or(Ok(()), |unfit| Err(StoreError::Unfit { path: path.to_owned(), unfit }))
}

/// The rights to write that others than its owner have in a folder.
const OTHERS_WRITE: u32 = 0o022;

/// Lets those write a new file who may write in its folder, whatever the umask of who made it. A failure leaves it to its owner.
fn share_with_parent(path: &Path, file: &File) {
    let mode = path.parent().and_then(|folder| fs::metadata(folder).ok()).map_or(0, |folder| folder.mode());
    if mode & OTHERS_WRITE != 0
        && let Err(error) = file.set_permissions(Permissions::from_mode(mode & 0o666))
    {
        tracing::debug!(path = %path.display(), %error, "only its owner can write it");
    }
}

fn share_folder(path: &Path) {
    let mode = path.parent().and_then(|folder| fs::metadata(folder).ok()).map_or(0, |folder| folder.mode());
    if mode & OTHERS_WRITE != 0
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))
    {
        tracing::debug!(path = %path.display(), %error, "only its owner can write in it");
    }
}
