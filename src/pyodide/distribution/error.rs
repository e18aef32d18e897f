//! Errors in a distribution's lock.

use std::fmt;

/// How many packages a message lists.
const LISTED_PACKAGES: usize = 20;

/// Why a file is no lock of a distribution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistributionError {
    /// Not JSON.
    #[error("{file} is not JSON")]
    NotJson {
        /// The file.
        file: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// JSON of another shape.
    #[error("{file}: `{field}` is {found} instead of {expected}; is it the lock of a Pyodide distribution?")]
    WrongShape {
        /// The file.
        file: String,
        /// The field, with the names of those around it; `the document` for the whole.
        field: &'static str,
        /// What is expected there, in words.
        expected: &'static str,
        /// What stands there, in words.
        found: &'static str,
    },
    /// Packages that cannot be understood.
    #[error("{file}: packages that cannot be used:{}", Listed(.packages))]
    BadPackages {
        /// The file.
        file: String,
        /// All of them, in the file's order.
        packages: Vec<BadPackage>,
    },
}

/// A package that cannot be understood, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPackage {
    /// Its key in the file.
    pub key: String,
    /// What is wrong with it.
    pub problem: PackageProblem,
}

/// What is wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageProblem {
    /// The entry is no object.
    #[error("the entry is not an object")]
    NoObject,
    /// A field that the loader needs is not there.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field has another type.
    #[error("`{field}` is not {expected}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it should be, in words.
        expected: &'static str,
    },
    /// The digest is none.
    #[error("`sha256` is not 64 hexadecimal digits")]
    BadDigest,
    /// The key is no name.
    #[error("its key is {problem}")]
    Key {
        /// What it is, in words.
        problem: &'static str,
    },
    /// A text that cannot be what the field is for.
    #[error("`{field}` is {problem}")]
    Unusable {
        /// The field.
        field: &'static str,
        /// What it is, in words.
        problem: &'static str,
    },
    /// A type of package that no release has.
    #[error("`package_type` is `{found}`")]
    UnknownType {
        /// What stands there.
        found: String,
    },
    /// Another key has the same normalised form.
    #[error("its name is the same as that of `{other}`")]
    SameName {
        /// The other key.
        other: String,
    },
}

struct Listed<'a>(&'a [BadPackage]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bad in self.0.iter().take(LISTED_PACKAGES) {
            write!(f, "\n  {}: {}", bad.key.escape_debug(), bad.problem)?;
        }
        match self.0.len().saturating_sub(LISTED_PACKAGES) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
