//! The bytes of a project's file, up to a bound.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use super::error::ProjectError;

/// A page of settings has a few kilobytes. 1 MiB.
pub(super) const LONGEST_SETTINGS: u64 = 1 << 20;

/// The bytes of a file; `None` if there is none of that name.
pub(super) fn read_file(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, ProjectError> {
    let unreadable = |source| ProjectError::Unreadable { path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(ProjectError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > longest {
        return Err(ProjectError::TooLong { path: path.to_owned(), longest });
    }
    Ok(Some(bytes))
}
