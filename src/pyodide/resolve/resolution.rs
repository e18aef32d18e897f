//! [`Resolution`]: the packages that satisfy a request, or why there are none.

use std::fmt;

use crate::{
    core::file_name::FileName,
    lockfile::larder_lock::Asker,
    pyodide::index::{IndexError, IndexFile},
    python::name::ProjectName,
};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The packages, sorted by name.
    pub packages: Vec<Resolved>,
    /// What a person should know, sorted.
    pub warnings: Vec<String>,
}

/// A package of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The project.
    pub name: ProjectName,
    /// Its version, as its source writes it.
    pub version: String,
    /// Its file.
    pub file: ResolvedFile,
    /// What it needs, sorted.
    pub depends: Vec<ProjectName>,
    /// Who asks for it, sorted; at least one.
    pub why: Vec<Asker>,
}

/// Where a package's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedFile {
    /// In the distribution.
    Distribution,
    /// In the index.
    Index {
        /// The file.
        file: Box<IndexFile>,
        /// Its checked name.
        file_name: FileName,
    },
}

/// Why there is no result.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The index does not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Projects that `larder.toml` asks for and nobody has: all of them.
    #[error("packages that are not available:{}", listed(.packages.iter().map(|(name, reason)| format!("{name}: {reason}"))))]
    Unavailable {
        /// Name and reason, in the order of `larder.toml`.
        packages: Vec<(ProjectName, String)>,
    },
    /// What is asked for does not fit together.
    #[error("the requirements in larder.toml conflict:{}", listed(.facts.iter()))]
    Conflict {
        /// The facts that together leave no way out, in sentences.
        facts: Vec<String>,
    },
}

/// One line for each.
fn listed(lines: impl Iterator<Item = impl fmt::Display>) -> String {
    lines.fold(String::new(), |text, line| format!("{text}\n  {line}"))
}
