//! Stage 4 of a fetch: runs the jobs of one call, several at once, until all are published or have failed. How many at once is a setting (`session/settings.rs`);
//! in which order is decided in stage 1 (`downloads.rs`).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use larder_store::{StoreError, key::BlobRef, wait::Stall};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinSet,
};

use super::{
    batch::Batch,
    blocking::blocking,
    download_job::{self, Outcome},
    engine::Engine,
    error::FetchError,
    failure::FailureKind,
    gone,
    job::Job,
    not_found,
    report::FetchReport,
    watch::{WatchEvent, Watcher},
};
use crate::{
    core::interrupt::{self, Interrupt},
    http::DownloadError,
};

/// How often it is asked whether another larder is done with a file: often enough not to be felt, and a look costs a few system calls.
pub(super) const BUSY_STEP: Duration = Duration::from_millis(25);

/// A file that is missing: where it stands among what the call is for, and the download.
pub(super) type Missing = (usize, Job);

/// A file with its number, which is that of its place.
type Numbered = (u64, Arc<Job>);

struct Ended {
    file: u64,
    job: Arc<Job>,
    outcome: Outcome,
}

/// A file that is with the committer.
struct Submitted {
    file: u64,
    job: Arc<Job>,
    published: oneshot::Receiver<Result<BlobRef, StoreError>>,
    is_stated: bool,
}

/// Downloads what is missing; what becomes of it is in `report`.
pub(super) fn run(
    engine: &Arc<Engine>,
    missing: Vec<Missing>,
    is_hurried: bool,
    watcher: &Arc<dyn Watcher>,
    report: &mut FetchReport,
) -> Result<(), FetchError> {
    engine.know(missing.iter().map(|(_, job)| job))?;
    let batch = Arc::new(Batch::new(engine, missing.iter().map(|(_, job)| job), is_hurried, watcher));
    let came_before = interrupt::came();
    engine.block_on(async {
        tokio::select! {
            outcome = run_all(&batch, missing, report) => outcome,
            () = interrupted(came_before) => Err(FetchError::Interrupted),
        }
    })
}

async fn run_all(batch: &Arc<Batch>, missing: Vec<Missing>, report: &mut FetchReport) -> Result<(), FetchError> {
    batch.watcher.event(WatchEvent::Missing { files: missing.len() });
    let missing = missing.into_iter().map(|(place, job)| (place as u64, Arc::new(job)));
    let submitted = download(batch, missing.collect(), report).await?;
    report.requests = batch.tally.requests();
    report.received = batch.tally.received();
    let start = Instant::now();
    if !batch.is_hurried {
        batch.watcher.event(WatchEvent::Committing);
        let engine = Arc::clone(&batch.engine);
        if let Some(index) = blocking(move || engine.committer.settle()).await {
            report.index = Some(index);
        }
    }
    settle(batch, submitted, report).await?;
    report.barrier = start.elapsed();
    Ok(())
}

/// Makes all downloads, as many at once as may be. Those that are with the committer come back.
async fn download(
    batch: &Arc<Batch>,
    mut waiting: VecDeque<Numbered>,
    report: &mut FetchReport,
) -> Result<Vec<Submitted>, FetchError> {
    let mut running = JoinSet::new();
    let (mut busy, mut stalls) = (Vec::new(), HashMap::new());
    let (mut submitted, mut not_found) = (Vec::new(), Vec::new());
    loop {
        while running.len() < batch.engine.jobs
            && let Some((file, job)) = waiting.pop_front()
        {
            running.spawn(start(batch, file, job));
        }
        let Some(ended) = running.join_next().await else {
            give_up_stalled(batch, &mut busy, &mut stalls, report);
            if busy.is_empty() {
                break;
            }
            batch.watcher.event(WatchEvent::WaitingForOthers { files: busy.len() });
            tokio::time::sleep(BUSY_STEP).await;
            waiting.extend(busy.drain(..));
            continue;
        };
        let Ended { file, job, outcome } = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        match outcome {
            Outcome::Busy => {
                busy.push((file, job));
                continue;
            }
            Outcome::Here { found, is_stated } => report.note_here(place_of(file), &job, found, is_stated),
            Outcome::Submitted { published, is_stated } => {
                submitted.push(Submitted { file, job, published, is_stated });
            }
            Outcome::Failed(kind) => {
                if let Some(error) = fatal(&kind) {
                    return Err(error);
                }
                if !job.is_optional() && not_found::is_explainable(&kind) {
                    not_found.push((job, kind));
                } else {
                    report.note(&job, kind, &batch.engine.store);
                }
            }
        }
        batch.watcher.event(WatchEvent::Ended { file });
    }
    let explained = not_found::explained(batch, not_found, &batch.progress(None)).await;
    report.failures.extend(explained.iter().flat_map(|(job, kind)| job.failures(kind)));
    Ok(submitted)
}

/// Of the files that other larders download, those that have stood still for too long have failed.
fn give_up_stalled(
    batch: &Batch,
    busy: &mut Vec<Numbered>,
    stalls: &mut HashMap<u64, Stall>,
    report: &mut FetchReport,
) {
    busy.retain(|(file, job)| {
        let stall = stalls.entry(*file).or_insert_with(|| batch.engine.look_up.stall(&job.wanted));
        let Some(error) = stall.given_up() else { return true };
        report.failures.extend(job.failures(&FailureKind::Store(Arc::new(error))));
        batch.watcher.event(WatchEvent::Ended { file: *file });
        false
    });
}

/// Waits until all is published, and moves what could not be from the fetched to the failed.
async fn settle(batch: &Batch, submitted: Vec<Submitted>, report: &mut FetchReport) -> Result<(), FetchError> {
    let mut fetched = Vec::with_capacity(submitted.len());
    for Submitted { file, job, published, is_stated } in submitted {
        match published.await.expect("the committer tells what becomes of each file") {
            Ok(found) => {
                gone::arrived(&job, &batch.engine.store);
                report.note_fetched(place_of(file), &job, found, is_stated);
                fetched.push((job, found));
            }
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => report.failures.extend(job.failures(&FailureKind::Store(Arc::new(error)))),
        }
    }
    batch.engine.look_up.remember(fetched.iter().map(|(job, found)| (&job.wanted, *found)));
    Ok(())
}

fn start(batch: &Arc<Batch>, file: u64, job: Arc<Job>) -> impl Future<Output = Ended> + use<> {
    let progress = Arc::new(batch.progress(Some((file, Arc::clone(&job.artifacts[0].package)))));
    let batch = Arc::clone(batch);
    async move {
        let outcome = download_job::run(&batch, &job, progress).await;
        Ended { file, job, outcome }
    }
}

fn place_of(file: u64) -> usize {
    usize::try_from(file).expect("it was one")
}

/// A store that cannot go on stops the whole: every other order would fail in the same way.
fn fatal(kind: &FailureKind) -> Option<FetchError> {
    let error: &StoreError = match kind {
        FailureKind::Store(error) => error,
        FailureKind::Download(error) => match error.last() {
            DownloadError::Sink { source, .. } => source.downcast_ref()?,
            _ => return None,
        },
        _ => return None,
    };
    error.is_fatal().then(|| FetchError::Store(error.again()))
}

/// Ends when the user or the system asks the program to stop.
///
/// `came_before` is what [`interrupt::came`] said at the beginning: a signal between that and the moment from which this listens counts too.
pub(super) async fn interrupted(came_before: bool) {
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
