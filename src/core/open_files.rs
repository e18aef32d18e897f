//! How many files the program may have open. A shell of macOS gives 256, which is too few for some hundred downloads; npm, node and pnpm raise
//! the limit for themselves, too.

use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More is of no use here, and macOS refuses more.
const ENOUGH: u64 = 10_240;
/// What is open beside downloads: the store's index, its journal, standard streams, the runtime's.
const BESIDE_DOWNLOADS: u64 = 64;
/// What a download may have open at once: its file, its connection, and one of those that are kept for later ones; and as much again for what waits for the disk.
const FOR_EACH_DOWNLOAD: u64 = 8;

/// The soft limit as it was at the start, if it was raised; locked while a child is started with it.
static AT_THE_START: Mutex<Option<u64>> = Mutex::new(None);

/// Raises the soft limit as far as the hard one lets it, or as is enough. Where that fails, what there is has to do.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let Some(raised) = raised(limit.current, limit.maximum) else { return };
    let mut at_the_start = AT_THE_START.lock().unwrap_or_else(PoisonError::into_inner);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => *at_the_start = limit.current,
        Err(error) => tracing::debug!(%error, raised, "the limit of open files stays as it is"),
    }
}

/// What the soft limit is to be; `None` if it is enough already or cannot be raised.
fn raised(soft: Option<u64>, hard: Option<u64>) -> Option<u64> {
    let soft = soft?;
    let raised = hard.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    (raised > soft).then_some(raised)
}

/// How many downloads at once the limit has room for, at least one.
pub fn affordable_jobs() -> usize {
    jobs_for(getrlimit(Resource::Nofile).current)
}

fn jobs_for(limit: Option<u64>) -> usize {
    let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(BESIDE_DOWNLOADS));
    usize::try_from(left / FOR_EACH_DOWNLOAD).unwrap_or(usize::MAX).max(1)
}

/// Runs `start`, which starts a child, under the limit that this program was started with: what the child does about its limit is its own
/// business. What is open already stays open.
pub fn with_first_limit<T>(start: impl FnOnce() -> T) -> T {
    let at_the_start = AT_THE_START.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(first) = *at_the_start else { return start() };
    let raised = getrlimit(Resource::Nofile);
    set(Rlimit { current: Some(first), maximum: raised.maximum });
    let started = start();
    set(raised);
    started
}

fn set(limit: Rlimit) {
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_hard_one_or_to_what_is_enough() {
        let cases = [
            ((Some(256), None), Some(10_240)),
            ((Some(256), Some(1_048_576)), Some(10_240)),
            ((Some(256), Some(512)), Some(512)),
            ((Some(256), Some(256)), None),
            ((Some(20_000), Some(1_048_576)), None),
            ((None, None), None),
        ];
        for ((soft, hard), expected) in cases {
            assert_eq!(raised(soft, hard), expected, "{soft:?} {hard:?}");
        }
    }

    #[test]
    fn few_open_files_mean_few_downloads_at_once() {
        for (limit, jobs) in [(10_240, 1272), (1024, 120), (256, 24), (64, 1)] {
            assert_eq!(jobs_for(Some(limit)), jobs, "{limit}");
        }
        assert!(jobs_for(None) > 1_000_000);
    }
}
