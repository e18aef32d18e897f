//! `larder.toml`, which stands beside the project and is optional. What it says is checked strictly.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

/// What `larder.toml` says. `None`, empty and false: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LarderToml {
    /// `lockfiles`: the lockfiles to read, relative to the file's folder. Empty: those that are found.
    pub lockfiles: Vec<PathBuf>,
    /// `platforms`: in Docker's spelling, not yet checked.
    pub platforms: Vec<String>,
    /// `all-platforms`.
    pub all_platforms: bool,
    /// `omit`: each at most once.
    pub omit: Vec<OmittedGroup>,
    /// `require-integrity`.
    pub require_integrity: bool,
    /// `[fetch]`.
    pub fetch: FetchSettings,
    /// `[forges]`.
    pub forges: ForgeAddresses,
}

/// A group of dependencies that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OmittedGroup {
    /// `dev`.
    Dev,
    /// `optional`.
    Optional,
    /// `peer`.
    Peer,
}

/// `[fetch]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    /// `jobs`: downloads at once, 1 to 1024.
    pub jobs: Option<u32>,
    /// `retries`: further tries after the first, 0 to 100.
    pub retries: Option<u32>,
    /// `stall-timeout`: how long a download may give no byte.
    pub stall_timeout: Option<Duration>,
    /// `total-timeout`: how long one download may take.
    pub total_timeout: Option<Duration>,
    /// `max-artifact-size`, in bytes.
    pub max_artifact_size: Option<u64>,
}

/// `[forges]`: where the forges' tarballs are had from, instead of the forges' own addresses. Each ends with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgeAddresses {
    /// `github`.
    pub github: Option<Url>,
    /// `gitlab`.
    pub gitlab: Option<Url>,
    /// `bitbucket`.
    pub bitbucket: Option<Url>,
}

impl LarderToml {
    /// Reads the bytes of the file at `path`, which is for messages alone.
    pub fn parse(_bytes: &[u8], _path: &Path) -> Result<Self, LarderTomlError> {
        todo!()
    }
}

/// What is wrong with a `larder.toml`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LarderTomlError {
    /// Not UTF-8.
    #[error("{path} is not UTF-8")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
}
