//! Small files that are there whole or not at all: written beside, then renamed.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use crate::error::{At as _, StoreError};

/// Writes `bytes` to `path`, making its folder if that is missing. Not durable by itself: see [`crate::barrier`].
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().expect("a file of the store is in a folder");
    let mut temporary = match named_beside(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).at("create", folder)?;
            named_beside(folder)
        }
        other => other,
    }
    .at("create a file in", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    temporary.persist(path).map_err(|error| StoreError::io("rename", path, error.error))?;
    Ok(())
}

// The name is random, and a taken one is tried again: several containers may share the folder, with the same PIDs.
fn named_beside(folder: &Path) -> io::Result<tempfile::NamedTempFile<File>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").rand_bytes(12);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder)
}

/// Renames `from` to `to`, making the target's folder if that is missing.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = to.parent().expect("a file of the store is in a folder");
            std::fs::create_dir_all(folder).at("create", folder)?;
            std::fs::rename(from, to)
        }
        other => other,
    }
    .at("rename to", to)
}
