//! From a path that a person typed to a plan.

use std::{collections::HashMap, path::Path};

use super::{CommandError, Context, agreement, below, settings::platforms_of};
use crate::{
    lockfile::{self, Reading, YarnLock},
    npmrc::NpmConfig,
    plan::Plan,
    project::{LockfileBytes, Project},
    pyodide::lock_file::{LARDER_LOCK, LarderLock},
    ui::units,
};

/// A project that was read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) project: Project,
    pub(super) plan: Plan,
    /// `larder.lock`, if it is there.
    pub(super) larder_lock: Option<LarderLock>,
}

impl Input {
    /// Reads a project's lockfiles and plans them.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let project = Project::open(path)?;
        let mut readings = self::readings(&project)?;
        platforms_of(&project)?;
        let larder_lock = larder_lock(&project)?;
        if larder_lock.is_none() && project.lockfiles.is_empty() {
            return Err(CommandError::NoLarderLock { path: project.folder.join(LARDER_LOCK) });
        }
        if let Some(lock) = &larder_lock {
            agreement::check(&project, &readings, lock)?;
            readings.push(lockfile::of_larder_lock(LARDER_LOCK, lock));
        }
        Ok(Self { plan: Plan::new(&readings)?, project, larder_lock })
    }

    /// All lockfiles, `larder.lock` last.
    pub(super) fn lockfiles(&self) -> impl Iterator<Item = &LockfileBytes> {
        self.project.lockfiles.iter().chain(&self.project.larder_lock)
    }

    /// npm's configuration for each lockfile; warnings are printed, each once.
    pub(super) fn configurations(&self, context: &Context<'_>) -> Result<Vec<NpmConfig>, CommandError> {
        let mut configurations = Vec::new();
        let mut warned = Vec::new();
        for folder in self.lockfiles().map(LockfileBytes::folder) {
            let npm = NpmConfig::load(context.environment, folder)?;
            for warning in npm.warnings() {
                if !warned.contains(warning) {
                    context.printer.warning(&warning.to_string());
                    warned.push(warning.clone());
                }
            }
            configurations.push(npm);
        }
        Ok(configurations)
    }

    /// The configurations by their lockfile's name.
    pub(super) fn by_lockfile<'a>(&'a self, configurations: &'a [NpmConfig]) -> HashMap<&'a str, &'a NpmConfig> {
        self.lockfiles().map(|lockfile| lockfile.name.as_str()).zip(configurations).collect()
    }

    /// What a lockfile of yarn 1 leaves open, if there is one.
    pub(super) fn silence_line(&self) -> Option<String> {
        let is_classic =
            |lockfile: &&LockfileBytes| YarnLock::of(&lockfile.name, &lockfile.bytes) == Some(YarnLock::Classic);
        let lockfile = self.project.lockfiles.iter().find(is_classic)?;
        let name = &lockfile.name;
        Some(format!(
            "{name} does not say what is optional, for development or for one platform: all of it is taken, as yarn 1 does"
        ))
    }

    /// `entries in package-lock.json: 1,187 = 1,031 artifacts + …`: every entry has its place.
    pub(super) fn sum_line(&self) -> String {
        let sum = self.plan.sum();
        let names: Vec<&str> = self.lockfiles().map(|lockfile| lockfile.name.as_str()).collect();
        let mut terms = vec![units::plural(sum.artifacts, "artifact", "artifacts")];
        let others = [
            (sum.repeats, "repeat of one", "repeats"),
            (sum.bundled, "bundled", "bundled"),
            (sum.patches, "patch of one", "patches"),
            (sum.links, "link", "links"),
            (sum.local_folders, "local folder", "local folders"),
            (sum.local_files, "local file", "local files"),
            (sum.projects, "project", "projects"),
            (sum.unfetchable, "that cannot be fetched", "that cannot be fetched"),
        ];
        terms.extend(
            others
                .into_iter()
                .filter(|(number, ..)| *number > 0)
                .map(|(number, one, many)| units::plural(number, one, many)),
        );
        format!("{} in {} = {}", units::plural(sum.entries, "entry", "entries"), names.join(" and "), terms.join(" + "))
    }
}

/// What the package managers' lockfiles say.
pub(super) fn readings(project: &Project) -> Result<Vec<Reading>, CommandError> {
    let read = project.lockfiles.iter().map(|lockfile| lockfile::read(&lockfile.name, &lockfile.bytes));
    read.collect::<Result<Vec<Reading>, _>>()
        .map_err(|problem| CommandError::Lockfile { folder: project.folder.clone(), problem })
}

/// What `larder.lock` says.
pub(super) fn larder_lock(project: &Project) -> Result<Option<LarderLock>, CommandError> {
    let label = |file: &LockfileBytes| format!("{}{}", below(&project.folder), file.name);
    let read = project.larder_lock.as_ref().map(|file| LarderLock::parse(&label(file), &file.bytes));
    Ok(read.transpose()?)
}
