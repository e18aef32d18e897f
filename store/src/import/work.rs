//! The threads of an import: each blob is read, compared, and published by the store's own way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    identity::refuse_conflict,
    report::{Imported, Refusal, RefusalReason},
    source::Source,
};
use crate::{
    clock::day,
    commit::Committer,
    digest::{Digests, Integrity},
    download_lock::DownloadLock,
    error::StoreError,
    hash::hash_file,
    journal,
    key::Wanted,
    layout::Layout,
    lookup::Lookup,
    part::SealError,
    receipt::Receipt,
    store::Store,
    transfer::{Missing, missing, present},
    wait::Stall,
    writable::Writable,
};

/// How long who finds a file under way elsewhere waits before it asks again, as a fetch does.
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// What came of one blob.
enum Step {
    AlreadyHere,
    Supplemented,
    /// It is complete, and waits for the disk.
    Submitted,
    /// Another process is at it.
    Busy,
}

pub(super) struct Work<'a> {
    store: &'a Store,
    writable: Writable<'a>,
    /// The other store's.
    layout: &'a Layout,
    lookup: &'a Lookup,
    offered: &'a [Receipt],
    committer: Committer,
    /// Places in `offered`.
    queue: Mutex<VecDeque<usize>>,
    /// What other processes are at, by its place.
    stalls: Mutex<HashMap<usize, Stall>>,
    done: Mutex<Imported>,
    /// What makes it pointless to go on.
    failed: Mutex<Option<StoreError>>,
    is_over: AtomicBool,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Work<'a> {
    /// What the other store in `layout` offers is to be imported into `store`.
    pub(super) fn new(
        store: &'a Store,
        layout: &'a Layout,
        lookup: &'a Lookup,
        offered: &'a [Receipt],
        is_stopped: &'a (dyn Fn() -> bool + Sync),
        now: jiff::Timestamp,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            writable: store.writable()?,
            layout,
            lookup,
            offered,
            committer: Committer::start(lookup, now),
            queue: Mutex::new((0..offered.len()).collect()),
            stalls: Mutex::default(),
            done: Mutex::default(),
            failed: Mutex::new(None),
            is_over: AtomicBool::new(false),
            is_stopped,
        })
    }

    /// Imports with `threads` threads, and adds to `imported` what came of it.
    pub(super) fn run_on(
        self,
        threads: usize,
        imported: Imported,
        now: jiff::Timestamp,
    ) -> Result<Imported, StoreError> {
        *held(&self.done) = imported;
        thread::scope(|scope| {
            for _ in 0..threads.clamp(1, self.offered.len().max(1)) {
                scope.spawn(|| self.run());
            }
        });
        self.finish(now)
    }

    fn run(&self) {
        loop {
            if (self.is_stopped)() {
                self.is_over.store(true, Ordering::Relaxed);
                held(&self.done).is_stopped = true;
            }
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let Some(at) = held(&self.queue).pop_front() else { return };
            let receipt = &self.offered[at];
            match self.take(at, receipt) {
                Ok(Step::Submitted) => {}
                Ok(Step::AlreadyHere) => held(&self.done).already_here += 1,
                Ok(Step::Supplemented) => held(&self.done).supplemented += 1,
                Ok(Step::Busy) => {
                    if let Some(error) = self.given_up(at) {
                        held(&self.done).refused.push(Refusal::of(receipt, error.into()));
                    } else {
                        held(&self.queue).push_back(at);
                        thread::sleep(BUSY_PAUSE);
                    }
                }
                Err(RefusalReason::Store(error)) if error.is_fatal() => {
                    held(&self.failed).get_or_insert(error);
                    self.is_over.store(true, Ordering::Relaxed);
                }
                Err(reason) => held(&self.done).refused.push(Refusal::of(receipt, reason)),
            }
        }
    }

    /// Why a file that another process downloads is not waited for any longer.
    fn given_up(&self, at: usize) -> Option<StoreError> {
        let wanted = || Wanted::Integrity(self.offered[at].digests.clone());
        held(&self.stalls).entry(at).or_insert_with(|| self.lookup.stall(&wanted())).given_up()
    }

    fn take(&self, at: usize, receipt: &Receipt) -> Result<Step, RefusalReason> {
        // Again: a fetch may have recorded other bytes meanwhile.
        refuse_conflict(self.lookup, receipt)?;
        match missing(present(self.store, &receipt.blob).as_ref(), receipt) {
            None => Ok(Step::AlreadyHere),
            Some(Missing::Keys) => self.supplement(receipt),
            Some(Missing::Bytes) => self.copy(at, receipt),
        }
    }

    /// Adds what the other receipt knows, once the bytes that are here prove it.
    fn supplement(&self, receipt: &Receipt) -> Result<Step, RefusalReason> {
        let digests = hash_file(&self.store.blob_path(&receipt.blob), receipt.digests.algorithms())?;
        journal::supplement(self.writable, proven(receipt, &digests)?)?;
        Ok(Step::Supplemented)
    }

    fn copy(&self, at: usize, receipt: &Receipt) -> Result<Step, RefusalReason> {
        let mut source = Source::open(&self.layout.blob(&receipt.blob), receipt.size)?;
        let wanted = Wanted::Integrity(receipt.digests.clone());
        let mut part = match DownloadLock::acquire(self.lookup, &wanted, None, Vec::new())? {
            DownloadLock::Acquired(part) => part,
            DownloadLock::Busy => return Ok(Step::Busy),
            // Another process has published it meanwhile, and perhaps with all that this receipt knows.
            DownloadLock::Present(found) if found.blob == receipt.blob => {
                return match missing(present(self.store, &receipt.blob).as_ref(), receipt) {
                    None => Ok(Step::AlreadyHere),
                    Some(_) => self.supplement(receipt),
                };
            }
            DownloadLock::Present(found) => return Err(RefusalReason::Bytes { actual: found.blob }),
        };
        part.begin(0, None)?;
        let is_whole = source.copy(|bytes| part.write(bytes), self.is_stopped)?;
        if !is_whole {
            part.drop_bytes()?;
            // It is counted as stopped when the queue is asked next.
            return Ok(Step::Busy);
        }
        let actual = match part.finish() {
            Ok(actual) => actual,
            Err(SealError::Mismatch { actual, .. }) => return Err(mismatch(receipt, &actual)),
            Err(SealError::Store(error)) => return Err(error.into()),
        };
        let digests = Digests { blob: actual.blob, digests: actual.digests.digests().to_vec(), len: actual.size };
        match proven(receipt, &digests) {
            Ok(proven) => self.committer.submit(at as u64, part.seal(proven)),
            Err(reason) => {
                part.drop_bytes()?;
                return Err(reason);
            }
        }
        Ok(Step::Submitted)
    }

    fn finish(self, now: jiff::Timestamp) -> Result<Imported, StoreError> {
        let committed = self.committer.finish();
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.barriers = committed.barriers;
        for (at, outcome) in committed.published {
            let receipt = &self.offered[usize::try_from(at).expect("it was a place in memory")];
            match outcome {
                Ok(found) => done.imported.add(found.size),
                Err(error) if error.is_fatal() => {
                    failed.get_or_insert(error);
                }
                Err(error) => done.refused.push(Refusal::of(receipt, error.into())),
            }
        }
        if done.supplemented > 0
            && let Err(error) = journal::fold(self.writable, day(now))
        {
            tracing::warn!(%error, "the index could not be updated with what was imported");
        }
        done.refused.sort_by_key(|refusal| refusal.blob);
        failed.map_or(Ok(done), Err)
    }
}

/// The receipt with nothing in it but what the bytes prove and what cannot be proven.
fn proven(receipt: &Receipt, actual: &Digests) -> Result<Receipt, RefusalReason> {
    if actual.blob != receipt.blob || !receipt.digests.digests().iter().all(|digest| actual.digests.contains(digest)) {
        return Err(mismatch(receipt, actual));
    }
    let digests = Integrity::new(actual.digests.iter().copied()).expect("those that are stated are among them");
    Ok(Receipt { size: actual.len, digests, ..receipt.clone() })
}

fn mismatch(receipt: &Receipt, actual: &Digests) -> RefusalReason {
    if actual.blob == receipt.blob {
        RefusalReason::Digests { stated: receipt.digests.clone() }
    } else {
        RefusalReason::Bytes { actual: actual.blob }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
