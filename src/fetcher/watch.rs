//! [`WatchEvent`]: the typed events of a fetch, for progress displays.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::http::{Event, Progress};

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchEvent<'a> {
    /// Files that were in the store.
    Here {
        /// How many.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// So many files are missing and will be downloaded.
    Missing {
        /// How many.
        files: usize,
    },
    /// The body of a file begins, or begins again.
    Started {
        /// Which file; the same in all its events.
        file: u64,
        /// Its package.
        package: &'a str,
        /// Bytes that are there already.
        offset: u64,
        /// Bytes of the whole, if the server says.
        total: Option<u64>,
    },
    /// Bytes of a file came.
    Received {
        /// Which file.
        file: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// A try failed, and another follows.
    Retrying {
        /// Its package.
        package: &'a str,
        /// The wait before it.
        after: Duration,
        /// Why.
        why: String,
    },
    /// Another larder is downloading the only files that are still missing.
    WaitingForOthers {
        /// How many.
        files: usize,
    },
    /// A file is done with, one way or the other.
    Ended {
        /// Which file.
        file: u64,
    },
    /// All is downloaded; the disk is waited for.
    Committing,
    /// Nothing more comes.
    Over,
}

/// Takes events. Called on async threads: must not block.
pub trait Watcher: Send + Sync {
    /// Takes one event.
    fn event(&self, event: WatchEvent<'_>);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn event(&self, _event: WatchEvent<'_>) {}
}

impl fmt::Debug for dyn Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// What a fill adds up.
#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: AtomicU64,
    received: AtomicU64,
}

impl Tally {
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// The progress of one file, or, without one, of the registry's descriptions.
pub(super) struct FileProgress {
    pub(super) tally: Arc<Tally>,
    pub(super) watcher: Arc<dyn Watcher>,
    pub(super) file: Option<(u64, Arc<str>)>,
}

impl FileProgress {
    /// The same tally, for a description of a package: its bytes are not the file's.
    pub(super) fn of_documents(file: &Self) -> Self {
        Self { tally: Arc::clone(&file.tally), watcher: Arc::clone(&file.watcher), file: None }
    }
}

impl Progress for FileProgress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Requested => {
                self.tally.requests.fetch_add(1, Ordering::Relaxed);
            }
            Event::Received(bytes) => {
                self.tally.received.fetch_add(bytes, Ordering::Relaxed);
                if let Some((file, _)) = self.file {
                    self.watcher.event(WatchEvent::Received { file, bytes });
                }
            }
            Event::Started { offset, total } => {
                if let Some((file, package)) = &self.file {
                    self.watcher.event(WatchEvent::Started { file: *file, package, offset, total });
                }
            }
            Event::Retrying { after, why, .. } => {
                let package = self.file.as_ref().map_or("the registry", |(_, package)| package);
                self.watcher.event(WatchEvent::Retrying { package, after, why: why.to_string() });
            }
            _ => {}
        }
    }
}
