//! [`Fetcher`]: sees to it that the store has what a plan names. Joins the plan, the configuration, the store and the HTTP client; lives as long as its session, and
//! serves many threads at once.
//!
//! ```text
//! plan + selection ─▶ downloads (downloads.rs), one for each file ─▶ store's look-up ─▶ here │ missing
//! missing + configuration ─▶ jobs ─▶ batch.rs: some at once ─▶ download_job.rs: one ─▶ PartSink ─▶ committer, which all share
//! ```
//!
//! What costs time to make is made when the first file is missing, and kept (engine.rs). However many ask for one file at once, it is downloaded once
//! (flights.rs). Whatever happens to one download does not stop the others, unless the store itself cannot go on. No printing: a [`Watcher`] is told.

mod archive;
mod batch;
mod blocking;
mod credentials;
mod download_job;
mod downloads;
mod engine;
mod ensure;
mod extracted;
mod failure;
mod first_bytes;
mod flights;
mod gone;
mod local;
mod manager_hints;
mod not_found;
mod packuments;
mod pipe_sink;
mod refetch;
mod sink;
mod watch;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    digest::Algorithm,
    key::{BlobRef, Wanted},
    lookup::Lookup,
};

pub(crate) use credentials::{credential, identity_of};
pub use downloads::{Download, Downloads, LeftOut, Optional};
pub use ensure::{Completed, Reader, Repaired, Stored};
pub use failure::{Failure, FailureKind, Fault, HELD};
pub use gone::Gone;
pub use watch::{Unwatched, WatchEvent, Watcher};

use self::{batch::Missing, downloads::Job, engine::Engine};
use crate::{
    config::{error::ConfigError, package_manager::NpmConfig},
    http::{ClientError, ClientSettings},
};

/// How missing files are fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// How requests are made.
    pub client: ClientSettings,
    /// Downloads at once.
    pub jobs: usize,
    /// Make no request: what is missing is a failure.
    pub is_offline: bool,
    /// Refuse what the lockfile states no digest of.
    pub requires_integrity: bool,
    /// The time that is noted.
    pub now: Timestamp,
}

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
    fetched_here: HashSet<usize>,
    /// A remark on the index, if it was not had as usual.
    pub index: Option<larder_store::index::IndexState>,
}

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A program that should print a token does not.
    #[error(transparent)]
    Npmrc(#[from] ConfigError),
    /// The system gives no threads.
    #[error("cannot start the threads for downloading")]
    Runtime(#[source] std::io::Error),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// Fetches what a store lacks. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    configurations: Arc<[NpmConfig]>,
    settings: FetchSettings,
    /// What was found so far of all that was asked for.
    look_up: Mutex<Option<Arc<Lookup>>>,
    engine: Mutex<Option<Arc<Engine>>>,
}

impl Fetcher {
    /// A fetcher into this store, with the configuration of each lockfile. Nothing is opened or asked yet.
    pub fn new(store: Store, configurations: Vec<NpmConfig>, settings: FetchSettings) -> Self {
        let configurations = configurations.into();
        Self(Arc::new(Shared { store, configurations, settings, look_up: Mutex::default(), engine: Mutex::default() }))
    }

    /// The store that it fetches into.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Sees to it that the store has these files. What was there before is not read: see [`Fetcher::ensure`].
    pub fn fetch(&self, downloads: &Downloads<'_>, watcher: &Arc<dyn Watcher>) -> Result<FetchReport, FetchError> {
        self.fetch_for(downloads, false, watcher)
    }

    fn fetch_for(
        &self,
        downloads: &Downloads<'_>,
        is_hurried: bool,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<FetchReport, FetchError> {
        let Shared { store, settings, .. } = &*self.0;
        let mut report = FetchReport { failures: downloads.failures.clone(), ..FetchReport::default() };
        let (look_up, all_found) = self.look(downloads)?;
        let mut missing: Vec<Missing> = Vec::new();
        for (place, (download, found)) in downloads.all.iter().zip(all_found).enumerate() {
            let is_refused = settings.requires_integrity && matches!(download.wanted, Wanted::Identity(_));
            let known = if is_refused { None } else { found };
            let job = if known.is_some() { None } else { Some(downloads.job(download)) };
            let here = known.or_else(|| known_otherwise(store, job.as_ref()?.as_ref().ok()?));
            report.found.push(here);
            if let Some(found) = here {
                report.already_here += download.artifacts();
                watcher.event(WatchEvent::Here { files: 1, bytes: found.size });
                continue;
            }
            match job.expect("worked out for what is not here") {
                Ok(job) if is_refused => report.failures.extend(job.failures(&FailureKind::NoIntegrity)),
                Ok(job) if settings.is_offline => report.note(&job, FailureKind::Offline, store),
                Ok(job) => missing.push((place, job)),
                Err(failures) => report.failures.extend(failures),
            }
        }
        report.index = Some(look_up.index_state());
        if !missing.is_empty() && !store.is_writable() {
            // What was gone before need not be asked for.
            for (_, job) in &missing {
                let read_only = |_| StoreError::ReadOnly { root: store.root().to_owned() };
                report.gone.push(gone::or_failure(job, FailureKind::Offline, store).map_err(read_only)?);
            }
            return Ok(report);
        }
        if !missing.is_empty() {
            batch::run(&self.engine(look_up)?, missing, is_hurried, watcher, &mut report)?;
        }
        report.failures.sort_by(|a, b| a.entries.cmp(&b.entries));
        report.gone.sort_by(|a, b| a.packages[0].entries.cmp(&b.packages[0].entries));
        Ok(report)
    }

    /// What is here of it now.
    fn look(&self, downloads: &Downloads<'_>) -> Result<(Arc<Lookup>, Vec<Option<BlobRef>>), StoreError> {
        let wanted: Vec<Wanted> = downloads.all.iter().map(|download| download.wanted.clone()).collect();
        let mut kept = self.0.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look_up) = &*kept {
            let look_up = Arc::clone(look_up);
            drop(kept);
            let found = look_up.look_again(&wanted)?;
            return Ok((look_up, found));
        }
        let look_up = Arc::new(self.0.store.lookup(&wanted, self.0.settings.now)?);
        let found = wanted.iter().map(|wanted| look_up.find(wanted)).collect();
        *kept = Some(Arc::clone(&look_up));
        Ok((look_up, found))
    }

    fn engine(&self, look_up: Arc<Lookup>) -> Result<Arc<Engine>, FetchError> {
        let Shared { store, configurations, settings, engine, .. } = &*self.0;
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*engine {
            return Ok(Arc::clone(engine));
        }
        let started = Arc::new(Engine::start(store, look_up, configurations, settings)?);
        *engine = Some(Arc::clone(&started));
        Ok(started)
    }
}

impl FetchReport {
    /// Notes what could not be had: as a failure, unless it is optional and gone.
    fn note(&mut self, job: &Job, kind: FailureKind, store: &Store) {
        match gone::or_failure(job, kind, store) {
            Ok(gone) => self.gone.push(gone),
            Err(kind) => self.failures.extend(job.failures(&kind)),
        }
    }

    /// Notes what somebody else had fetched.
    fn note_here(&mut self, place: usize, job: &Job, found: BlobRef, is_stated: bool) {
        self.found[place] = Some(found);
        self.already_here += job.artifacts.len();
        if job.lacks_integrity() && is_stated {
            self.integrity_from_registry += job.artifacts.len();
        }
    }

    /// Notes what was fetched.
    fn note_fetched(&mut self, place: usize, job: &Job, found: BlobRef, is_stated: bool) {
        self.found[place] = Some(found);
        self.fetched_here.insert(place);
        self.fetched += job.artifacts.len();
        if job.lacks_integrity() {
            let noted = if is_stated { &mut self.integrity_from_registry } else { &mut self.recorded };
            *noted += job.artifacts.len();
        }
    }

    /// How many artifacts are optional and gone.
    pub fn gone_artifacts(&self) -> usize {
        self.gone.iter().map(|gone| gone.packages.len()).sum()
    }
}

/// What is here as another lockfile's package, for a lockfile that has nothing but the sha1. Every receipt of a fetch has the sha512.
fn known_otherwise(store: &Store, job: &Job) -> Option<BlobRef> {
    let Wanted::Integrity(integrity) = &job.wanted else { return None };
    let is_weak = integrity.strongest().iter().all(|digest| digest.algorithm() == Algorithm::Sha1);
    is_weak.then(|| store.find_by_alternate_digest(&job.origins, integrity))?
}
