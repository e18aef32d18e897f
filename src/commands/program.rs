//! The program that goes into a build context: a static larder for Linux.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    buildkit::executable::{Executable, ExecutableError},
    commands::{context::Context, error::EndsCommand},
    plan::selection::{Os, Platform, Platforms},
};

/// Why a binary is not for a build context.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ProgramError {
    /// Where larder's own file is cannot be told.
    #[error("cannot find larder's own program file")]
    Nowhere,
    /// It is none, or it needs a loader.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// It runs on no platform that the context is for.
    #[error("{} runs on {runs_on}, and the context is for {}", path.display(), list(platforms))]
    OtherPlatform {
        /// The binary.
        path: PathBuf,
        /// Its platform.
        runs_on: Platform,
        /// Those of the context.
        platforms: BTreeSet<Platform>,
    },
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The binary.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn list(platforms: &BTreeSet<Platform>) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl EndsCommand for ProgramError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OtherPlatform { .. } => {
                "name the static larder of that platform with --binary, or other platforms with --platform"
            }
            _ => "name a static larder for Linux with --binary: docker/static.sh in larder's source builds one",
        };
        Some(hint.to_owned())
    }
}

/// The binary that goes into a build context.
pub(super) struct Program {
    path: PathBuf,
    pub(super) executable: Executable,
    pub(super) bytes: Vec<u8>,
}

impl Program {
    /// This file, or larder's own.
    pub(super) fn read(file: Option<&Path>, context: &Context<'_>) -> Result<Self, ProgramError> {
        let path = file.or_else(|| context.environment.executable()).ok_or(ProgramError::Nowhere)?.to_owned();
        let executable = Executable::read_static(&path)?;
        let read = std::fs::read(&path);
        let bytes = read.map_err(|source| ProgramError::Unreadable { path: path.clone(), source })?;
        Ok(Self { path, executable, bytes })
    }

    /// Without other words, the context is for the system that the binary runs on.
    pub(super) fn platforms(&self) -> Platforms {
        Platforms::Only(BTreeSet::from([self.executable.platform()]))
    }

    /// Whether it runs on one of the platforms that the context is for.
    pub(super) fn check(&self, platforms: &Platforms) -> Result<(), ProgramError> {
        let runs_on = self.executable.platform();
        let is_it = |platform: &Platform| platform.os == Os::Linux && platform.cpu == runs_on.cpu;
        match platforms {
            Platforms::Only(only) if !only.iter().any(is_it) => {
                Err(ProgramError::OtherPlatform { path: self.path.clone(), runs_on, platforms: only.clone() })
            }
            _ => Ok(()),
        }
    }
}
