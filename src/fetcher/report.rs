//! [`FetchReport`]: what one call of the fetcher found, fetched and could not fetch.

use std::collections::HashSet;

use larder_store::{Store, key::BlobRef};

use super::{
    failure::{Failure, FailureKind},
    gone::{self, Gone},
    job::Job,
};

/// What came of a call.
#[derive(Debug, Default)]
pub struct FetchReport {
    /// Artifacts that were here, or that another larder fetched meanwhile.
    pub already_here: usize,
    /// Artifacts that this run fetched.
    pub fetched: usize,
    /// Artifacts without a digest in the lockfile whose digest the registry stated.
    pub integrity_from_registry: usize,
    /// Artifacts without a digest anywhere, whose bytes were recorded at their first fetch.
    pub recorded: usize,
    /// What could not be had, in the plan's order.
    pub failures: Vec<Failure>,
    /// Optional packages that are gone: nobody has to do without anything else for them.
    pub gone: Vec<Gone>,
    /// Requests made, redirects and retries included.
    pub requests: u64,
    /// Bytes received.
    pub received: u64,
    /// How long the disk was waited for after the last download.
    pub barrier: std::time::Duration,
    /// The blob of each download, in the downloads' order; `None` for what is not here.
    pub found: Vec<Option<BlobRef>>,
    /// Which of them this call fetched: their bytes were compared as they came.
    pub(super) fetched_here: HashSet<usize>,
    /// A remark on the index, if it was not had as usual.
    pub index: Option<larder_store::index::IndexState>,
}

impl FetchReport {
    /// Notes what could not be had: as a failure, unless it is optional and gone.
    pub(super) fn note(&mut self, job: &Job, kind: FailureKind, store: &Store) {
        match gone::or_failure(job, kind, store) {
            Ok(gone) => self.gone.push(gone),
            Err(kind) => self.failures.extend(job.failures(&kind)),
        }
    }

    /// Notes what somebody else had fetched.
    pub(super) fn note_here(&mut self, place: usize, job: &Job, found: BlobRef, is_stated: bool) {
        self.found[place] = Some(found);
        self.already_here += job.artifacts.len();
        if job.lacks_integrity() && is_stated {
            self.integrity_from_registry += job.artifacts.len();
        }
    }

    /// Notes what was fetched.
    pub(super) fn note_fetched(&mut self, place: usize, job: &Job, found: BlobRef, is_stated: bool) {
        self.found[place] = Some(found);
        self.fetched_here.insert(place);
        self.fetched += job.artifacts.len();
        if job.lacks_integrity() {
            let noted = if is_stated { &mut self.integrity_from_registry } else { &mut self.recorded };
            *noted += job.artifacts.len();
        }
    }

    /// Counts artifacts that are here as failures, since their entries contradict them.
    pub(super) fn note_contradictions(&mut self, contradictions: Vec<(usize, Failure)>) {
        for (place, failure) in contradictions {
            let count = if self.fetched_here.contains(&place) { &mut self.fetched } else { &mut self.already_here };
            *count -= 1;
            self.failures.push(failure);
        }
    }

    /// How many artifacts are optional and gone.
    pub fn gone_artifacts(&self) -> usize {
        self.gone.iter().map(|gone| gone.packages.len()).sum()
    }
}
