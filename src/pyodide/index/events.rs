//! Progress of requests to an index, as typed events.

use std::{fmt, time::Duration};

use crate::http::{Event, Progress};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexEvent<'a> {
    /// A project's list or a wheel's metadata is asked for.
    Asked {
        /// The project or the wheel.
        what: &'a str,
    },
    /// Bytes came.
    Received {
        /// How many.
        bytes: u64,
    },
    /// A try failed, and another follows.
    Retrying {
        /// The project or the wheel.
        what: &'a str,
        /// The wait before it.
        after: Duration,
        /// Why.
        why: String,
    },
    /// An answer is waited for. Comes again and again meanwhile.
    Waiting,
    /// It is answered, or given up.
    Ended {
        /// The project or the wheel.
        what: &'a str,
    },
    /// Nothing more comes.
    Over,
}

/// Takes events. Called on async threads: must not block.
pub trait IndexWatcher: Send + Sync {
    /// Takes one event.
    fn event(&self, event: IndexEvent<'_>);
}

impl fmt::Debug for dyn IndexWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexWatcher")
    }
}

/// One question, from its beginning to its end.
pub(super) struct Query<'a> {
    watcher: &'a dyn IndexWatcher,
    what: &'a str,
}

impl<'a> Query<'a> {
    pub(super) fn new(watcher: &'a dyn IndexWatcher, what: &'a str) -> Self {
        watcher.event(IndexEvent::Asked { what });
        Self { watcher, what }
    }
}

impl Drop for Query<'_> {
    fn drop(&mut self) {
        self.watcher.event(IndexEvent::Ended { what: self.what });
    }
}

impl Progress for Query<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Received(bytes) => self.watcher.event(IndexEvent::Received { bytes }),
            Event::Retrying { after, why, .. } => {
                self.watcher.event(IndexEvent::Retrying { what: self.what, after, why: why.to_string() });
            }
            _ => {}
        }
    }
}
