//! Publishes a view atomically: builds it beside its folder and then swaps the two. A reader sees the old view or the new one, and never a mixture.
//!
//! ```text
//! DIR                      the view; `.larder-view` in it says that it is one, and names its files
//! .DIR.larder-<random>     the next one being built, then the old one being removed
//!
//! target.rs      where the view goes, its lock, and the swap
//! old_view.rs    the view that is replaced: which files can be linked from it, and which are not larder's
//! modes.rs       the files' modes, whatever the umask is
//! ```
//!
//! larder never deletes a file that it did not write. A view with foreign files is left as it is; files that are added to the old view during the swap stay in the
//! folder where it would be deleted. Copied and generated files are synced to disk before the swap: with one `syncfs` of the view's filesystem, or with one `fsync` if
//! all files but the marker are links to the store's files. An unchanged file is linked from the old view after its bytes were compared. So a damaged view is repaired,
//! and an unchanged one is left alone. Modes do not depend on the umask: folders and programs 0755, blobs 0444, other files 0644.

mod modes;
mod old_view;
mod target;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use larder_store::{
    Store, StoreError, barrier,
    link::{Linked, Linker},
};

use self::{
    modes::{FOLDER_MODE, mode_of_bytes, set_mode},
    old_view::{Existing, OldView},
    target::Target,
};
use super::{error::ViewError, protected, script_downloads};
use crate::core::{
    layout::{Content, Layout},
    path_error::{AtPath as _, PathError},
    scratch::Scratch,
    view_marker::{self, MARKER},
};

/// How a view was written.
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
    protected::refuse_store(store, target)?;
    let target = Target::of(target)?;
    // Held until the two have changed places: what is compared in the old view must be what is linked from it.
    let _turn = target.take_turn()?;
    let old = OldView::read(store, &target, kind)?;
    let existing: Vec<Existing> = layout.files().map(|(path, content)| old.existing(path, content)).collect();
    let same = layout.files().zip(&existing).filter(|(_, existing)| **existing != Existing::Other);
    old.refuse_foreign(&same.map(|((path, _), _)| path).collect())?;
    let kept: Vec<bool> = existing.iter().map(|existing| *existing == Existing::Same).collect();
    let mut published = Published { files: layout.files().len() - 1, ..Published::default() };
    if kept.iter().all(|kept| *kept) && old.has_nothing_but(&layout) {
        published.kept = published.files;
        return Ok(published);
    }
    let mut scratch = Scratch::new(&target.parent, &target.prefix()).at("make a folder in", &target.parent)?;
    let written = write(store, &layout, &kept, &old, scratch.path(), &mut published, is_stopped)?;
    set_mode(scratch.path(), FOLDER_MODE)?;
    settle(scratch.path(), &written).at("sync", scratch.path())?;
    old.name_files()?;
    scratch.unmark().at("rename", scratch.path())?;
    script_downloads::move_entries(&old.root, scratch.path(), &old.script_downloads)
        .at("keep what is in", &old.root)?;
    if let Err(error) = target.swap(scratch.path(), old.exists) {
        script_downloads::move_entries(scratch.path(), &old.root, &old.script_downloads)
            .at("put back what was in", &old.root)?;
        return Err(error);
    }
    let aside = scratch.path().to_owned();
    match scratch.remove() {
        Ok(false) => return Err(ViewError::LeftOver { path: target.path, aside }),
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

/// Writes the files of a view. Returns those whose bytes were copied or made.
fn write(
    store: &Store,
    layout: &Layout,
    kept: &[bool],
    old: &OldView<'_>,
    root: &Path,
    published: &mut Published,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, ViewError> {
    make_folders(layout, root, |folder| set_mode(folder, FOLDER_MODE))?;
    let linker = Linker::new(store);
    let mut written = Vec::new();
    for ((path, content), kept) in layout.files().zip(kept) {
        stop_if(is_stopped)?;
        let target = root.join(path);
        if *kept && fs::hard_link(old.root.join(path), &target).is_ok() {
            published.kept += usize::from(path != MARKER);
            continue;
        }
        match content {
            Content::Blob(found) => match linker.link(&found.blob, &target).map_err(view_error)? {
                Linked::Copy => {
                    published.written += 1;
                    written.push(target);
                }
                Linked::Reflink | Linked::HardLink => published.shared += 1,
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

fn stop_if(is_stopped: &dyn Fn() -> bool) -> Result<(), ViewError> {
    if is_stopped() { Err(ViewError::Interrupted) } else { Ok(()) }
}

/// The disk that is full is the view's, not the store's.
fn view_error(error: StoreError) -> ViewError {
    match error {
        StoreError::DiskFull { path, source } => PathError { action: "write", path, source }.into(),
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
    finish: impl Fn(&Path) -> Result<(), PathError>,
) -> Result<(), ViewError> {
    for folder in layout.folders() {
        let folder = root.join(folder);
        fs::create_dir(&folder).at("create", &folder)?;
        finish(&folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
