//! Filling a store with what a plan names: joins the plan, the configuration, the store and the fetch engine.
//!
//! ```text
//! plan + selection ─▶ wishes (order.rs), one for each file ─▶ store's look-up ─▶ here │ missing
//! missing + configuration ─▶ orders (order.rs) ─▶ schedule.rs: some at once ─▶ one order (errand.rs) ─▶ PartSink ─▶ committer
//! ```
//!
//! Whatever happens to one order does not stop the others, unless the store itself cannot go on. No printing: a [`Watcher`] is told.

mod again;
mod archive;
mod credentials;
pub mod ensure;
mod errand;
mod failure;
mod first_bytes;
mod gone;
mod inflow;
mod local;
mod manager_hints;
mod not_found;
mod order;
mod packuments;
mod schedule;
mod sink;
mod spool;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    commit::Committed,
    digest::Algorithm,
    look_up::{Found, LookUp, Wanted},
};

pub(crate) use credentials::{credential, identity_of};
pub use failure::{Failure, FailureKind, Fault, HELD};
pub use gone::Gone;
pub use order::{LeftOut, Optional, Order, Wish, Wishes};
pub use watch::{Unwatched, WatchEvent, Watcher};

use crate::{
    config::{error::ConfigError, package_manager::NpmConfig},
    core::open_files,
    http::{Client, ClientError, ClientSettings},
};

/// How orders are filled.
#[derive(Clone, Debug)]
pub struct FillSettings {
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

/// What became of the orders.
#[derive(Debug, Default)]
pub struct Filled {
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
    /// The blob of each wish, in the wishes' order; `None` for what is not here.
    pub found: Vec<Option<Found>>,
    /// A remark on the index, if it was not had as usual.
    pub index: Option<larder_store::index::IndexState>,
}

/// Why nothing could be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
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

/// Sees to it that the store has what is wished for.
pub fn fill(
    store: &Store,
    wishes: &Wishes<'_>,
    configurations: &[NpmConfig],
    settings: FillSettings,
    watcher: &Arc<dyn Watcher>,
) -> Result<Filled, FillError> {
    let mut filled = Filled { failures: wishes.failures.clone(), ..Filled::default() };
    let wanted: Vec<_> = wishes.wishes.iter().map(|wish| wish.wanted.clone()).collect();
    let look_up = Arc::new(store.look_up(&wanted, settings.now)?);
    let mut missing = Vec::new();
    for wish in &wishes.wishes {
        let is_refused = settings.requires_integrity && matches!(wish.wanted, Wanted::Identity(_));
        let known = if is_refused { None } else { look_up.find(&wish.wanted) };
        let order = if known.is_some() { None } else { Some(wishes.order(wish)) };
        let here = known.or_else(|| known_otherwise(store, order.as_ref()?.as_ref().ok()?));
        filled.found.push(here);
        if let Some(found) = here {
            filled.already_here += wish.artifacts();
            watcher.event(WatchEvent::Here { files: 1, bytes: found.size });
            continue;
        }
        match order.expect("worked out for what is not here") {
            Ok(order) if is_refused => filled.failures.extend(order.failures(&FailureKind::NoIntegrity)),
            Ok(order) if settings.is_offline => filled.note(&order, FailureKind::Offline, store),
            Ok(order) => missing.push(order),
            Err(failures) => filled.failures.extend(failures),
        }
    }
    filled.index = Some(look_up.index_state());
    if !missing.is_empty() {
        if !store.is_writable() {
            // What was gone before need not be asked for.
            for order in &missing {
                let read_only = |_| StoreError::ReadOnly { root: store.root().to_owned() };
                filled.gone.push(gone::or_failure(order, FailureKind::Offline, store).map_err(read_only)?);
            }
            return Ok(filled);
        }
        let now = settings.now;
        download(store, &look_up, missing, configurations, settings, watcher, &mut filled)?;
        find_fetched(store, &look_up, &wanted, now, &mut filled)?;
    }
    filled.failures.sort_by(|a, b| a.entries.cmp(&b.entries));
    filled.gone.sort_by(|a, b| a.packages[0].entries.cmp(&b.packages[0].entries));
    Ok(filled)
}

impl Filled {
    /// Notes what could not be had: as a failure, unless it is optional and gone.
    fn note(&mut self, order: &Order, kind: FailureKind, store: &Store) {
        match gone::or_failure(order, kind, store) {
            Ok(gone) => self.gone.push(gone),
            Err(kind) => self.failures.extend(order.failures(&kind)),
        }
    }

    /// How many artifacts are optional and gone.
    pub fn gone_artifacts(&self) -> usize {
        self.gone.iter().map(|gone| gone.packages.len()).sum()
    }
}

/// What is here as another lockfile's package, for a lockfile that has nothing but the sha1. Every receipt of a fetch has the sha512.
fn known_otherwise(store: &Store, order: &Order) -> Option<Found> {
    let Wanted::Integrity(integrity) = &order.wanted else { return None };
    let is_weak = integrity.strongest().iter().all(|digest| digest.algorithm() == Algorithm::Sha1);
    is_weak.then(|| store.find_namesake(&order.origins, integrity))?
}

/// Notes the blobs of what was missing before.
fn find_fetched(
    store: &Store,
    look_up: &LookUp,
    wanted: &[Wanted],
    now: Timestamp,
    filled: &mut Filled,
) -> Result<(), FillError> {
    let find_in = |look_up: &LookUp, filled: &mut Filled| {
        for (wanted, found) in wanted.iter().zip(&mut filled.found) {
            *found = found.or_else(|| look_up.find(wanted));
        }
        filled.found.iter().filter(|found| found.is_none()).count() == filled.gone.len()
    };
    // What another larder fetched meanwhile, or what has several digests, only the index knows.
    if !find_in(look_up, filled) && filled.failures.is_empty() {
        find_in(&store.look_up(wanted, now)?, filled);
    }
    Ok(())
}

fn download(
    store: &Store,
    look_up: &Arc<LookUp>,
    missing: Vec<Order>,
    configurations: &[NpmConfig],
    settings: FillSettings,
    watcher: &Arc<dyn Watcher>,
    filled: &mut Filled,
) -> Result<(), FillError> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs = settings.jobs.min(open_files::affordable_jobs());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        // Hashing and writing: more threads than cores only take turns. Two more, for name look-ups and waits on the disk.
        .max_blocking_threads(cores + 2)
        .enable_all()
        .build()
        .map_err(FillError::Runtime)?;
    for npm in configurations {
        let asked = missing.iter().flat_map(|order| order.addresses.iter().map(|it| &it.url).chain(&order.packument));
        npm.ask_token_helpers(asked)?;
    }
    let credentials = Arc::new(credentials::Known::new(&missing, configurations.to_vec()));
    let longest = settings.client.max_bytes;
    let archives = archive::Archives::of(&missing, store.clone(), longest);
    let client = Client::new(settings.client, credentials)?;
    let schedule = schedule::Schedule::new(
        client,
        Arc::clone(look_up),
        configurations.to_vec(),
        archives,
        (store.clone(), longest),
        Arc::clone(watcher),
        settings.now,
    );
    let outcome = runtime.block_on(schedule.run(missing, jobs, filled));
    let start = std::time::Instant::now();
    let outcome = outcome.and_then(|(committer, tally)| {
        watcher.event(WatchEvent::Committing);
        let published = runtime.block_on(schedule::unless_interrupted(committer))?;
        Ok((published, tally))
    });
    filled.barrier = start.elapsed();
    // Hashing that is under way ends with its batch; nobody waits for it.
    runtime.shutdown_background();
    let (published, tally) = outcome?;
    filled.requests = tally.requests();
    filled.received = tally.received();
    settle(published, &tally, look_up, store, filled)
}

/// Moves what the committer could not publish from the fetched to the failed.
fn settle(
    committed: Committed,
    tally: &watch::Tally,
    look_up: &LookUp,
    store: &Store,
    filled: &mut Filled,
) -> Result<(), FillError> {
    let mut fetched = Vec::new();
    for (tag, outcome) in committed.published {
        let (order, is_stated) = tally.submitted(tag);
        match outcome {
            Ok(found) => {
                gone::arrived(&order, store);
                fetched.push((Arc::clone(&order), found));
                filled.fetched += order.artifacts.len();
                if order.lacks_integrity() {
                    if is_stated {
                        filled.integrity_from_registry += order.artifacts.len();
                    } else {
                        filled.recorded += order.artifacts.len();
                    }
                }
            }
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => filled.failures.extend(order.failures(&FailureKind::Store(Arc::new(error)))),
        }
    }
    look_up.remember(fetched.iter().map(|(order, found)| (&order.wanted, *found)));
    if let Some(index) = committed.index {
        filled.index = Some(index);
    }
    Ok(())
}
