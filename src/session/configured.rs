//! [`ConfiguredProject`]: a project, and npm's configuration for each of its lockfiles.

use std::collections::HashMap;

use super::{installer::installer, project::ReadProject, warning::Warning};
use crate::{
    config::{error::ConfigError, package_manager::NpmConfig},
    core::{artifact::Ecosystem, environment::Environment},
    fetcher::{Downloads, LeftOut},
    lockfile::larder_lock::LARDER_LOCK,
    plan::{Planned, selection::Selection},
};

/// A project that was read, and npm's configuration for each of its lockfiles.
#[derive(Debug)]
pub struct ConfiguredProject {
    pub(crate) read: ReadProject,
    pub(crate) configurations: Vec<NpmConfig>,
}

impl ConfiguredProject {
    /// Reads npm's configuration for each lockfile. Each warning comes once.
    pub fn new(
        read: ReadProject,
        environment: &Environment,
        trusts_project: bool,
        warn: &mut dyn FnMut(Warning),
    ) -> Result<Self, ConfigError> {
        let mut configurations = Vec::new();
        let mut warned = Vec::new();
        let of_package_managers = read.project.lockfiles.iter().map(|lockfile| (lockfile, Some(installer(lockfile))));
        for (lockfile, installer) in of_package_managers.chain(read.project.larder_lock.iter().map(|it| (it, None))) {
            let npm = NpmConfig::load_for(environment, lockfile.folder(), installer, trusts_project)?;
            for warning in npm.warnings() {
                if !warned.contains(warning) {
                    warn(Warning::Configuration(warning.clone()));
                    warned.push(warning.clone());
                }
            }
            configurations.push(npm.of_lockfile(&lockfile.name));
        }
        Ok(Self { read, configurations })
    }

    /// The configurations by their lockfile's name.
    pub(crate) fn by_lockfile(&self) -> HashMap<&str, &NpmConfig> {
        self.read.lockfiles().map(|lockfile| lockfile.name.as_str()).zip(&self.configurations).collect()
    }

    /// The downloads of the selected part of the plan, and how much was not selected.
    pub fn downloads(&self, selection: &Selection) -> (Downloads<'_>, LeftOut) {
        let Self { read, .. } = self;
        let (downloads, left_out) = Downloads::of(&read.plan, selection, self.by_lockfile(), &read.project.settings);
        (downloads.with_optional(read), left_out)
    }

    /// The downloads of these artifacts.
    pub(crate) fn downloads_of<'a>(&'a self, artifacts: impl IntoIterator<Item = &'a Planned>) -> Downloads<'a> {
        let downloads = Downloads::of_artifacts(artifacts, self.by_lockfile(), &self.read.project.settings);
        downloads.with_optional(&self.read)
    }

    /// The downloads of the Pyodide that `larder.lock` pins, and of nothing else.
    pub fn downloads_of_pyodide(&self) -> Downloads<'_> {
        let is_pyodides = |planned: &&Planned| {
            planned.artifact.ecosystem != Ecosystem::Download
                && planned.entries.iter().any(|entry| &*entry.lockfile == LARDER_LOCK)
        };
        self.downloads_of(self.read.plan.artifacts().iter().filter(is_pyodides))
    }
}
