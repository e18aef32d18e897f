//! The first step of each view of the Pyodide in a `larder.lock`: opens the project, reads its lock, and loads the locked files from the store.

use std::{path::Path, slice, sync::Arc};

use super::provision;
use crate::{
    commands::{context::Context, error::CommandError, outcome::Outcome},
    fetcher::Reader,
    lockfile::larder_lock::PyodideLock,
    session::{ConfiguredProject, Locked, Session},
    view::locked_files::{LockedFileProblem, LockedFiles, LockedFilesError},
};

/// Reads a project whose `larder.lock` pins Pyodide.
pub(super) fn read_locked(
    path: &Path,
    trusts_project: bool,
    context: &Context<'_>,
) -> Result<Arc<ConfiguredProject>, CommandError> {
    let mut projects = provision::read_all(slice::from_ref(&path.to_owned()), trusts_project, context)?;
    let project = projects.remove(0);
    project.read.require_pyodide_lock()?;
    Ok(project)
}

/// What the lock names, after what was missing or damaged has been fetched; or how the command ends because something still is.
pub(super) fn load(
    session: &Session,
    lock: &PyodideLock,
    with_runtime: bool,
    context: &Context<'_>,
) -> Result<Result<LockedFiles, Outcome>, CommandError> {
    let problems = match session.load_locked(lock, with_runtime)? {
        Locked::Files(files) => return Ok(Ok(files)),
        Locked::Curable(problems) => problems,
    };
    let completed = provision::ensure(session, &session.downloads_to_cure(&problems), Reader::Caller, context)?;
    if let Some(fault) = provision::shortfall(&completed) {
        return Ok(Err(fault.into()));
    }
    let files = match session.load_locked(lock, with_runtime)? {
        Locked::Files(files) => files,
        Locked::Curable(problems) => return Err(LockedFilesError::Problems { problems }.into()),
    };
    for (package, _, _) in problems.iter().filter_map(LockedFileProblem::damaged) {
        context.printer.warning(&format!("{package}: its blob was damaged, and was fetched again"));
    }
    Ok(Ok(files))
}
