//! Scratch folders: temporary folders that leave nothing behind, even after a kill. A process locks its folder while it uses it; a process that makes a new one deletes
//! the folders that are not locked. A folder is deleted only if its name has the form that is given here, and it is empty or contains a file that states this name. Of
//! an old view, the files that its marker names are deleted.

use std::{
    fs::{File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::core::view_marker;

/// The file that says what the folder is, by the folder's name.
const MARKER: &str = ".larder-scratch";

/// Random letters and digits at the end of each name.
const RANDOM: usize = 12;

/// Names that are tried before the folder counts as unusable.
const TRIES: usize = 16;

/// A folder that is removed with all that is in it when this value goes.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    lock: File,
    /// It was unmarked: what is there now is a view.
    is_view: bool,
}

impl Scratch {
    /// Makes a folder in `parent` whose name begins with `prefix`, readable by its owner alone, and removes those of killed processes beside it.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        sweep(parent, prefix);
        for _ in 0..TRIES {
            let owner_alone = Permissions::from_mode(0o700);
            let mut builder = tempfile::Builder::new();
            let folder = builder.prefix(prefix).rand_bytes(RANDOM).permissions(owner_alone).tempdir_in(parent)?;
            // A sweep may have come in between: then it has the lock, or the folder is gone.
            let lock = match File::open(folder.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            if lock.try_lock().is_ok() && is_named(&lock, folder.path()) {
                std::fs::write(folder.path().join(MARKER), mark_of(folder.path()))?;
                return Ok(Self { path: folder.keep(), lock, is_view: false });
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "every new folder was taken away at once"))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes away the marker that it is one, so that it can become something else. From then on it is a view, if it has a view's marker, and else nobody's: when this
    /// value goes, what the view's marker names is removed.
    pub fn unmark(&mut self) -> io::Result<()> {
        self.is_view = true;
        std::fs::remove_file(self.path.join(MARKER))
    }

    /// Removes what is left of an unmarked one, as far as a view's marker names it. Says whether it is gone.
    pub fn remove(self) -> io::Result<bool> {
        view_marker::remove(&self.path)
    }

    /// Lets the processes that are started from now on keep the folder in use, even if this process is killed.
    pub fn share_with_children(&self) -> io::Result<()> {
        Ok(rustix::io::fcntl_setfd(&self.lock, rustix::io::FdFlags::empty())?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = if self.is_view {
            view_marker::remove(&self.path).map(|_| ())
        } else {
            std::fs::remove_dir_all(&self.path)
        };
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(path = %self.path.display(), %error, "a scratch folder stays until the next sweep");
        }
    }
}

fn is_named(open: &File, path: &Path) -> bool {
    let identity = |metadata: std::io::Result<std::fs::Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
    identity(std::fs::metadata(path)).is_some_and(|named| identity(open.metadata()) == Some(named))
}

/// Removes the folders that nobody has locked. What cannot be removed stays: another user's, most likely.
fn sweep(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || !entry.file_name().to_str().is_some_and(|name| is_name(name, prefix)) {
            continue;
        }
        let Ok(folder) = File::open(&path) else { continue };
        if folder.try_lock().is_err() {
            continue;
        }
        // An empty one was left before its marker was written; an old view, after it had changed places with the new one.
        let removed =
            if is_marked(&path) { std::fs::remove_dir_all(&path) } else { view_marker::remove(&path).map(|_| ()) };
        if let Err(error) = removed {
            tracing::debug!(path = %path.display(), %error, "a folder that a killed process left stays");
        }
    }
}

/// What the marker of a folder says. A marker that was copied elsewhere says nothing of the folder where it is then.
fn mark_of(folder: &Path) -> Vec<u8> {
    let name = folder.file_name().unwrap_or_default().as_encoded_bytes();
    [name, b"\n"].concat()
}

fn is_marked(folder: &Path) -> bool {
    let mark = folder.join(MARKER);
    let expected = mark_of(folder);
    // Looked at first: a link is no marker, and a pipe would be waited for.
    let is_it = |mark: std::fs::Metadata| mark.is_file() && mark.len() == expected.len() as u64;
    mark.symlink_metadata().is_ok_and(is_it) && std::fs::read(&mark).is_ok_and(|bytes| bytes == expected)
}

fn is_name(name: &str, prefix: &str) -> bool {
    let random = name.strip_prefix(prefix).unwrap_or_default();
    random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_goes_with_its_value_and_one_that_is_left_goes_with_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(parent.path()).unwrap().count();
        let left = parent.path().join("larder-run-0123456789ab");
        std::fs::create_dir_all(left.join("a/b")).unwrap();
        std::fs::write(left.join(MARKER), "larder-run-0123456789ab\n").unwrap();
        std::fs::create_dir(parent.path().join("larder-run-empty0123456")).unwrap();
        // Somebody's own: without the marker, with that of another folder, with a view's, or with a name that is not given here.
        let own = ["larder-run-abcdefghijkl", "larder-run-notes", "larder-run-copy01234567", "larder-run-view01234567"]
            .map(|name| parent.path().join(name));
        for folder in &own {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("thesis"), "").unwrap();
        }
        std::fs::write(own[1].join(MARKER), "larder-run-notes\n").unwrap();
        std::fs::write(own[2].join(MARKER), "larder-run-0123456789ab\n").unwrap();
        std::fs::write(own[3].join(view_marker::MARKER), "tarballs\n1 a.tgz\n").unwrap();
        let first = Scratch::new(parent.path(), "larder-run-").unwrap();
        std::fs::write(first.path().join("file"), "").unwrap();
        let second = Scratch::new(parent.path(), "larder-run-").unwrap();
        assert!(!left.exists() && first.path().join("file").exists(), "what is in use stays");
        assert_eq!(std::fs::metadata(second.path()).unwrap().permissions().mode() & 0o777, 0o700);
        drop((first, second));
        assert!(own.iter().all(|folder| folder.join("thesis").exists()), "data is nobody's to remove");
        assert_eq!(names(), own.len(), "they alone are left");
    }
}
