//! A circuit breaker: a host that all retries of one download did not reach gets one try for each further download, until it answers or nobody failed
//! to reach it for a minute. So a dead network is reported after one download's retries, not after those of each.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use url::{Origin, Url};

/// How long it holds that an origin was not reached.
const HOLDS: Duration = Duration::from_mins(1);

/// The origins that all retries of a download did not reach.
#[derive(Default)]
pub(super) struct UnreachableHosts(Mutex<HashMap<Origin, Instant>>);

impl UnreachableHosts {
    /// The origin answered: it gets retries again.
    pub(super) fn remove(&self, url: &Url) {
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !origins.is_empty() {
            origins.remove(&url.origin());
        }
    }

    /// All retries failed to reach the origin.
    pub(super) fn insert(&self, url: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.origin(), Instant::now());
    }

    /// Whether the origin gets no retries.
    pub(super) fn contains(&self, url: &Url) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&url.origin())
            .is_some_and(|since| since.elapsed() < HOLDS)
    }
}
