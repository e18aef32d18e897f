//! What a `larder.lock` names, out of the store. Its reader finds damage as it reads, so that nothing is read twice.

use larder_store::{
    key::Wanted,
    verify::{Depth, verify_wanted},
};

use super::{open::Session, settings::threads};
use crate::{
    fetcher::Downloads,
    lockfile::larder_lock::PyodideLock,
    view::locked_files::{self, LockedFileProblem, LockedFiles, LockedFilesError},
};

/// What a `larder.lock` names, or what a fetch may put right.
pub(crate) enum Locked {
    /// All of it.
    Files(LockedFiles),
    /// What is missing or damaged.
    Curable(Vec<LockedFileProblem>),
}

impl Session {
    /// Reads what the lock names, with or without Pyodide itself.
    pub(crate) fn load_locked(&self, lock: &PyodideLock, with_runtime: bool) -> Result<Locked, LockedFilesError> {
        match locked_files::load(self.store(), lock, with_runtime, self.now, threads()) {
            Err(LockedFilesError::Problems { problems })
                if !self.is_offline && problems.iter().any(LockedFileProblem::is_curable) =>
            {
                Ok(Locked::Curable(problems))
            }
            loaded => loaded.map(Locked::Files),
        }
    }

    /// What is to be downloaded to put these right. Damaged blobs are set aside, or what led to them is set right, so that they count as missing. The caller reads what comes.
    pub(crate) fn downloads_to_cure(&self, problems: &[LockedFileProblem]) -> Downloads<'_> {
        let damaged = problems.iter().filter_map(LockedFileProblem::damaged);
        let wanted = damaged.map(|(_, found, integrity)| (found, Wanted::Integrity(integrity.clone())));
        let wanted: Vec<_> = wanted.collect();
        let wanted: Vec<_> = wanted.iter().map(|(found, wanted)| (*found, wanted, Depth::Digests)).collect();
        if !wanted.is_empty() {
            verify_wanted(self.store(), &wanted, threads());
        }
        self.project.downloads_of_pyodide()
    }
}
