//! Settings of the npm command itself: its cache, its logs, `allow-git` and `allow-remote`.

use std::path::{Path, PathBuf};

use super::layers::Layers;

/// `allow-git` and `allow-remote`: which packages npm 12 takes from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// All.
    All,
    /// Those that the project itself depends on.
    Root,
    /// None, the default.
    None,
}

/// What the npm command is told.
#[derive(Clone, Debug)]
pub(super) struct NpmClient {
    pub(super) cache: Option<PathBuf>,
    logs_dir: Option<PathBuf>,
    pub(super) allow_git: Allowed,
    pub(super) allow_remote: Allowed,
}

impl NpmClient {
    pub(super) fn read(layers: &Layers, home: Option<&Path>) -> Self {
        let path = |key| layers.find(key).and_then(|found| found.path());
        let allowed = |key| match layers.find(key).and_then(|found| found.text()) {
            Some("all") => Allowed::All,
            Some("root") => Allowed::Root,
            _ => Allowed::None,
        };
        Self {
            cache: path("cache").or_else(|| home.map(|home| home.join(".npm"))),
            logs_dir: path("logs-dir"),
            allow_git: allowed("allow-git"),
            allow_remote: allowed("allow-remote"),
        }
    }

    /// Where npm writes its logs.
    pub(super) fn logs(&self) -> Option<PathBuf> {
        self.logs_dir.clone().or_else(|| Some(self.cache.as_ref()?.join("_logs")))
    }
}
