//! [`ReadProject`]: from a path to a plan.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    freshness::{self, NoLarderLock, OutdatedLock},
    own_downloads::{unlocked_downloads, wanted_rows},
    selection::{self, SelectionOptions, UnknownPlatform},
    warning::Warning,
};
use crate::{
    config::project::{LockfileBytes, Project, ProjectError, Several},
    core::{environment::Environment, manifest::Manifests, path_error::below},
    fetcher::Optional,
    lockfile::{
        self, Format, LockfileError, MissingOptional, Reading,
        larder_lock::{LARDER_LOCK, LarderLock, LockFileError, PyodideLock},
    },
    plan::{
        EntryName, Plan, PlanError, StaleRow,
        selection::{Platforms, Selection},
    },
    run::script_policy::ScriptPolicy,
};

/// Why a project cannot be read or planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is none, or a file of it cannot be read.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A lockfile that is none.
    #[error("{}{problem}", below(folder))]
    Lockfile {
        /// The project's folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: LockfileError,
        /// The lockfiles of other package managers beside it.
        several: Option<Box<Several>>,
    },
    /// A `larder.lock` that is none.
    #[error(transparent)]
    LarderLock(#[from] LockFileError),
    /// Pyodide is all that the project has, and it is not locked.
    #[error(transparent)]
    NoLarderLock(#[from] NoLarderLock),
    /// `larder.lock` was made for something else.
    #[error(transparent)]
    OutdatedLock(#[from] OutdatedLock),
    /// `larder.toml` names a platform that is none.
    #[error(transparent)]
    UnknownPlatform(#[from] UnknownPlatform),
    /// Its lockfiles contradict each other.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// A project that was read, and its plan.
#[derive(Debug)]
pub struct ReadProject {
    pub(crate) project: Project,
    pub(crate) plan: Plan,
    /// `larder.lock`, if it is there.
    pub(crate) larder_lock: Option<LarderLock>,
    /// By their lockfile's name, what its entries name as optional and it has no entry for.
    missing: Vec<(String, MissingOptional)>,
    /// What is optional in lockfiles of yarn 1, which do not say it themselves.
    optional_of_yarn_1: OnceLock<HashSet<EntryName>>,
}

impl ReadProject {
    /// Reads a project's lockfiles and plans them.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        Self::read_for(path, &[])
    }

    /// The same for a command that calls these package managers.
    pub fn read_for(path: &Path, called: &[Format]) -> Result<Self, ReadError> {
        Self::of(Project::open_for(path, called)?)
    }

    /// Plans a project that was opened.
    pub(super) fn of(project: Project) -> Result<Self, ReadError> {
        let mut readings = readings(&project)?;
        selection::platforms_of(&project)?;
        let larder_lock = larder_lock(&project)?;
        if larder_lock.is_none() && project.lockfiles.is_empty() {
            return Err(NoLarderLock { path: project.folder.join(LARDER_LOCK), is_there: false }.into());
        }
        if let Some(lock) = &larder_lock {
            // Downloads are not made from anything that could have changed since.
            if let Some(pyodide) = &lock.pyodide {
                freshness::check(&project, &readings, pyodide)?;
            }
            let reading = lockfile::of_larder_lock(LARDER_LOCK, lock);
            // What is in a lockfile that cannot be read is not known.
            readings.push(if project.passed_over.is_empty() { reading } else { reading.for_any_packages() });
        }
        let plan = Plan::new(&readings)?;
        let missing =
            |reading: Reading| reading.missing.into_iter().map(move |missing| (reading.lockfile.to_string(), missing));
        let missing = readings.into_iter().flat_map(missing).collect();
        Ok(Self { plan, project, larder_lock, missing, optional_of_yarn_1: OnceLock::new() })
    }

    /// A project as it is before its `larder.lock` is written anew: what that has is not in the plan.
    pub(crate) fn without_larder_lock(project: Project, readings: &[Reading]) -> Result<Self, ReadError> {
        selection::platforms_of(&project)?;
        let plan = Plan::new(readings)?;
        let project = Project { larder_lock: None, ..project };
        Ok(Self { plan, project, larder_lock: None, missing: Vec::new(), optional_of_yarn_1: OnceLock::new() })
    }

    /// What should be known of the project's lockfiles.
    pub fn warnings(&self) -> Vec<Warning> {
        let project = &self.project;
        let mut warnings = Vec::new();
        if let (Some(member), Some(lockfile)) = (&project.member, project.lockfiles.first()) {
            warnings.push(Warning::Member { member: member.clone(), lockfile: lockfile.path.clone() });
        }
        if let Some(several) = &project.several {
            warnings.push(Warning::Several { folder: project.folder.clone(), several: several.clone() });
        }
        warnings.extend(project.passed_over.iter().map(|name| Warning::PassedOver { name }));
        let unused: Vec<StaleRow> = self.plan.unused().cloned().collect();
        // Those of a lockfile that is left out may be for its packages.
        if !unused.is_empty() && !project.leaves_lockfiles_out() {
            warnings.push(Warning::UnusedRows(unused));
        }
        if !self.missing.is_empty() {
            warnings.push(Warning::MissingOptional(self.missing.clone()));
        }
        warnings
    }

    /// What should be known of `larder.lock` before a fetch.
    pub fn lock_warnings(&self) -> Vec<Warning> {
        freshness::warnings(&self.project, &self.plan, self.larder_lock.as_ref())
    }

    /// Warns of packages of the selected part of the plan that download files themselves. `scripts` says what the package manager of a lockfile does with install scripts.
    pub(crate) fn own_downloads(
        &self,
        selection: &Selection,
        environment: &Environment,
        scripts: &dyn Fn(&LockfileBytes) -> ScriptPolicy,
    ) -> Option<Warning> {
        let rows = self.larder_lock.as_ref().map_or(&[][..], |lock| &lock.downloads);
        let read = (&self.project, &self.plan, &wanted_rows(rows, &self.plan, selection)[..]);
        let downloads = unlocked_downloads(read, selection, || self.manifests(), environment, scripts);
        (!downloads.is_empty()).then_some(Warning::OwnDownloads(downloads))
    }

    /// What the lockfiles say of packages.
    pub(super) fn manifests(&self) -> Manifests {
        let mut manifests = Manifests::default();
        for lockfile in &self.project.lockfiles {
            manifests.extend(lockfile::manifests(&lockfile.name, &lockfile.bytes));
        }
        manifests
    }

    /// Which part of the plan is wanted. `default` are the platforms where nobody names one.
    pub fn selection(&self, options: &SelectionOptions, default: Platforms) -> Result<Selection, UnknownPlatform> {
        selection::select(options, &self.project, default)
    }

    /// The Pyodide that `larder.lock` pins, if it does.
    pub(crate) fn pyodide_lock(&self) -> Option<&PyodideLock> {
        self.larder_lock.as_ref()?.pyodide.as_ref()
    }

    /// The same of a project that has to have one.
    pub(crate) fn require_pyodide_lock(&self) -> Result<&PyodideLock, NoLarderLock> {
        let path = || self.project.folder.join(LARDER_LOCK);
        match &self.larder_lock {
            None => Err(NoLarderLock { path: path(), is_there: false }),
            Some(lock) => lock.pyodide.as_ref().ok_or_else(|| NoLarderLock { path: path(), is_there: true }),
        }
    }

    /// All lockfiles, `larder.lock` last.
    pub fn lockfiles(&self) -> impl Iterator<Item = &LockfileBytes> {
        self.project.lockfiles.iter().chain(&self.project.larder_lock)
    }
}

impl Optional for ReadProject {
    fn is_optional(&self, entry: &EntryName) -> bool {
        self.optional_of_yarn_1
            .get_or_init(|| self.project.lockfiles.iter().flat_map(optional_of_yarn_1).collect())
            .contains(entry)
    }
}

/// The entries of a lockfile that are optional by what `package.json` beside it says, where it is one of yarn 1.
fn optional_of_yarn_1(lockfile: &LockfileBytes) -> impl Iterator<Item = EntryName> + use<> {
    let is_yarns = Format::of(&lockfile.name) == Format::Yarn;
    let package_json = if is_yarns { std::fs::read(lockfile.folder().join("package.json")).ok() } else { None };
    let paths = package_json.map(|json| lockfile::optional_of_yarn_1(&lockfile.name, &lockfile.bytes, &json));
    let name: Arc<str> = lockfile.name.as_str().into();
    let named = move |path: String| EntryName { lockfile: Arc::clone(&name), path: path.into() };
    paths.into_iter().flatten().map(named)
}

/// What the package managers' lockfiles say.
pub(crate) fn readings(project: &Project) -> Result<Vec<Reading>, ReadError> {
    let read = project.lockfiles.iter().map(|lockfile| lockfile::read(&lockfile.name, &lockfile.bytes));
    read.collect::<Result<Vec<Reading>, _>>().map_err(|problem| ReadError::Lockfile {
        folder: project.folder.clone(),
        problem,
        several: project.several.clone().map(Box::new),
    })
}

/// What `larder.lock` says.
pub(crate) fn larder_lock(project: &Project) -> Result<Option<LarderLock>, ReadError> {
    let label = |file: &LockfileBytes| format!("{}{}", below(&project.folder), file.name);
    let read = project.larder_lock.as_ref().map(|file| LarderLock::parse(&label(file), &file.bytes));
    Ok(read.transpose()?)
}
