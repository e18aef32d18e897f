//! Pyodide's part of `larder.lock`: which files of its distribution and of the index a project needs.

use std::{collections::BTreeMap, sync::Arc};

use larder_store::Store;
use pep440_rs::Version;

use super::{
    error::LockError,
    index,
    runtime::{self, Base},
};
use crate::{
    cli,
    commands::{context::Context, error::CommandError},
    config::{larder_toml::PyodideSettings, package_manager::NpmConfig, project::Project},
    core::{file_host::FileHost, interrupt::Interrupt},
    lockfile::{
        Reading,
        larder_lock::{LockedRuntime, LockedSource, PyodideLock},
    },
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
    ui::resolving,
};

/// What a project's Pyodide is locked from.
pub(super) struct Request<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: &'a PyodideSettings,
    pub(super) readings: &'a [Reading],
    pub(super) before: Option<&'a PyodideLock>,
    pub(super) arguments: &'a cli::Lock,
    pub(super) npm: &'a NpmConfig,
}

/// Chooses the files. What is remarkable is told, and comes back.
pub(super) fn lock(
    request: &Request<'_>,
    store: &Store,
    interrupt: &Interrupt,
    context: &Context<'_>,
) -> Result<(PyodideLock, Vec<String>), CommandError> {
    let Request { project, settings, readings, before, npm, .. } = *request;
    let chosen = runtime::choose(project, settings, readings, before)?;
    let base = runtime::fetch(chosen, store, project, npm, context)?;
    let asking = Asking { watcher: resolving::watcher(context.printer), interrupt };
    let locked = resolved(&base, request, &asking);
    asking.watcher.event(IndexEvent::Over);
    let (locked, warnings) = locked?;
    if interrupt.came() {
        return Err(LockError::Index(IndexError::Interrupted).into());
    }
    for warning in &warnings {
        context.printer.warning(warning);
    }
    Ok((locked, warnings))
}

/// Who sees what the index is asked, and who can stop it.
struct Asking<'a> {
    watcher: Arc<dyn IndexWatcher>,
    interrupt: &'a Interrupt,
}

/// Resolves, and pins the result.
fn resolved(base: &Base, request: &Request<'_>, asking: &Asking<'_>) -> Result<(PyodideLock, Vec<String>), LockError> {
    let Request { project, settings, before, arguments, npm, .. } = *request;
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
pub(super) fn refuse_unknown(before: Option<&PyodideLock>, upgrade: Option<&[ProjectName]>) -> Result<(), LockError> {
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
