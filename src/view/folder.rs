//! Writing a view: built beside its folder, then swapped with it, so that whoever looks sees the old view or the new one and nothing between.
//!
//! ```text
//! DIR                      the view; `.larder-view` in it says that it is one, and names its files
//! .DIR.larder-<random>     the next one being built, then the old one being removed
//! ```
//!
//! What larder did not write is never removed: a view with somebody's files in it is left as it is. What was copied or made is on the disk before it is in place.
//! A view is derived and may be removed at any time. What did not change since the last time is linked from the old view to the new one, after its bytes
//! were compared; a view in which nothing changed is left alone. Modes do not depend on the umask: folders and programs 0755, blobs 0444, other files 0644.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsString,
    fs::{self, File, Metadata, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use larder_store::{
    Store, StoreError, barrier, blob,
    look_up::Found,
    place::{Placed, Placer},
    wait::{Patience, wait_for},
};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

pub use super::error::ViewError;
use super::{carry, guard};
use crate::core::scratch::Scratch;
pub use crate::core::view_marker::MARKER;
use crate::core::{
    layout::{Content, Layout},
    view_marker::{self, Marker},
};

const FOLDER_MODE: u32 = 0o755;
const BYTES_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;
/// How long another larder may write a view beside this one: across filesystems it copies gigabytes.
const TURN_PATIENCE: Patience = Patience::up_to(Duration::from_mins(10));

/// How a view came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Files of the view, the one that says what it is not counted.
    pub files: usize,
    /// Of these, files that were there already.
    pub kept: usize,
    /// Files that share their bytes with the store.
    pub shared: usize,
    /// Files whose bytes were copied or made.
    pub written: usize,
}

trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, ViewError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, ViewError> {
        self.map_err(|source| ViewError::Io { action, path: path.to_owned(), source })
    }
}

/// Makes `target` a view of this kind with these files. `is_stopped` is asked before each of them. Of several that make one view, each waits for the one
/// before.
pub fn publish(
    store: &Store,
    mut layout: Layout,
    kind: &str,
    target: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Published, ViewError> {
    layout.insert(MARKER.to_owned(), Content::Bytes(view_marker::text(kind, &layout)));
    guard::keep_off_the_store(store, target)?;
    let place = Place::of(target)?;
    // Held until the two have changed places: what is compared in the old view must be what is linked from it.
    let _turn = place.take_turn()?;
    let old = Old::read(store, &place, kind)?;
    let here: Vec<Here> = layout.files().map(|(path, content)| old.here(path, content)).collect();
    let same = layout.files().zip(&here).filter(|(_, here)| **here != Here::Other);
    old.refuse_foreign(&same.map(|((path, _), _)| path).collect())?;
    let kept: Vec<bool> = here.iter().map(|here| *here == Here::Same).collect();
    let mut published = Published { files: layout.files().len() - 1, ..Published::default() };
    if kept.iter().all(|kept| *kept) && old.has_nothing_but(&layout) {
        published.kept = published.files;
        return Ok(published);
    }
    let mut scratch = Scratch::new(&place.parent, &place.prefix()).at("make a folder in", &place.parent)?;
    let written = write(store, &layout, &kept, &old, scratch.path(), &mut published, is_stopped)?;
    set_mode(scratch.path(), FOLDER_MODE)?;
    settle(scratch.path(), &written).at("sync", scratch.path())?;
    old.name_files()?;
    scratch.unmark().at("rename", scratch.path())?;
    carry::between(&old.root, scratch.path(), &old.carried).at("keep what is in", &old.root)?;
    if let Err(error) = place.swap(scratch.path(), old.exists) {
        carry::between(scratch.path(), &old.root, &old.carried).at("put back what was in", &old.root)?;
        return Err(error);
    }
    let aside = scratch.path().to_owned();
    match scratch.remove() {
        Ok(false) => return Err(ViewError::LeftOver { path: place.target, aside }),
        Ok(true) => {}
        Err(error) => tracing::debug!(path = %aside.display(), %error, "an old view stays until the next one"),
    }
    Ok(published)
}

/// Returns when these files are on the disk. After a power loss a view that is in place would else have the right names and lengths, and other bytes. Names of the
/// store's own files need none: those are on the disk, and a journal has the names of both before it has the view's.
fn settle(root: &Path, written: &[PathBuf]) -> io::Result<()> {
    match written {
        [] => Ok(()),
        // One file's does not wait for what others write to the filesystem.
        [one] => File::open(one)?.sync_all(),
        many => barrier::wait(root, many.iter().map(PathBuf::as_path)),
    }
}

/// Where a view goes.
struct Place {
    parent: PathBuf,
    name: String,
    target: PathBuf,
}

impl Place {
    /// Links are followed, and the folder above is made if it is missing.
    fn of(target: &Path) -> Result<Self, ViewError> {
        let target = match target.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(target).at("find", target)?,
            Err(error) => return Err(error).at("find", target),
        };
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(ViewError::NoName { path: target });
        };
        fs::create_dir_all(parent).at("create", parent)?;
        let place = Self { parent: parent.to_owned(), name: name.to_string_lossy().into_owned(), target };
        if place.is_elsewhere() { Err(ViewError::MountPoint { path: place.target }) } else { Ok(place) }
    }

    /// Whether another filesystem begins here.
    fn is_elsewhere(&self) -> bool {
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        device(&self.target).is_some_and(|target| device(&self.parent) != Some(target))
    }

    /// A lock on the folder above; where there are none, two that make the same view at once may disturb each other.
    fn take_turn(&self) -> Result<Option<File>, ViewError> {
        let Ok(folder) = File::open(&self.parent) else { return Ok(None) };
        let is_locked = wait_for(&self.parent, TURN_PATIENCE, || match folder.try_lock() {
            Ok(()) => Ok(Some(true)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "the folder above a view cannot be locked");
                Ok(Some(false))
            }
        });
        match is_locked {
            Ok(is_locked) => Ok(is_locked.then_some(folder)),
            Err(StoreError::Interrupted) => Err(ViewError::Interrupted),
            Err(error) => Err(error.into()),
        }
    }

    fn prefix(&self) -> String {
        format!(".{}.larder-", self.name)
    }

    /// Puts the new view in place of the old one, which is then where the new one was built.
    fn swap(&self, new: &Path, exists: bool) -> Result<(), ViewError> {
        let in_place = if exists {
            renameat_with(CWD, new, CWD, &self.target, RenameFlags::EXCHANGE)
        } else {
            renameat_with(CWD, new, CWD, &self.target, RenameFlags::empty())
        };
        match in_place {
            Ok(()) => Ok(()),
            Err(Errno::BUSY) => Err(ViewError::MountPoint { path: self.target.clone() }),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if exists => self.swap_in_two_steps(new),
            // An overlay does not rename folders of its lower layers, such as those of an earlier step of a Docker build. It removes them.
            Err(Errno::XDEV) if exists => {
                view_marker::remove(&self.target).at("remove", &self.target)?;
                fs::rename(new, &self.target).at("rename", new)
            }
            Err(error) => Err(io::Error::from(error)).at("rename", new),
        }
    }

    /// For a filesystem that cannot exchange two names: for a moment there is no view.
    fn swap_in_two_steps(&self, new: &Path) -> Result<(), ViewError> {
        let mut aside = Scratch::new(&self.parent, &self.prefix()).at("make a folder in", &self.parent)?;
        aside.unmark().at("rename", aside.path())?;
        // The empty folder gives its name to the old view, and goes with it.
        fs::rename(&self.target, aside.path()).at("rename", &self.target)?;
        fs::rename(new, &self.target)
            .or_else(|error| {
                fs::rename(aside.path(), &self.target)?;
                Err(error)
            })
            .at("rename", new)
    }
}

/// What is at a file's place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    /// This very file.
    Same,
    /// Its bytes, with another mode: a package manager may have put it there.
    SameBytes,
    /// Nothing, or something else.
    Other,
}

/// What is at the view's place now.
struct Old<'a> {
    store: &'a Store,
    root: PathBuf,
    exists: bool,
    marker: Option<Marker>,
    entries: BTreeMap<String, Metadata>,
    /// What install scripts keep in npm's cache, which goes over to the new view as it is: entries of the folder itself.
    carried: Vec<OsString>,
}

impl<'a> Old<'a> {
    fn read(store: &'a Store, place: &Place, kind: &str) -> Result<Self, ViewError> {
        let root = place.target.clone();
        let (mut entries, mut marker, mut carried) = (BTreeMap::new(), None, Vec::new());
        let exists = match fs::symlink_metadata(&root) {
            Ok(metadata) if metadata.is_dir() => true,
            Ok(_) => return Err(ViewError::NotAFolder { path: root }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).at("look at", &root),
        };
        if exists {
            // Somebody's folder may be the whole disk: it is not walked to find out.
            let is_empty = fs::read_dir(&root).at("list", &root)?.next().is_none();
            marker = Marker::read(&root).at("read the mark of", &root)?;
            if !is_empty && marker.is_none() {
                return Err(ViewError::NotAView { path: root });
            }
            if marker.as_ref().is_some_and(|marker| marker.is_npm_cache() && marker.is_of(kind)) {
                carried = carry::names(&root).at("list", &root)?;
            }
            walk(&root, "", &carried, &mut entries)?;
        }
        Ok(Self { store, root, exists, marker, entries, carried })
    }

    /// Stops where there is something that larder did not write. The bytes of `same` files are those of the new view.
    fn refuse_foreign(&self, same: &HashSet<&str>) -> Result<(), ViewError> {
        let Some(marker) = &self.marker else { return Ok(()) };
        let files = self.entries.iter().filter(|(_, metadata)| !metadata.is_dir());
        let foreign = files.filter(|(path, metadata)| !same.contains(path.as_str()) && !marker.covers(path, metadata));
        let files: Vec<String> = foreign.map(|(path, _)| path.clone()).collect();
        let path = self.root.clone();
        match files.is_empty() {
            true => Ok(()),
            false if marker.names_nothing() => Err(ViewError::Unnamed { path, files }),
            false => Err(ViewError::Foreign { path, files }),
        }
    }

    /// Has the mark of an old view name its files if it does not name all, so that they can be told from others when they are removed.
    fn name_files(&self) -> Result<(), ViewError> {
        let is_unnamed = |marker: &&Marker| {
            let mut files = self.entries.iter().filter(|(_, metadata)| metadata.is_file());
            marker.names_nothing() || files.any(|(path, metadata)| !marker.covers(path, metadata))
        };
        let Some(marker) = self.marker.as_ref().filter(is_unnamed) else { return Ok(()) };
        let files = self.entries.iter().filter(|(_, metadata)| metadata.is_file());
        let named = files.map(|(path, metadata)| (path.as_str(), metadata.len()));
        marker.renew(&self.root, named).at("write the mark of", &self.root)
    }

    /// Whether there is this very file: its bytes are compared, since nothing keeps a view from being changed.
    fn here(&self, path: &str, content: &Content) -> Here {
        let Some(metadata) = self.entries.get(path).filter(|metadata| metadata.is_file()) else { return Here::Other };
        let file = self.root.join(path);
        let (has_bytes, mode) = match content {
            Content::Blob(found) => (metadata.len() == found.size && self.is_blob(found, &file, metadata), blob::MODE),
            Content::Bytes(bytes) | Content::Program(bytes) => {
                let has_len = metadata.len() == bytes.len() as u64;
                (has_len && fs::read(&file).is_ok_and(|there| there == *bytes), mode_of_bytes(content))
            }
        };
        match metadata.permissions().mode() & 0o7777 == mode {
            _ if !has_bytes => Here::Other,
            true => Here::Same,
            false => Here::SameBytes,
        }
    }

    fn is_blob(&self, found: &Found, file: &Path, metadata: &Metadata) -> bool {
        let blob = fs::symlink_metadata(self.store.blob_path(&found.blob));
        blob.is_ok_and(|blob| (blob.dev(), blob.ino()) == (metadata.dev(), metadata.ino()))
            || blob::id_of_file(file).is_ok_and(|id| id == found.blob)
    }

    fn has_nothing_but(&self, layout: &Layout) -> bool {
        let folders = layout.folders();
        let root_mode = fs::metadata(&self.root).map(|metadata| metadata.permissions().mode() & 0o7777);
        root_mode.is_ok_and(|mode| mode == FOLDER_MODE)
            && self.entries.iter().all(|(path, metadata)| {
                if metadata.is_dir() {
                    folders.contains(&**path) && metadata.permissions().mode() & 0o7777 == FOLDER_MODE
                } else {
                    layout.get(path).is_some()
                }
            })
    }
}

/// Everything below, but for these entries of the folder itself.
fn walk(
    root: &Path,
    below: &str,
    passed: &[OsString],
    entries: &mut BTreeMap<String, Metadata>,
) -> Result<(), ViewError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).at("list", &folder)? {
        let entry = entry.at("list", &folder)?;
        if passed.contains(&entry.file_name()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let metadata = entry.metadata().at("look at", &entry.path())?;
        let is_dir = metadata.is_dir();
        entries.insert(path.clone(), metadata);
        if is_dir {
            walk(root, &path, &[], entries)?;
        }
    }
    Ok(())
}

/// Gives the files whose bytes were copied or made.
fn write(
    store: &Store,
    layout: &Layout,
    kept: &[bool],
    old: &Old<'_>,
    root: &Path,
    published: &mut Published,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, ViewError> {
    make_folders(layout, root, |folder| set_mode(folder, FOLDER_MODE))?;
    let placer = Placer::new(store);
    let mut written = Vec::new();
    for ((path, content), kept) in layout.files().zip(kept) {
        stop_if(is_stopped)?;
        let target = root.join(path);
        if *kept && fs::hard_link(old.root.join(path), &target).is_ok() {
            published.kept += usize::from(path != MARKER);
            continue;
        }
        match content {
            Content::Blob(found) => match placer.place(&found.blob, &target).map_err(view_error)? {
                Placed::Copy => {
                    published.written += 1;
                    written.push(target);
                }
                Placed::Reflink | Placed::HardLink => published.shared += 1,
            },
            Content::Bytes(bytes) | Content::Program(bytes) => {
                fs::write(&target, bytes).at("write", &target)?;
                set_mode(&target, mode_of_bytes(content))?;
                published.written += usize::from(path != MARKER);
                written.push(target);
            }
        }
    }
    Ok(written)
}

const fn mode_of_bytes(content: &Content) -> u32 {
    if matches!(content, Content::Program(_)) { PROGRAM_MODE } else { BYTES_MODE }
}

fn stop_if(is_stopped: &dyn Fn() -> bool) -> Result<(), ViewError> {
    if is_stopped() { Err(ViewError::Interrupted) } else { Ok(()) }
}

/// The disk that is full is the view's, not the store's.
fn view_error(error: StoreError) -> ViewError {
    match error {
        StoreError::DiskFull { path, source } => ViewError::Io { action: "write", path, source },
        error => error.into(),
    }
}

/// Writes a layout for one process and a while: blobs are symbolic links to the store's files, whatever filesystem each is on. `is_stopped` is asked before
/// each.
pub fn write_links(
    store: &Store,
    layout: &Layout,
    root: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), ViewError> {
    make_folders(layout, root, |_| Ok(()))?;
    for (path, content) in layout.files() {
        stop_if(is_stopped)?;
        let target = root.join(path);
        match content {
            Content::Blob(found) => {
                std::os::unix::fs::symlink(store.blob_path(&found.blob), &target).at("link", &target)?;
            }
            Content::Bytes(bytes) | Content::Program(bytes) => fs::write(&target, bytes).at("write", &target)?,
        }
    }
    Ok(())
}

fn make_folders(
    layout: &Layout,
    root: &Path,
    finish: impl Fn(&Path) -> Result<(), ViewError>,
) -> Result<(), ViewError> {
    for folder in layout.folders() {
        let folder = root.join(folder);
        fs::create_dir(&folder).at("create", &folder)?;
        finish(&folder)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ViewError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).at("set the mode of", path)
}

#[cfg(test)]
mod tests;
