//! What can be wrong with a `larder.lock`.

use super::lock::{FORM_WITH_DOWNLOADS, MOST_ROWS};
use crate::python::{name::ProjectName, runtime::RuntimeError};

/// What is wrong with a `larder.lock`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockFileError {
    /// Not UTF-8.
    #[error("{lockfile} is not UTF-8")]
    NotUtf8 {
        /// The file's label.
        lockfile: String,
    },
    /// Not TOML.
    #[error("{lockfile}:{line}: {message}")]
    Syntax {
        /// The file's label.
        lockfile: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// git could not merge it.
    #[error("{lockfile} has merge-conflict markers, first in line {line}")]
    Conflict {
        /// The file's label.
        lockfile: String,
        /// The line, from 1.
        line: usize,
    },
    /// A form that a newer larder wrote.
    #[error("{lockfile} has version {version}, and this larder reads versions up to {FORM_WITH_DOWNLOADS}")]
    Newer {
        /// The file's label.
        lockfile: String,
        /// Its version.
        version: i64,
    },
    /// Neither Pyodide nor anything that was recorded.
    #[error("{lockfile} names nothing: it has no [runtime], no [[download]] and no [[absent]]")]
    Empty {
        /// The file's label.
        lockfile: String,
    },
    /// Downloads in a file that says of itself that it has none: an earlier larder would pass them over.
    #[error("{lockfile} has [[download]] or [[absent]], which need `version = {FORM_WITH_DOWNLOADS}`")]
    OldForm {
        /// The file's label.
        lockfile: String,
    },
    /// More rows than anybody reviews.
    #[error("{lockfile} has {count} [[download]] and [[absent]], and may have {MOST_ROWS}")]
    TooManyRows {
        /// The file's label.
        lockfile: String,
        /// How many there are.
        count: usize,
    },
    /// A value of a download or an absence that may not stand there.
    #[error("{lockfile}: {row}: `{key}` is {problem}")]
    Row {
        /// The file's label.
        lockfile: String,
        /// `download` or `absent`, its number from 1, and the address as far as it may be shown.
        row: String,
        /// The key.
        key: &'static str,
        /// What is wrong, in words.
        problem: String,
    },
    /// An address in two rows.
    #[error("{lockfile}: {row}: another row has the same address")]
    SameAddress {
        /// The file's label.
        lockfile: String,
        /// The second of the two.
        row: String,
    },
    /// The runtime is none.
    #[error("{lockfile}: `runtime` is wrong")]
    Runtime {
        /// The file's label.
        lockfile: String,
        /// Why.
        #[source]
        source: RuntimeError,
    },
    /// A value that is not of its kind.
    #[error("{lockfile}: {entry}: `{key}` is {problem}")]
    Value {
        /// The file's label.
        lockfile: String,
        /// `runtime`, `base` or `package NAME`.
        entry: String,
        /// The key.
        key: &'static str,
        /// What is wrong, in words.
        problem: String,
    },
    /// The same package twice.
    #[error("{lockfile}: package {name} stands there twice")]
    Twice {
        /// The file's label.
        lockfile: String,
        /// The package.
        name: ProjectName,
    },
    /// A dependency that the file does not have.
    #[error("{lockfile}: package {name}: depends on {dependency}, which the file does not have")]
    Open {
        /// The file's label.
        lockfile: String,
        /// The package.
        name: ProjectName,
        /// What it needs.
        dependency: ProjectName,
    },
}
