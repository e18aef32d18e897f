//! Remembers which hosts could not be reached, so that a dead network is reported after one artifact's retries and not after each one's.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use url::{Origin, Url};

/// The origins that one artifact's retries did not reach.
#[derive(Default)]
pub(super) struct Reach(Mutex<HashSet<Origin>>);

impl Reach {
    /// The origin answered.
    pub(super) fn reached(&self, url: &Url) {
        let mut given_up = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !given_up.is_empty() {
            given_up.remove(&url.origin());
        }
    }

    /// All retries failed to reach the origin.
    pub(super) fn gave_up(&self, url: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url.origin());
    }

    /// Whether another request to the origin is worth retries, if it cannot be reached.
    pub(super) fn is_hopeful(&self, url: &Url) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&url.origin())
    }
}
