//! A machine with files and variables of its own.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{
    config::{error::ConfigError, package_manager::NpmConfig, sources::Installer},
    core::environment::Environment,
};

/// A folder with a project, a home and a prefix, and variables that name the last two.
pub(super) struct Machine {
    pub(super) root: TempDir,
    pub(super) variables: Vec<(String, String)>,
}

impl Machine {
    pub(super) fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["project", "home", "prefix/etc", "elsewhere"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let text = |folder: &str| root.path().join(folder).to_str().unwrap().to_owned();
        let variables = vec![("HOME".to_owned(), text("home")), ("PREFIX".to_owned(), text("prefix"))];
        Self { root, variables }
    }

    pub(super) fn with_project(text: &str) -> Self {
        Self::new().file("project/.npmrc", text)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn load(&self) -> Result<NpmConfig, ConfigError> {
        let environment = Environment::new(&self.path("elsewhere"), self.variables.clone());
        NpmConfig::load(&environment, &self.path("project"))
    }

    /// The same for what this package manager installs.
    pub(super) fn load_for(&self, installer: Installer, trusts_project: bool) -> Result<NpmConfig, ConfigError> {
        let environment = Environment::new(&self.path("elsewhere"), self.variables.clone());
        NpmConfig::load_for(&environment, &self.path("project"), Some(installer), trusts_project)
    }

    pub(super) fn config(&self) -> NpmConfig {
        self.load().unwrap()
    }
}
