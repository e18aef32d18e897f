//! [`Batch`]: what the jobs of one call share in stages 4 to 6: the engine, the packuments and archives that were already requested, and the watcher.

use std::sync::Arc;

use larder_store::{StoreError, key::BlobRef, part::Sealed};
use tokio::sync::oneshot;

use super::{
    archive::Archives,
    blocking::blocking,
    engine::Engine,
    job::Job,
    packuments::Packuments,
    watch::{FileProgress, Tally, Watcher},
};

/// The engine, what was asked for once for all, and who is told.
pub(super) struct Batch {
    pub(super) engine: Arc<Engine>,
    pub(super) packuments: Packuments,
    pub(super) archives: Archives,
    pub(super) tally: Arc<Tally>,
    pub(super) watcher: Arc<dyn Watcher>,
    /// Whether somebody waits for each of its files, and not for all of them.
    pub(super) is_hurried: bool,
}

impl Batch {
    pub(super) fn new<'a>(
        engine: &Arc<Engine>,
        jobs: impl Iterator<Item = &'a Job>,
        is_hurried: bool,
        watcher: &Arc<dyn Watcher>,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            packuments: Packuments::default(),
            archives: Archives::of(jobs, engine.store.clone(), engine.longest),
            tally: Arc::default(),
            watcher: Arc::clone(watcher),
            is_hurried,
        }
    }

    /// Hands a complete file to the committer; `held` is dropped when the file is published.
    pub(super) async fn submit(
        self: &Arc<Self>,
        sealed: Sealed,
        held: impl Send + 'static,
    ) -> oneshot::Receiver<Result<BlobRef, StoreError>> {
        let (sender, published) = oneshot::channel();
        let batch = Arc::clone(self);
        // It blocks while too many files wait for the disk.
        blocking(move || {
            let committer = &batch.engine.committer;
            committer.submit_then(sealed, move |outcome| {
                // Who was stopped meanwhile does not hear it.
                drop(sender.send(outcome));
                drop(held);
            });
            if batch.is_hurried {
                committer.hurry();
            }
        })
        .await;
        published
    }

    /// The progress of a file, or of what is asked for besides.
    pub(super) fn progress(&self, file: Option<(u64, Arc<str>)>) -> FileProgress {
        FileProgress { tally: Arc::clone(&self.tally), watcher: Arc::clone(&self.watcher), file }
    }
}
