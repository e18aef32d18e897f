//! Why credentials cannot be had. Nothing that a file or helper says is in an error.

use std::{io, path::PathBuf};

/// Why credentials cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is no configuration of Docker's. The parser's own words might show a part of it.
    #[error("{}, line {line}: not a configuration of registries", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line that cannot be read.
        line: usize,
    },
    /// What it has for a registry cannot be used.
    #[error("{}: what `auths` has for {registry} is no user and password in base64", path.display())]
    Auth {
        /// The file.
        path: PathBuf,
        /// The registry, as the file names it.
        registry: String,
    },
    /// A helper gives nothing.
    #[error("the credential helper {program}, which {} names for {registry}, {problem}", path.display())]
    Helper {
        /// The program.
        program: String,
        /// The file that names it.
        path: PathBuf,
        /// The registry.
        registry: String,
        /// What is wrong.
        #[source]
        problem: HelperProblem,
    },
}

/// What is wrong with a credential helper.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperProblem {
    /// Its name is none of a program.
    #[error("is not named like a program")]
    Name,
    /// It is in no folder of `PATH`.
    #[error("is not in PATH")]
    NotFound,
    /// It does not start, or cannot be talked to.
    #[error("cannot be run: {0}")]
    Run(io::Error),
    /// It failed.
    #[error("failed ({0}): ask it yourself with `echo REGISTRY | PROGRAM get`")]
    Failed(std::process::ExitStatus),
    /// It takes too long.
    #[error("did not answer within {0} s")]
    Slow(u64),
    /// It says something else than user and secret.
    #[error("answers something else than a user and a secret")]
    Answer,
}
