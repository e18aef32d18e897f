//! Why `larder buildkit` failed.

use crate::{
    buildkit::{
        docker::BuildError,
        executable::ExecutableError,
        protocol::{JobFailure, ProtocolError},
    },
    commands::error::EndsCommand,
    commands::outcome::Outcome,
};

/// Why a store could not be carried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum BuildkitError {
    /// The binary cannot run in an empty image.
    #[error(transparent)]
    Binary(#[from] ExecutableError),
    /// This program's own file is not known.
    #[error("cannot find larder's own program file")]
    NoBinary,
    /// The build did not succeed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A message between the two sides cannot be written or read.
    #[error("cannot exchange files with the build")]
    Protocol(#[from] ProtocolError),
    /// The larder inside the build could not do it.
    #[error("in the build: {}", .0.causes.join("\n  caused by: "))]
    Inside(JobFailure),
}

impl EndsCommand for BuildkitError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Build(BuildError::Interrupted) => Outcome::Interrupted,
            Self::Build(error) if error.is_of_network() => Outcome::Network,
            Self::Inside(_) => Outcome::Store,
            _ => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Binary(_) | Self::NoBinary => Some(
                "name a static larder of the builder's platform with --binary; docker/static.sh makes one".to_owned(),
            ),
            Self::Build(error) => error.hint().map(str::to_owned),
            Self::Inside(stop) => stop.hint.clone(),
            Self::Protocol(_) => None,
        }
    }
}
