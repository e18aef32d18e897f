//! [`Recording`]: takes down what the proxy passes on.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    lockfile::larder_lock::MOST_ROWS,
    proxy::{Exchange, Recorder},
};

/// Exchanges that are kept: a redirect is one, and so is each time that an address is asked.
pub(super) const MOST_EXCHANGES: usize = 2 * MOST_ROWS;

/// What was seen of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// In the order in which they ended.
    pub(crate) exchanges: Vec<Exchange>,
    /// Hosts and addresses of which nobody saw an answer, and why.
    pub(crate) unseen: BTreeSet<(String, String)>,
    /// Exchanges beyond those that are kept.
    pub(crate) more: usize,
}

/// Takes down what the proxy passes on.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Seen>);

impl Recording {
    /// What was seen so far; it is told once.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for Recording {
    fn passed_on(&self, exchange: Exchange) {
        let mut seen = self.seen();
        if seen.exchanges.len() < MOST_EXCHANGES {
            seen.exchanges.push(exchange);
        } else {
            seen.more += 1;
        }
    }

    fn unseen(&self, what: &str, why: &str) {
        let mut seen = self.seen();
        if seen.unseen.len() < MOST_EXCHANGES {
            seen.unseen.insert((what.to_owned(), why.to_owned()));
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("exchanges", &self.seen().exchanges.len()).finish_non_exhaustive()
    }
}
