//! The first step of each view of a `larder.lock`: opens the project, reads its lock, and loads the locked files from the store.

use std::{path::Path, slice};

use larder_store::{Store, key::Wanted, verify::verify_wanted};

use super::provision::{Project, shortfall};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, NoLarderLock},
        outcome::Outcome,
    },
    lockfile::larder_lock::{LARDER_LOCK, LarderLock},
    view::locked_files::{self, LockedFileProblem, LockedFiles, LockedFilesError},
};

/// A project that has a `larder.lock`.
pub(super) struct Locked {
    pub(super) project: Project,
    pub(super) lock: LarderLock,
}

impl Locked {
    pub(super) fn read(path: &Path, trusts_project: bool, context: &Context<'_>) -> Result<Self, CommandError> {
        let mut projects = Project::read_all(slice::from_ref(&path.to_owned()), trusts_project, context)?;
        let mut project = projects.remove(0);
        let lock = project.input.larder_lock.take();
        let lock = lock.ok_or_else(|| NoLarderLock { path: project.input.project.folder.join(LARDER_LOCK) })?;
        Ok(Self { project, lock })
    }

    /// What is in the store, after what was missing or damaged has been fetched; or how the command ends because something still is.
    pub(super) fn load(
        &self,
        with_runtime: bool,
        fetching: &cli::Fetching,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Result<LockedFiles, Outcome>, CommandError> {
        let load = || locked_files::load(store, &self.lock, with_runtime, context.now, threads());
        let problems = match load() {
            Err(LockedFilesError::Problems { problems })
                if !fetching.offline && problems.iter().any(LockedFileProblem::is_curable) =>
            {
                problems
            }
            loaded => return Ok(Ok(loaded?)),
        };
        let damaged: Vec<_> = problems.iter().filter_map(LockedFileProblem::damaged).collect();
        if !damaged.is_empty() {
            // Sets them aside, or sets right what led to them, so that they count as missing.
            let wanted = damaged.iter().map(|(_, found, integrity)| (*found, Wanted::Integrity((*integrity).clone())));
            let wanted: Vec<_> = wanted.collect();
            let wanted: Vec<_> = wanted.iter().map(|(found, wanted)| (*found, wanted)).collect();
            verify_wanted(store, &wanted, threads());
        }
        let supply = self.project.complete_lockfile(LARDER_LOCK, fetching, store, context)?;
        if let Some(fault) = shortfall(&supply) {
            return Ok(Err(fault.into()));
        }
        let files = load()?;
        for (package, _, _) in damaged {
            context.printer.warning(&format!("{package}: its blob was damaged, and was fetched again"));
        }
        Ok(Ok(files))
    }
}

/// How many files are read at once.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
