//! Atomic writes: small files that are there whole or not at all, written beside and then renamed.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    error::{At as _, StoreError},
    layout::{Layout, NEW},
    open,
};

/// A file that is written and does not have its name yet. Dropped, it goes.
#[derive(Debug)]
pub(crate) struct Staged {
    temporary: tempfile::NamedTempFile<File>,
    path: PathBuf,
}

/// Writes `bytes` beside `path`, making its folder if that is missing.
pub(crate) fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, StoreError> {
    let folder = path.parent().expect("a file of the store is in a folder");
    let mut temporary = match named_beside(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            open::make_folder(folder).at("create", folder)?;
            named_beside(folder)
        }
        other => other,
    }
    .at("create a file in", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    Ok(Staged { temporary, path: path.to_owned() })
}

impl Staged {
    /// The same, on the disk.
    pub(crate) fn synced(self) -> Result<Self, StoreError> {
        self.temporary.as_file().sync_all().at("sync", &self.path)?;
        Ok(self)
    }

    /// Gives the file its name. A folder that has it is moved out of the way; any other file is replaced, and what a link leads to stays.
    pub(crate) fn publish(self, layout: &Layout) -> Result<(), StoreError> {
        let Self { temporary, path } = self;
        match temporary.persist(&path) {
            Err(refused) if refused.error.kind() == io::ErrorKind::IsADirectory => {
                open::clear(layout, &path)?;
                refused.file.persist(&path)
            }
            other => other,
        }
        .map_err(|refused| StoreError::io("rename", path, refused.error))?;
        Ok(())
    }
}

/// Writes `bytes` to `path`, making its folder if that is missing. Not durable by itself: see [`crate::barrier`].
pub(crate) fn write(layout: &Layout, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    stage(path, bytes)?.publish(layout)
}

// The name is random, and a taken one is tried again: several containers may share the folder, with the same PIDs.
fn named_beside(folder: &Path) -> io::Result<tempfile::NamedTempFile<File>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NEW).rand_bytes(12);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder)
}

/// Renames the file `from` to `to`, making the target's folder if that is missing. A folder that has the name is moved out of the way.
pub(crate) fn rename(layout: &Layout, from: &Path, to: &Path) -> Result<(), StoreError> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = to.parent().expect("a file of the store is in a folder");
            open::make_folder(folder).at("create", folder)?;
            std::fs::rename(from, to)
        }
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            open::clear(layout, to)?;
            std::fs::rename(from, to)
        }
        other => other,
    }
    .at("rename to", to)
}
