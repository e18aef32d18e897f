//! Waiting for a lock that another process holds. A wait is reported after a second, ends when the user wants to stop, and has a limit.
//!
//! The library prints nothing and catches no signals: the program says once, by [`observe`], who is to know of waits and who can end them. Without an observer, waits are
//! silent and end at their limit.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use crate::{error::StoreError, holder::Holder};

/// The longest step between two tries to get a lock.
const LONGEST_STEP: Duration = Duration::from_millis(50);
/// A wait this long is reported.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Two larders that work side by side hold each other up for some milliseconds. Only a longer wait asks whether the user wants to stop.
const ASKED_AFTER: Duration = Duration::from_millis(100);
/// How long a program that is not larder, or a process that is stopped, may hold a lock. Neither has a reason to let go of it.
const OF_OTHERS: Duration = Duration::from_secs(4);
/// How long a download in another process may stand still.
const STALLED: Duration = Duration::from_mins(2);

/// What the program does about waits.
pub trait Observer: Send + Sync {
    /// The lock on this file has been waited for for a second.
    fn waiting(&self, lock: &Path, holder: Option<&Holder>);
    /// Whether the user wants to stop.
    fn is_stopped(&self) -> bool;
}

static OBSERVER: OnceLock<Arc<dyn Observer>> = OnceLock::new();

/// Tells `observer` of every wait in this process from now on. The first observer stays.
pub fn observe(observer: Arc<dyn Observer>) {
    if OBSERVER.set(observer).is_err() {
        tracing::debug!("waits are observed already");
    }
}

/// How long a lock is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// While another larder holds it and runs, or nobody knows who holds it.
    pub with_larder: Duration,
    /// While another program holds it, or a process that is stopped.
    pub with_others: Duration,
}

impl Patience {
    /// For a lock without which the work cannot be done.
    pub const fn up_to(with_larder: Duration) -> Self {
        Self { with_larder, with_others: OF_OTHERS }
    }

    /// For a lock that can be done without.
    pub const fn brief() -> Self {
        let brief = Duration::from_secs(2);
        Self { with_larder: brief, with_others: brief }
    }

    const fn with(&self, holder: Option<&Holder>) -> Duration {
        match holder {
            Some(holder) if holder.is_hopeless() => self.with_others,
            _ => self.with_larder,
        }
    }
}

/// Tries to get what `attempt` tries, in steps from 1 ms to 50 ms, until it gives something. `lock` is the file whose lock stands in the way.
///
/// Ends with [`StoreError::Held`] when the patience does, and with [`StoreError::Interrupted`] when the user wants to stop.
pub fn wait_for<T>(
    lock: &Path,
    patience: Patience,
    attempt: impl FnMut() -> Result<Option<T>, StoreError>,
) -> Result<T, StoreError> {
    wait_observed(lock, patience, OBSERVER.get().map(|observer| &**observer), attempt)
}

fn wait_observed<T>(
    lock: &Path,
    patience: Patience,
    observer: Option<&dyn Observer>,
    mut attempt: impl FnMut() -> Result<Option<T>, StoreError>,
) -> Result<T, StoreError> {
    let start = Instant::now();
    let mut step = Duration::from_millis(1);
    let mut known = Known::default();
    let mut is_told = false;
    loop {
        if let Some(got) = attempt()? {
            return Ok(got);
        }
        let waited = start.elapsed();
        if waited >= ASKED_AFTER && observer.is_some_and(Observer::is_stopped) {
            return Err(StoreError::Interrupted);
        }
        if waited >= TOLD_AFTER.min(patience.with_others) {
            let holder = known.holder_of(lock);
            if waited >= TOLD_AFTER && !is_told {
                is_told = true;
                if let Some(observer) = observer {
                    observer.waiting(lock, holder);
                }
            }
            if waited >= patience.with(holder) {
                return Err(StoreError::Held { path: lock.to_owned(), holder: holder.cloned(), waited });
            }
        }
        thread::sleep(step);
        step = (step * 2).min(LONGEST_STEP);
    }
}

/// Who holds a lock, asked for once a second.
#[derive(Debug, Default)]
struct Known {
    asked: Option<Instant>,
    holder: Option<Holder>,
}

impl Known {
    fn holder_of(&mut self, lock: &Path) -> Option<&Holder> {
        if self.asked.is_none_or(|asked| asked.elapsed() >= TOLD_AFTER) {
            self.asked = Some(Instant::now());
            self.holder = Holder::of(lock);
        }
        self.holder.as_ref()
    }
}

/// A download that another process has the right to, watched for whether it goes on.
#[derive(Debug)]
pub struct Stall {
    part: PathBuf,
    patience: Patience,
    len: Option<u64>,
    since: Instant,
    known: Known,
}

impl Stall {
    pub(crate) fn of(part: PathBuf) -> Self {
        Self::with_patience(part, Patience::up_to(STALLED))
    }

    fn with_patience(part: PathBuf, patience: Patience) -> Self {
        Self { part, patience, len: None, since: Instant::now(), known: Known::default() }
    }

    /// Why it is pointless to go on waiting: nothing has come for too long. `None` as long as it is not.
    pub fn given_up(&mut self) -> Option<StoreError> {
        let len = std::fs::symlink_metadata(&self.part).ok().map(|metadata| metadata.len());
        if len != self.len {
            (self.len, self.since) = (len, Instant::now());
        }
        let waited = self.since.elapsed();
        if waited < self.patience.with_others {
            return None;
        }
        let holder = self.known.holder_of(&self.part);
        let is_over = waited >= self.patience.with(holder);
        is_over.then(|| StoreError::Held { path: self.part.clone(), holder: holder.cloned(), waited })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[derive(Default)]
    struct Told {
        times: AtomicUsize,
        stops_at: Option<usize>,
        asked: AtomicUsize,
    }

    impl Observer for Told {
        fn waiting(&self, _lock: &Path, _holder: Option<&Holder>) {
            self.times.fetch_add(1, Ordering::Relaxed);
        }

        fn is_stopped(&self) -> bool {
            self.stops_at.is_some_and(|at| self.asked.fetch_add(1, Ordering::Relaxed) >= at)
        }
    }

    fn held() -> (tempfile::TempDir, PathBuf, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let file = File::create(&path).unwrap();
        file.lock().unwrap();
        (folder, path, file)
    }

    fn attempt(path: &Path) -> impl FnMut() -> Result<Option<()>, StoreError> + use<> {
        let file = File::create(path).unwrap();
        move || Ok(file.try_lock().is_ok().then_some(()))
    }

    #[test]
    fn a_lock_that_is_never_free_is_an_error_that_names_it_and_who_holds_it() {
        let (_folder, path, _file) = held();
        let patience = Patience { with_larder: Duration::from_millis(30), with_others: Duration::from_millis(30) };
        let error = wait_observed(&path, patience, None, attempt(&path)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        if cfg!(target_os = "linux") {
            let StoreError::Held { holder: Some(holder), .. } = &error else { panic!("{error:?}") };
            assert_eq!((holder.pid, holder.is_exclusive, holder.is_stopped), (std::process::id(), true, false));
            assert!(text.contains(&format!("process {} ", std::process::id())), "{text}");
        }
    }

    #[test]
    fn a_long_wait_is_told_once_and_goes_on_when_the_lock_is_free() {
        let (_folder, path, file) = held();
        let told = Told::default();
        let patience = Patience::up_to(Duration::from_mins(1));
        let mut file = Some(file);
        let mut attempt = attempt(&path);
        let start = Instant::now();
        let waited = wait_observed(&path, patience, Some(&told), || {
            if start.elapsed() > TOLD_AFTER + Duration::from_millis(200) {
                drop(file.take());
            }
            attempt()
        });
        waited.unwrap();
        assert_eq!(told.times.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_user_who_wants_to_stop_ends_a_wait_before_its_limit() {
        let (_folder, path, _file) = held();
        let told = Told { stops_at: Some(3), ..Told::default() };
        let patience = Patience::up_to(Duration::from_mins(10));
        let stopped = wait_observed(&path, patience, Some(&told), attempt(&path));
        assert!(matches!(stopped, Err(StoreError::Interrupted)), "{stopped:?}");
    }

    #[test]
    fn a_download_that_grows_is_waited_for_and_one_that_stands_still_is_not() {
        let (_folder, path, file) = held();
        let brief = Duration::from_millis(40);
        let mut stall = Stall::with_patience(path.clone(), Patience { with_larder: brief, with_others: brief });
        let start = Instant::now();
        let mut len = 0;
        while start.elapsed() < 3 * brief {
            len += 1;
            file.set_len(len).unwrap();
            assert!(stall.given_up().is_none(), "it grows");
        }
        let error = loop {
            if let Some(error) = stall.given_up() {
                break error;
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert!(matches!(error, StoreError::Held { path: named, .. } if named == path));
    }
}
