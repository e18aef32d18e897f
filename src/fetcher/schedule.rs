//! Some orders at once, until all are done.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    commit::{Committed, Committer},
    look_up::LookUp,
    wait::Stall,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use super::{
    FailureKind, FillError, Filled, Order, WatchEvent, Watcher,
    archive::Archives,
    errand::{self, Outcome, Shared},
    not_found,
    packuments::Packuments,
    watch::{FileProgress, Tally},
};
use crate::{
    config::package_manager::NpmConfig,
    core::interrupt::{self, Interrupt},
    http::{Client, DownloadError},
};

/// How often it is asked whether another larder is done with a file: often enough not to be felt, and a look costs a few system calls.
const BUSY_STEP: Duration = Duration::from_millis(25);

/// Downloads orders.
pub(super) struct Schedule {
    shared: Arc<Shared>,
    watcher: Arc<dyn Watcher>,
}

struct Ended {
    file: u64,
    order: Arc<Order>,
    outcome: Outcome,
}

impl Schedule {
    pub(super) fn new(
        client: Client,
        look_up: Arc<LookUp>,
        configurations: Vec<NpmConfig>,
        archives: Archives,
        (store, longest): (Store, u64),
        watcher: Arc<dyn Watcher>,
        now: Timestamp,
    ) -> Self {
        let committer = Committer::start(&look_up, now);
        let (packuments, tally) = (Packuments::default(), Arc::default());
        let shared = Shared { client, look_up, committer, packuments, archives, store, longest, configurations, tally };
        Self { shared: Arc::new(shared), watcher }
    }

    /// Runs all orders, `jobs` at once. What is complete is with the committer that comes back.
    pub(super) async fn run(
        self,
        orders: Vec<Order>,
        jobs: usize,
        filled: &mut Filled,
    ) -> Result<(Committer, Arc<Tally>), FillError> {
        self.watcher.event(WatchEvent::Missing { files: orders.len() });
        let came_before = interrupt::came();
        let outcome = tokio::select! {
            outcome = self.run_all(orders, jobs.max(1), filled) => outcome,
            () = interrupted(came_before) => Err(FillError::Interrupted),
        };
        outcome?;
        let tally = Arc::clone(&self.shared.tally);
        let shared = Arc::into_inner(self.shared).expect("every order has ended");
        Ok((shared.committer, tally))
    }

    async fn run_all(&self, orders: Vec<Order>, jobs: usize, filled: &mut Filled) -> Result<(), FillError> {
        let mut waiting: VecDeque<(u64, Arc<Order>)> = (0..).zip(orders.into_iter().map(Arc::new)).collect();
        let mut running = JoinSet::new();
        let mut busy: Vec<(u64, Arc<Order>)> = Vec::new();
        let mut stalls: HashMap<u64, Stall> = HashMap::new();
        let mut not_found: Vec<(Arc<Order>, FailureKind)> = Vec::new();
        loop {
            while running.len() < jobs
                && let Some((file, order)) = waiting.pop_front()
            {
                running.spawn(self.start(file, order));
            }
            let Some(ended) = running.join_next().await else {
                if busy.is_empty() {
                    break;
                }
                busy.retain(|(file, order)| {
                    let stall = stalls.entry(*file).or_insert_with(|| self.shared.look_up.stall(&order.wanted));
                    let Some(error) = stall.given_up() else { return true };
                    filled.failures.extend(order.failures(&FailureKind::Store(Arc::new(error))));
                    self.watcher.event(WatchEvent::Ended { file: *file });
                    false
                });
                if busy.is_empty() {
                    break;
                }
                self.watcher.event(WatchEvent::WaitingForOthers { files: busy.len() });
                tokio::time::sleep(BUSY_STEP).await;
                waiting.extend(busy.drain(..));
                continue;
            };
            let Ended { file, order, outcome } =
                ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            match outcome {
                Outcome::Busy => {
                    busy.push((file, order));
                    continue;
                }
                Outcome::Here { is_stated } => {
                    filled.already_here += order.artifacts.len();
                    if order.lacks_integrity() && is_stated {
                        filled.integrity_from_registry += order.artifacts.len();
                    }
                }
                Outcome::Submitted => {}
                Outcome::Failed(kind) => {
                    if let Some(error) = fatal(&kind) {
                        return Err(error);
                    }
                    if !order.is_optional() && not_found::is_explainable(&kind) {
                        not_found.push((order, kind));
                    } else {
                        filled.note(&order, kind, &self.shared.store);
                    }
                }
            }
            self.watcher.event(WatchEvent::Ended { file });
        }
        let (tally, watcher) = (Arc::clone(&self.shared.tally), Arc::clone(&self.watcher));
        let progress = FileProgress { tally, watcher, file: None };
        let explained = not_found::explained(&self.shared, not_found, &progress).await;
        filled.failures.extend(explained.iter().flat_map(|(order, kind)| order.failures(kind)));
        Ok(())
    }

    fn start(&self, file: u64, order: Arc<Order>) -> impl Future<Output = Ended> + use<> {
        let progress = Arc::new(FileProgress {
            tally: Arc::clone(&self.shared.tally),
            watcher: Arc::clone(&self.watcher),
            file: Some((file, Arc::clone(&order.artifacts[0].package))),
        });
        let shared = Arc::clone(&self.shared);
        async move {
            let outcome = errand::run(&shared, &order, file, progress).await;
            drop(shared);
            Ended { file, order, outcome }
        }
    }
}

/// A store that cannot go on stops the whole: every other order would fail in the same way.
fn fatal(kind: &FailureKind) -> Option<FillError> {
    let error: &StoreError = match kind {
        FailureKind::Store(error) => error,
        FailureKind::Download(error) => match error.last() {
            DownloadError::Sink { source, .. } => source.downcast_ref()?,
            _ => return None,
        },
        _ => return None,
    };
    error.is_fatal().then(|| FillError::Store(error.again()))
}

/// Lets the committer finish.
pub(super) async fn unless_interrupted(committer: Committer) -> Result<Committed, FillError> {
    let came_before = interrupt::came();
    let finished = tokio::task::spawn_blocking(move || committer.finish());
    tokio::select! {
        outcome = finished => {
            Ok(outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
        }
        () = interrupted(came_before) => Err(FillError::Interrupted),
    }
}

/// Ends when the user or the system asks the program to stop.
///
/// `came_before` is what [`interrupt::came`] said at the beginning: a signal between that and the moment from which this listens counts too.
async fn interrupted(came_before: bool) {
    // From now on the signals have no effect of their own: whoever waits for a lock later has to ask.
    if let Err(error) = Interrupt::watch() {
        tracing::debug!(%error, "waits for locks end at their limit only");
    }
    let (mut ctrl_c, mut terminate) = match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(ctrl_c), Ok(terminate)) => (ctrl_c, terminate),
        (Err(error), _) | (_, Err(error)) => {
            tracing::debug!(%error, "signals keep their usual effect: every moment is a safe one to stop");
            return std::future::pending().await;
        }
    };
    if interrupt::came() && !came_before {
        return;
    }
    tokio::select! {
        _ = ctrl_c.recv() => {}
        _ = terminate.recv() => {}
    }
}
