//! Why `larder init` wrote nothing.

use std::{io, path::PathBuf};

use crate::{commands::error::EndsCommand, dockerfile::DockerfileError};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::commands) enum InitError {
    /// There is one already.
    #[error("{} exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No Dockerfile is there to be changed.
    #[error("{} has no Dockerfile", folder.display())]
    NoDockerfile {
        /// The folder.
        folder: PathBuf,
    },
    /// It is no Dockerfile.
    #[error("{} is not a Dockerfile that can be read", path.display())]
    Dockerfile {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        #[source]
        source: DockerfileError,
    },
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl EndsCommand for InitError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("it is not touched; `larder plan` says what it leads to".to_owned()),
            Self::NoDockerfile { .. } => {
                Some("name it: `larder init --docker=FILE PROJECT`, where PROJECT is the build context".to_owned())
            }
            _ => None,
        }
    }
}
