//! What is wrong with a `larder.toml`: with file, line and the way out.

use std::path::PathBuf;

/// What is wrong with a `larder.toml`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LarderTomlError {
    /// Not UTF-8.
    #[error("{} is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// A key that larder does not know.
    #[error("{}:{line}: unknown key `{key}`; {suggestion}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, with its table's name.
        key: String,
        /// The nearest known one, or all of them, in words.
        suggestion: String,
    },
    /// A value that larder does not accept.
    #[error("{}:{line}: `{key}` has to be {accepted}", path.display())]
    WrongValue {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, with its table's name.
        key: String,
        /// What is accepted, in words.
        accepted: String,
    },
    /// `platforms` beside `all-platforms = true`.
    #[error("{}:{line}: `platforms` and `all-platforms = true` exclude each other", path.display())]
    PlatformsTwice {
        /// The file.
        path: PathBuf,
        /// The line of the second, from 1.
        line: usize,
    },
}
