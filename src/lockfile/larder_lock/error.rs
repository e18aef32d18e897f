//! What can be wrong with a `larder.lock`.

use super::lock::FORM;
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
    /// A form that a newer larder wrote.
    #[error("{lockfile} has version {version}, and this larder reads version {FORM}")]
    Newer {
        /// The file's label.
        lockfile: String,
        /// Its version.
        version: i64,
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
