//! `larder lock`: chooses the files of a project's Pyodide and writes them down in `larder.lock`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use pep440_rs::Version;
use serde::Serialize;

use self::{changes::Change, runtime::Base};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        outcome::Outcome,
    },
    config::{larder_toml::PyodideSettings, package_manager::NpmConfig, project::Project},
    core::{file_host::FileHost, interrupt::Interrupt},
    lockfile::larder_lock::{LARDER_LOCK, LarderLock, LockedRuntime, LockedSource, PyodideLock},
    pyodide::{
        distribution::Distribution,
        from_resolution::{self, LockInput},
        index::{
            IndexError,
            events::{IndexEvent, IndexWatcher},
        },
        resolve::{self, Resolution},
    },
    python::name::ProjectName,
    session,
    ui::{resolving, units},
};

mod changes;
mod error;
mod index;
mod rows;
mod runtime;
mod write;

pub(super) use error::LockError;
pub(super) use write::whole as write_whole;

#[derive(Serialize)]
struct Document {
    lockfile: String,
    runtime: String,
    is_changed: bool,
    packages: usize,
    distribution: usize,
    index: usize,
    changes: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &cli::Lock, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let project = Project::open(&arguments.project)?;
    let readings = session::readings(&project)?;
    let before = session::larder_lock(&project)?.unwrap_or_default();
    if arguments.check {
        rows::check(&project, &readings, &before, context)?;
    }
    let settings = project.settings.pyodide.clone();
    let settings = settings.ok_or_else(|| LockError::NoPyodide { folder: project.folder.clone() })?;
    let pyodide = before.pyodide.as_ref();
    let folder = project.folder.as_path();
    let npm = NpmConfig::load_for(context.environment, folder, None, arguments.trust_project_config)?;
    for warning in npm.warnings() {
        context.printer.warning(&warning.to_string());
    }
    refuse_unknown(pyodide, arguments.upgrade.as_deref())?;
    let store = context.open_store()?;
    let chosen = runtime::choose(&project, &settings, &readings, pyodide)?;
    let base = runtime::fetch(chosen, &store, &project, &npm, context)?;
    let asking = Asking { watcher: resolving::watcher(context.printer), interrupt: &interrupt };
    let locked = lock(&base, &settings, pyodide, arguments, &project, &npm, &asking);
    asking.watcher.event(IndexEvent::Over);
    let (locked, warnings) = locked?;
    if interrupt.came() {
        return Err(LockError::Index(IndexError::Interrupted).into());
    }
    for warning in &warnings {
        context.printer.warning(warning);
    }
    finish(locked, before, arguments, &project, context, warnings)
}

/// Who sees what the index is asked, and who can stop it.
struct Asking<'a> {
    watcher: Arc<dyn IndexWatcher>,
    interrupt: &'a Interrupt,
}

/// Resolves, and pins the result.
fn lock(
    base: &Base,
    settings: &PyodideSettings,
    before: Option<&PyodideLock>,
    arguments: &cli::Lock,
    project: &Project,
    npm: &NpmConfig,
    asking: &Asking<'_>,
) -> Result<(PyodideLock, Vec<String>), LockError> {
    let (file_name, bytes) = base.core.lock();
    let distribution = Distribution::read(file_name.as_str(), bytes)
        .map_err(|source| LockError::Distribution { version: base.version.clone(), source: Box::new(source) })?;
    let runtime = base.release(&distribution)?;
    let host = FileHost::new(settings.files.as_ref());
    let (watcher, interrupt) = (Arc::clone(&asking.watcher), asking.interrupt.clone());
    let index = index::client(settings, &host, npm, &project.settings, watcher, interrupt)?;
    let preferred = preferred(before, arguments.upgrade.as_deref());
    let request = resolve::Request {
        runtime: &runtime,
        distribution: &distribution,
        requirements: &settings.packages,
        preferred: &preferred,
        exclude_newer: settings.exclude_newer,
    };
    let Resolution { packages, warnings } = resolve::resolve(request, &index)?;
    let resolution = Resolution { packages, warnings: Vec::new() };
    let read = index::unstated_digests(&index, &resolution)?;
    let given = LockInput {
        runtime: LockedRuntime { release: runtime, url: base.url.clone(), integrity: Some(base.integrity.clone()) },
        base: (file_name, bytes),
        distribution: &distribution,
        requirements: &settings.packages,
        exclude_newer: settings.exclude_newer,
        host: &host,
        read: &read,
    };
    Ok((from_resolution::lock(&given, &resolution), warnings))
}

/// A name that is mistyped must not look as if it had been upgraded.
fn refuse_unknown(before: Option<&PyodideLock>, upgrade: Option<&[ProjectName]>) -> Result<(), LockError> {
    let is_known =
        |name: &ProjectName| before.is_some_and(|lock| lock.packages.iter().any(|package| package.name == *name));
    let unknown: Vec<&str> =
        upgrade.unwrap_or_default().iter().filter(|name| !is_known(name)).map(ProjectName::as_str).collect();
    if unknown.is_empty() { Ok(()) } else { Err(LockError::NothingToUpgrade { names: unknown.join(", ") }) }
}

/// The versions of the index that an earlier lock chose, without those that are to be chosen anew.
fn preferred(before: Option<&PyodideLock>, upgrade: Option<&[ProjectName]>) -> BTreeMap<ProjectName, Version> {
    let is_kept = |name: &ProjectName| match upgrade {
        None => true,
        Some([]) => false,
        Some(names) => !names.contains(name),
    };
    let packages = before.iter().flat_map(|lock| &lock.packages);
    packages
        .filter(|package| matches!(package.source, LockedSource::Index { .. }) && is_kept(&package.name))
        .filter_map(|package| Some((package.name.clone(), package.version.as_str().parse().ok()?)))
        .collect()
}

fn finish(
    locked: PyodideLock,
    before: LarderLock,
    arguments: &cli::Lock,
    project: &Project,
    context: &Context<'_>,
    warnings: Vec<String>,
) -> Result<Outcome, CommandError> {
    let path: PathBuf = project.folder.join(LARDER_LOCK);
    let changes: Vec<String> =
        changes::between(before.pyodide.as_ref(), &locked).iter().map(Change::to_string).collect();
    // What was recorded stays as it is.
    let after = LarderLock { pyodide: Some(locked), ..before };
    let (text, lock) = (after.to_text(), after.pyodide.as_ref().expect("it was put there"));
    let is_changed = project.larder_lock.as_ref().is_none_or(|file| *file.bytes != *text.as_bytes());
    let distribution = lock.packages.iter().filter(|package| package.source == LockedSource::Distribution).count();
    let index = lock.packages.len() - distribution;
    if is_changed && !arguments.check {
        write::whole(&path, text.as_bytes()).map_err(|source| LockError::Write { path: path.clone(), source })?;
    }
    let runtime = lock.runtime.release.version();
    context.printer.line(&format!(
        "{} for Pyodide {runtime} = {} of its distribution + {} of the index",
        units::plural(lock.packages.len(), "package", "packages"),
        units::count(distribution),
        units::count(index)
    ));
    for change in &changes {
        context.printer.line(change);
    }
    context.printer.line(match (is_changed, arguments.check) {
        (false, _) => "larder.lock is up to date",
        (true, false) => "larder.lock is written",
        (true, true) => "larder.lock would change",
    });
    context.printer.json(&Document {
        lockfile: path.display().to_string(),
        runtime: runtime.to_string(),
        is_changed,
        packages: lock.packages.len(),
        distribution,
        index,
        changes,
        warnings,
    });
    if is_changed && arguments.check {
        return Err(LockError::WouldChange { path }.into());
    }
    Ok(Outcome::Done)
}
