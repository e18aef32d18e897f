//! Some orders at once, until all are done.

use std::{collections::VecDeque, future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    commit::{Committed, Committer},
    look_up::LookUp,
};
use tokio::task::JoinSet;

use super::{
    FailureKind, FillError, Filled, Order, WatchEvent, Watcher,
    archive::Archives,
    errand::{self, Outcome, Shared},
    packuments::Packuments,
    watch::{FileProgress, Tally},
};
use crate::{
    fetch::{Client, DownloadError},
    npmrc::NpmConfig,
};

/// How often it is asked whether another larder is done with a file: often enough not to be felt, and a look costs a few system calls.
const BUSY_STEP: Duration = Duration::from_millis(25);

/// Downloads orders.
pub(super) struct Schedule {
    shared: Arc<Shared>,
    watcher: Arc<dyn Watcher>,
    store: Store,
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
        watcher: Arc<dyn Watcher>,
        now: Timestamp,
        store: Store,
    ) -> Self {
        let committer = Committer::start(&look_up, now);
        let (packuments, tally) = (Packuments::default(), Arc::default());
        let shared = Shared { client, look_up, committer, packuments, archives, configurations, tally };
        Self { shared: Arc::new(shared), watcher, store }
    }

    /// Runs all orders, `jobs` at once. What is complete is with the committer that comes back.
    pub(super) async fn run(
        self,
        orders: Vec<Order>,
        jobs: usize,
        filled: &mut Filled,
    ) -> Result<(Committer, Arc<Tally>), FillError> {
        self.watcher.event(WatchEvent::Missing { files: orders.len() });
        let outcome = tokio::select! {
            outcome = self.run_all(orders, jobs.max(1), filled) => outcome,
            () = interrupted() => Err(FillError::Interrupted),
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
        loop {
            while running.len() < jobs
                && let Some((file, order)) = waiting.pop_front()
            {
                running.spawn(self.start(file, order));
            }
            let Some(ended) = running.join_next().await else {
                if busy.is_empty() {
                    return Ok(());
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
                Outcome::Here => {
                    filled.already_here += order.artifacts.len();
                    if order.lacks_integrity() && order.is_in_registry() {
                        filled.integrity_from_registry += order.artifacts.len();
                    }
                }
                Outcome::Submitted => {}
                Outcome::Failed(kind) => {
                    if let Some(error) = fatal(&kind) {
                        return Err(error);
                    }
                    filled.note(&order, kind, &self.store);
                }
            }
            self.watcher.event(WatchEvent::Ended { file });
        }
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
    let finished = tokio::task::spawn_blocking(move || committer.finish());
    tokio::select! {
        outcome = finished => {
            Ok(outcome.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
        }
        () = interrupted() => Err(FillError::Interrupted),
    }
}

/// Ends when the user or the system asks the program to stop.
async fn interrupted() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::debug!(%error, "signals keep their usual effect: every moment is a safe one to stop");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
