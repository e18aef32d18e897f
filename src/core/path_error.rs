//! What the system refused to do with a file or folder: one error for every room.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct PathError {
    /// What was tried: `read`, `create`, `rename` …
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

/// Adds to a result of the system what was tried, and with which file.
pub trait AtPath<T> {
    /// The value, or the error with action and path.
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { action, path: path.to_owned(), source })
    }
}

/// A folder before a file in it, unless it is the current one.
pub(crate) fn below(folder: &Path) -> String {
    if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) }
}
