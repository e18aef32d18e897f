//! Folders that are made for a while and leave nothing behind, a kill included: each is locked as long as it is in use, and whoever makes the next one
//! removes those that nobody uses any more.

use std::{
    fs::{File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Names that are tried before the folder counts as unusable.
const TRIES: usize = 16;

/// A folder that is removed with all that is in it when this value goes.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    lock: File,
}

impl Scratch {
    /// Makes a folder in `parent` whose name begins with `prefix`, readable by its owner alone, and removes those of killed processes beside it.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        sweep(parent, prefix);
        for _ in 0..TRIES {
            let owner_alone = Permissions::from_mode(0o700);
            let mut builder = tempfile::Builder::new();
            let folder = builder.prefix(prefix).rand_bytes(12).permissions(owner_alone).tempdir_in(parent)?;
            // A sweep may have come in between: then it has the lock, or the folder is gone.
            let lock = match File::open(folder.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            if lock.try_lock().is_ok() && is_named(&lock, folder.path()) {
                return Ok(Self { path: folder.keep(), lock });
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "every new folder was taken away at once"))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the processes that are started from now on keep the folder in use, even if this process is killed.
    pub fn share_with_children(&self) -> io::Result<()> {
        Ok(rustix::io::fcntl_setfd(&self.lock, rustix::io::FdFlags::empty())?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path)
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
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix))
            || !entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            continue;
        }
        let path = entry.path();
        let Ok(folder) = File::open(&path) else { continue };
        if folder.try_lock().is_ok()
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::debug!(path = %path.display(), %error, "a folder that a killed process left stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_goes_with_its_value_and_one_that_is_left_goes_with_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(parent.path()).unwrap().count();
        let left = parent.path().join("larder-run-left");
        std::fs::create_dir_all(left.join("a/b")).unwrap();
        std::fs::create_dir(parent.path().join("other")).unwrap();
        let first = Scratch::new(parent.path(), "larder-run-").unwrap();
        std::fs::write(first.path().join("file"), "").unwrap();
        let second = Scratch::new(parent.path(), "larder-run-").unwrap();
        assert!(!left.exists() && first.path().join("file").exists(), "what is in use stays");
        assert_eq!(std::fs::metadata(second.path()).unwrap().permissions().mode() & 0o777, 0o700);
        drop((first, second));
        assert_eq!(names(), 1, "the other folder alone is left");
    }
}
