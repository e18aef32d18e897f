//! The target: where a view goes, the lock that several of one view take turns by, and the swap of the new one with the old one.
//!
//! The swap is one exchange of two names. Where names cannot be exchanged it takes two steps. A folder of a lower layer of an overlay, which cannot be renamed at all, is
//! removed first.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use larder_store::{
    StoreError,
    wait::{Patience, wait_for},
};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use crate::{
    core::{path_error::AtPath as _, scratch::Scratch, view_marker},
    view::error::ViewError,
};

/// How long another larder may write a view beside this one: across filesystems it copies gigabytes.
const TURN_PATIENCE: Patience = Patience::up_to(Duration::from_mins(10));

/// Where a view goes.
pub(super) struct Target {
    pub(super) parent: PathBuf,
    name: String,
    pub(super) path: PathBuf,
}

impl Target {
    /// Links are followed, and the folder above is made if it is missing.
    pub(super) fn of(path: &Path) -> Result<Self, ViewError> {
        let path = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path).at("find", path)?,
            Err(error) => return Err(error).at("find", path)?,
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ViewError::NoName { path });
        };
        fs::create_dir_all(parent).at("create", parent)?;
        let target = Self { parent: parent.to_owned(), name: name.to_string_lossy().into_owned(), path };
        if target.is_mount_point() { Err(ViewError::MountPoint { path: target.path }) } else { Ok(target) }
    }

    /// Whether another filesystem begins here.
    fn is_mount_point(&self) -> bool {
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        device(&self.path).is_some_and(|target| device(&self.parent) != Some(target))
    }

    /// A lock on the folder above; where there are none, two that make the same view at once may disturb each other.
    pub(super) fn take_turn(&self) -> Result<Option<File>, ViewError> {
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

    pub(super) fn prefix(&self) -> String {
        format!(".{}.larder-", self.name)
    }

    /// Puts the new view in place of the old one, which is then where the new one was built.
    pub(super) fn swap(&self, new: &Path, exists: bool) -> Result<(), ViewError> {
        let in_place = if exists {
            renameat_with(CWD, new, CWD, &self.path, RenameFlags::EXCHANGE)
        } else {
            renameat_with(CWD, new, CWD, &self.path, RenameFlags::empty())
        };
        match in_place {
            Ok(()) => Ok(()),
            Err(Errno::BUSY) => Err(ViewError::MountPoint { path: self.path.clone() }),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if exists => self.swap_in_two_steps(new),
            // An overlay does not rename folders of its lower layers, such as those of an earlier step of a Docker build. It removes them.
            Err(Errno::XDEV) if exists => {
                view_marker::remove(&self.path).at("remove", &self.path)?;
                Ok(fs::rename(new, &self.path).at("rename", new)?)
            }
            Err(error) => Ok(Err(io::Error::from(error)).at("rename", new)?),
        }
    }

    /// For a filesystem that cannot exchange two names: for a moment there is no view.
    fn swap_in_two_steps(&self, new: &Path) -> Result<(), ViewError> {
        let mut aside = Scratch::new(&self.parent, &self.prefix()).at("make a folder in", &self.parent)?;
        aside.unmark().at("rename", aside.path())?;
        // The empty folder gives its name to the old view, and goes with it.
        fs::rename(&self.path, aside.path()).at("rename", &self.path)?;
        let renamed = fs::rename(new, &self.path).or_else(|error| {
            fs::rename(aside.path(), &self.path)?;
            Err(error)
        });
        Ok(renamed.at("rename", new)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::view_marker::MARKER;

    #[test]
    fn two_steps_do_where_names_cannot_be_exchanged() {
        let parent = tempfile::tempdir().unwrap();
        let target = Target::of(&parent.path().join("view")).unwrap();
        for name in ["view", "new"] {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join("file"), name).unwrap();
            fs::write(parent.path().join(name).join(MARKER), format!("tarballs\n{} file\n", name.len())).unwrap();
        }
        target.swap_in_two_steps(&parent.path().join("new")).unwrap();
        assert_eq!(fs::read_to_string(parent.path().join("view/file")).unwrap(), "new");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        // Without a new one, the old one stays.
        target.swap_in_two_steps(&parent.path().join("new")).unwrap_err();
        assert_eq!(fs::read_to_string(parent.path().join("view/file")).unwrap(), "new");
    }
}
