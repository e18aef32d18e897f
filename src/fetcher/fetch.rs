//! Stage 2 of a fetch: [`Fetcher`] looks all downloads up in the store, has the missing ones downloaded, and reports what came of each.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use larder_store::{
    Store, StoreError,
    digest::Algorithm,
    key::{BlobRef, Wanted},
    lookup::Lookup,
};

use super::{
    checked_files::CheckedFiles,
    completed::{self, Completed, Reader},
    downloads::Downloads,
    engine::Engine,
    error::FetchError,
    failure::FailureKind,
    gone,
    job::Job,
    report::FetchReport,
    schedule::{self, Missing},
    settings::FetchSettings,
    watch::{Unwatched, WatchEvent, Watcher},
};
use crate::{config::package_manager::NpmConfig, http::ClientSettings};

/// How often other files are looked for in place of wrong ones: each time may find another one that somebody has put there.
const TRIES: usize = 4;

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
    checked: CheckedFiles,
}

impl Fetcher {
    /// A fetcher into this store, with the configuration of each lockfile. Nothing is opened or asked yet.
    pub fn new(store: Store, configurations: Vec<NpmConfig>, settings: FetchSettings) -> Self {
        let configurations = configurations.into();
        let (look_up, engine, checked) = Default::default();
        Self(Arc::new(Shared { store, configurations, settings, look_up, engine, checked }))
    }

    /// The store that it fetches into.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The large files that were read whole.
    pub(crate) fn checked_files(&self) -> &CheckedFiles {
        &self.0.checked
    }

    /// How requests are made.
    pub(crate) fn client_settings(&self) -> &ClientSettings {
        &self.0.settings.client
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
            report.note_contradictions(completed::of_other_size(downloads, &report.found));
            return Ok(report);
        }
        if !missing.is_empty() {
            schedule::run(&self.engine(look_up)?, missing, is_hurried, watcher, &mut report)?;
        }
        report.note_contradictions(completed::of_other_size(downloads, &report.found));
        report.failures.sort_by(|a, b| a.entries.cmp(&b.entries));
        report.gone.sort_by(|a, b| a.packages[0].entries.cmp(&b.packages[0].entries));
        Ok(report)
    }

    /// What of these downloads is in the store. Nothing is fetched, and no blob is read; an entry that states another length than its blob has is a failure.
    pub fn find<'a>(&self, downloads: &Downloads<'a>) -> Result<Completed<'a>, StoreError> {
        let (_, found) = self.look(downloads)?;
        let failures = completed::of_other_size(downloads, &found).into_iter().map(|(_, failure)| failure).collect();
        let report = FetchReport { failures, ..FetchReport::default() };
        Ok(Completed { items: completed::items(downloads, &found), report, repaired: Vec::new() })
    }

    /// Fetches what is missing or, where no request may be made, names it; then reads every blob that was there before, unless the caller does.
    pub fn ensure<'a>(
        &self,
        downloads: &Downloads<'a>,
        watcher: &Arc<dyn Watcher>,
        reader: Reader,
    ) -> Result<Completed<'a>, FetchError> {
        self.ensure_for(downloads, false, watcher, reader)
    }

    /// [`Fetcher::ensure`] for a few files for which somebody waits: they are published as soon as the disk has them, together with what others pull meanwhile, and
    /// the index is told later.
    pub fn pull<'a>(&self, downloads: &Downloads<'a>) -> Result<Completed<'a>, FetchError> {
        let unwatched: Arc<dyn Watcher> = Arc::new(Unwatched);
        self.ensure_for(downloads, true, &unwatched, Reader::Fetcher)
    }

    fn ensure_for<'a>(
        &self,
        downloads: &Downloads<'a>,
        is_hurried: bool,
        watcher: &Arc<dyn Watcher>,
        reader: Reader,
    ) -> Result<Completed<'a>, FetchError> {
        let store = self.store();
        let mut report = self.fetch_for(downloads, is_hurried, watcher)?;
        let mut repaired = Vec::new();
        let all = if reader == Reader::Fetcher { downloads.all.len() } else { 0 };
        // What came just now was compared as it came.
        let mut unread: Vec<usize> = (0..all).filter(|place| !report.fetched_here.contains(place)).collect();
        for attempt in 0.. {
            if unread.is_empty() || !report.failures.is_empty() {
                break;
            }
            let faults = completed::unfit((store, &self.0.checked), downloads, &report, &unread);
            if faults.is_empty() {
                break;
            }
            let failures = completed::damaged(downloads, &faults);
            if attempt == TRIES || faults.iter().any(|unfit| !completed::is_mendable(store, &unfit.fault)) {
                report.failures = failures;
                break;
            }
            let again = self.fetch_for(downloads, is_hurried, watcher)?;
            // Without a network, the right file may be here all the same.
            if self.0.settings.is_offline && !again.failures.is_empty() {
                report.failures = failures;
                break;
            }
            repaired.extend(completed::repaired_of(downloads, &faults));
            let is_wrong: HashSet<usize> = faults.iter().flat_map(|unfit| unfit.places.iter().copied()).collect();
            unread = (0..downloads.all.len())
                .filter(|place| is_wrong.contains(place) || report.found[*place] != again.found[*place])
                .filter(|place| !again.fetched_here.contains(place))
                .collect();
            report = FetchReport {
                requests: report.requests + again.requests,
                received: report.received + again.received,
                fetched: report.fetched + again.fetched,
                ..again
            };
        }
        Ok(Completed { items: completed::items(downloads, &report.found), report, repaired })
    }

    /// What is here of it now.
    fn look(&self, downloads: &Downloads<'_>) -> Result<(Arc<Lookup>, Vec<Option<BlobRef>>), StoreError> {
        let wanted: Vec<Wanted> = downloads.all.iter().map(|download| download.wanted.clone()).collect();
        self.look_for(&wanted)
    }

    /// The same of what is looked up by these.
    pub(super) fn look_for(&self, wanted: &[Wanted]) -> Result<(Arc<Lookup>, Vec<Option<BlobRef>>), StoreError> {
        let mut kept = self.0.look_up.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look_up) = &*kept {
            let look_up = Arc::clone(look_up);
            drop(kept);
            let found = look_up.look_again(wanted)?;
            return Ok((look_up, found));
        }
        let look_up = Arc::new(self.0.store.lookup(wanted, self.0.settings.now)?);
        let found = wanted.iter().map(|wanted| look_up.find(wanted)).collect();
        *kept = Some(Arc::clone(&look_up));
        Ok((look_up, found))
    }

    pub(super) fn engine(&self, look_up: Arc<Lookup>) -> Result<Arc<Engine>, FetchError> {
        let Shared { store, configurations, settings, engine, .. } = &*self.0;
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engine.as_ref().filter(|engine| engine.committer.is_running()) {
            return Ok(Arc::clone(engine));
        }
        let started = Arc::new(Engine::start(store, look_up, configurations, settings)?);
        *engine = Some(Arc::clone(&started));
        Ok(started)
    }
}

/// What is here as another lockfile's package, for a lockfile that has nothing but the sha1. Every receipt of a fetch has the sha512.
fn known_otherwise(store: &Store, job: &Job) -> Option<BlobRef> {
    let Wanted::Integrity(integrity) = &job.wanted else { return None };
    let is_weak = integrity.strongest().iter().all(|digest| digest.algorithm() == Algorithm::Sha1);
    is_weak.then(|| store.find_by_alternate_digest(&job.origins, integrity))?
}
