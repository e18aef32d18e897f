//! A project: its folder, its lockfiles, its `larder.toml`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::larder_toml::{LarderToml, LarderTomlError};

/// What was found where a person pointed.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that holds `larder.toml`, or would.
    pub folder: PathBuf,
    /// The lockfiles, at least one, in the order of `larder.toml`, or the one that was found or named.
    pub lockfiles: Vec<LockfileBytes>,
    /// What `larder.toml` says; the default if there is none.
    pub settings: LarderToml,
}

/// A lockfile as it was read.
#[derive(Clone, Debug)]
pub struct LockfileBytes {
    /// Its path.
    pub path: PathBuf,
    /// Its path from the project's folder, with `/` between the parts: what output and digests use.
    pub name: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl LockfileBytes {
    /// The folder that it stands in, where `.npmrc` is looked for.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }
}

impl Project {
    /// The project in this folder, or of this lockfile.
    pub fn open(_path: &Path) -> Result<Self, ProjectError> {
        todo!()
    }
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// `larder.toml` is wrong.
    #[error(transparent)]
    LarderToml(#[from] LarderTomlError),
}
