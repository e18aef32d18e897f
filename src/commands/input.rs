//! From a path that a person typed to a plan.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{freshness, settings::platforms_of};
use crate::{
    commands::{
        context::Context,
        error::{CommandError, EndsCommand, NoLarderLock, below},
    },
    config::{
        package_manager::NpmConfig,
        project::{DecidedBy, LockfileBytes, Project, Several},
        sources::Installer,
    },
    fetcher::Optional,
    lockfile::{
        self, Format, LockfileError, MissingOptional, Reading, YarnLock,
        larder_lock::{LARDER_LOCK, LarderLock},
    },
    plan::{EntryName, Plan},
    ui::{remarks, units},
};

/// A lockfile that is none.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", below(folder))]
struct BadLockfile {
    /// The project's folder.
    folder: PathBuf,
    /// What is wrong with it.
    problem: LockfileError,
    /// The lockfiles of other package managers beside it.
    several: Option<Box<Several>>,
}

impl EndsCommand for BadLockfile {
    fn hint(&self) -> Option<String> {
        match &self.several {
            Some(several) if several.by == DecidedBy::Nothing => Some(several.cure()),
            _ => self.problem.hint(),
        }
    }
}

/// A project that was read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) project: Project,
    pub(super) plan: Plan,
    /// `larder.lock`, if it is there.
    pub(super) larder_lock: Option<LarderLock>,
    /// By their lockfile's name, what its entries name as optional and it has no entry for.
    missing: Vec<(String, MissingOptional)>,
    /// What is optional in lockfiles of yarn 1, which do not say it themselves.
    optional_of_yarn_1: OnceLock<HashSet<EntryName>>,
}

impl Input {
    /// Reads a project's lockfiles and plans them.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        Self::read_for(path, &[])
    }

    /// The same for a command that calls these package managers.
    pub(super) fn read_for(path: &Path, called: &[Format]) -> Result<Self, CommandError> {
        let project = Project::open_for(path, called)?;
        let mut readings = self::readings(&project)?;
        platforms_of(&project)?;
        let larder_lock = larder_lock(&project)?;
        if larder_lock.is_none() && project.lockfiles.is_empty() {
            return Err(NoLarderLock { path: project.folder.join(LARDER_LOCK) }.into());
        }
        if let Some(lock) = &larder_lock {
            freshness::check(&project, &readings, lock)?;
            readings.push(lockfile::of_larder_lock(LARDER_LOCK, lock));
        }
        let plan = Plan::new(&readings)?;
        let missing =
            |reading: Reading| reading.missing.into_iter().map(move |missing| (reading.lockfile.to_string(), missing));
        let missing = readings.into_iter().flat_map(missing).collect();
        Ok(Self { plan, project, larder_lock, missing, optional_of_yarn_1: OnceLock::new() })
    }

    /// Says what should be known of the project's lockfiles, and stops nothing.
    pub(super) fn tell(&self, context: &Context<'_>) {
        let (printer, project) = (context.printer, &self.project);
        if let (Some(member), Some(lockfile)) = (&project.member, project.lockfiles.first()) {
            let (member, lockfile) = (member.display(), lockfile.path.display());
            printer.note(&format!("{member} is a package of a workspace: its root's lockfile is used, {lockfile}"));
        }
        if let Some(several) = &project.several {
            printer.warning(&format!("{}{several}", below(&project.folder)));
            printer.hints(&[&several.cure()]);
        }
        for name in &project.passed_over {
            printer.warning(&format!(
                "{name} is ignored, since larder cannot read it: packages that only this file names are not fetched"
            ));
        }
        if !self.missing.is_empty() {
            remarks::warnings(printer, self.missing.iter().map(|(lockfile, missing)| format!("{lockfile}: {missing}")));
            printer.hints(&[
                "npm installs without them, also where they are needed; `npm install` with neither node_modules nor the lockfile writes those of every platform",
            ]);
        }
    }

    /// All lockfiles, `larder.lock` last.
    pub(super) fn lockfiles(&self) -> impl Iterator<Item = &LockfileBytes> {
        self.project.lockfiles.iter().chain(&self.project.larder_lock)
    }

    /// npm's configuration for each lockfile; warnings are printed, each once.
    pub(super) fn configurations(
        &self,
        trusts_project: bool,
        context: &Context<'_>,
    ) -> Result<Vec<NpmConfig>, CommandError> {
        let mut configurations = Vec::new();
        let mut warned = Vec::new();
        let of_package_managers = self.project.lockfiles.iter().map(|lockfile| (lockfile, Some(installer(lockfile))));
        for (lockfile, installer) in of_package_managers.chain(self.project.larder_lock.iter().map(|it| (it, None))) {
            let npm = NpmConfig::load_for(context.environment, lockfile.folder(), installer, trusts_project)?;
            for warning in npm.warnings() {
                if !warned.contains(warning) {
                    context.printer.warning(&warning.to_string());
                    warned.push(warning.clone());
                }
            }
            configurations.push(npm.of_lockfile(&lockfile.name));
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

impl Optional for Input {
    fn is_optional(&self, entry: &EntryName) -> bool {
        self.optional_of_yarn_1
            .get_or_init(|| self.project.lockfiles.iter().flat_map(optional_of_yarn_1).collect())
            .contains(entry)
    }
}

/// Whose files of configuration count for a lockfile. yarn 1 reads none of the later yarns'.
fn installer(lockfile: &LockfileBytes) -> Installer {
    match Format::of(&lockfile.name) {
        Format::Npm => Installer::Npm,
        Format::Pnpm => Installer::Pnpm,
        Format::Bun => Installer::Bun,
        Format::Yarn if YarnLock::of(&lockfile.name, &lockfile.bytes) == Some(YarnLock::Classic) => Installer::Npm,
        Format::Yarn => Installer::Yarn,
    }
}

/// The entries of a lockfile that are optional by what `package.json` beside it says, where it is one of yarn 1.
fn optional_of_yarn_1(lockfile: &LockfileBytes) -> impl Iterator<Item = EntryName> + use<> {
    let is_yarns = Format::of(&lockfile.name) == Format::Yarn;
    let package_json = if is_yarns { std::fs::read(lockfile.folder().join("package.json")).ok() } else { None };
    let paths = package_json.map(|json| lockfile::optional_of_yarn_1(&lockfile.name, &lockfile.bytes, &json));
    let name: std::sync::Arc<str> = lockfile.name.as_str().into();
    let named = move |path: String| EntryName { lockfile: std::sync::Arc::clone(&name), path: path.into() };
    paths.into_iter().flatten().map(named)
}

/// What the package managers' lockfiles say.
pub(super) fn readings(project: &Project) -> Result<Vec<Reading>, CommandError> {
    let read = project.lockfiles.iter().map(|lockfile| lockfile::read(&lockfile.name, &lockfile.bytes));
    let read = read.collect::<Result<Vec<Reading>, _>>().map_err(|problem| BadLockfile {
        folder: project.folder.clone(),
        problem,
        several: project.several.clone().map(Box::new),
    });
    Ok(read?)
}

/// What `larder.lock` says.
pub(super) fn larder_lock(project: &Project) -> Result<Option<LarderLock>, CommandError> {
    let label = |file: &LockfileBytes| format!("{}{}", below(&project.folder), file.name);
    let read = project.larder_lock.as_ref().map(|file| LarderLock::parse(&label(file), &file.bytes));
    Ok(read.transpose()?)
}
