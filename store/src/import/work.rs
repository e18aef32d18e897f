//! The work of an import on one blob: it is compared while it is written, and published by the store's own way. Who calls decides where its bytes come from and on which thread.

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    identity::refuse_conflict,
    report::{Imported, Refusal, RefusalReason},
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
    lookup::Lookup,
    part::{Part, SealError},
    receipt::Receipt,
    store::Store,
    transfer::{Missing, missing, present},
    wait::Stall,
    writable::Writable,
};

/// How long who finds a file under way elsewhere waits before it asks again, as a fetch does.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(25);
/// Read at once, bytes: as large as what a download writes.
pub(super) const READ_BYTES: usize = 128 << 10;

/// What came of one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    AlreadyHere,
    Supplemented,
    /// It is complete, and waits for the disk.
    Submitted,
    /// Another process is at it.
    Busy,
    /// It was asked to stop. Counted by who asked.
    Stopped,
}

/// Gives a blob's bytes from the first one on. Called only if they are missing.
pub(super) type Open<'open, 'bytes> = &'open mut dyn FnMut() -> Result<Box<dyn Read + 'bytes>, RefusalReason>;

pub(super) struct Work<'a> {
    store: &'a Store,
    writable: Writable<'a>,
    lookup: &'a Lookup,
    pub(super) offered: &'a [Receipt],
    committer: Committer,
    /// What other processes are at, by its place in `offered`.
    stalls: Mutex<HashMap<usize, Stall>>,
    done: Mutex<Imported>,
    /// What makes it pointless to go on.
    failed: Mutex<Option<StoreError>>,
    is_over: AtomicBool,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Work<'a> {
    /// What is `offered` is to be imported into `store`, and what came of it added to `imported`.
    pub(super) fn new(
        store: &'a Store,
        lookup: &'a Lookup,
        (offered, imported): (&'a [Receipt], Imported),
        is_stopped: &'a (dyn Fn() -> bool + Sync),
        now: jiff::Timestamp,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            writable: store.writable()?,
            lookup,
            offered,
            committer: Committer::start(lookup, now),
            stalls: Mutex::default(),
            done: Mutex::new(imported),
            failed: Mutex::new(None),
            is_over: AtomicBool::new(false),
            is_stopped,
        })
    }

    /// Whether nothing more is to be begun: somebody asked to stop, or the store cannot go on.
    pub(super) fn is_over(&self) -> bool {
        if (self.is_stopped)() {
            self.is_over.store(true, Ordering::Relaxed);
            held(&self.done).is_stopped = true;
        }
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether the bytes of this one are missing.
    pub(super) fn lacks_bytes(&self, receipt: &Receipt) -> bool {
        missing(present(self.store, &receipt.blob).as_ref(), receipt) == Some(Missing::Bytes)
    }

    /// Imports one, and notes what came of it. True if another process is at it, and it has to be asked for again.
    pub(super) fn import(&self, at: usize, open: Open<'_, '_>) -> bool {
        let receipt = &self.offered[at];
        match self.step(at, receipt, open) {
            Ok(Step::Submitted | Step::Stopped) => {}
            Ok(Step::AlreadyHere) => held(&self.done).already_here += 1,
            Ok(Step::Supplemented) => held(&self.done).supplemented += 1,
            Ok(Step::Busy) => match self.given_up(at) {
                Some(error) => self.refuse(at, error.into()),
                None => return true,
            },
            Err(reason) => self.refuse(at, reason),
        }
        false
    }

    /// Notes that one is not imported.
    pub(super) fn refuse(&self, at: usize, reason: RefusalReason) {
        match reason {
            RefusalReason::Store(error) if error.is_fatal() => {
                held(&self.failed).get_or_insert(error);
                self.is_over.store(true, Ordering::Relaxed);
            }
            // It is no fault of the blob: what is said of it is said once, of all.
            RefusalReason::CutOff => {}
            reason => held(&self.done).refused.push(Refusal::of(&self.offered[at], reason)),
        }
    }

    /// Why a file that another process downloads is not waited for any longer.
    fn given_up(&self, at: usize) -> Option<StoreError> {
        let wanted = || Wanted::Integrity(self.offered[at].digests.clone());
        held(&self.stalls).entry(at).or_insert_with(|| self.lookup.stall(&wanted())).given_up()
    }

    fn step(&self, at: usize, receipt: &Receipt, open: Open<'_, '_>) -> Result<Step, RefusalReason> {
        // Again: a fetch may have recorded other bytes meanwhile.
        refuse_conflict(self.lookup, receipt)?;
        match missing(present(self.store, &receipt.blob).as_ref(), receipt) {
            None => Ok(Step::AlreadyHere),
            Some(Missing::Keys) => self.supplement(receipt),
            Some(Missing::Bytes) => self.copy(at, receipt, open),
        }
    }

    /// Adds what the other receipt knows, once the bytes that are here prove it.
    fn supplement(&self, receipt: &Receipt) -> Result<Step, RefusalReason> {
        let digests = hash_file(&self.store.blob_path(&receipt.blob), receipt.digests.algorithms())?;
        journal::supplement(self.writable, proven(receipt, &digests)?)?;
        Ok(Step::Supplemented)
    }

    fn copy(&self, at: usize, receipt: &Receipt, open: Open<'_, '_>) -> Result<Step, RefusalReason> {
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
        let written = open().and_then(|mut bytes| self.write(&mut part, receipt.size, &mut bytes));
        if !matches!(written, Ok(true)) {
            part.drop_bytes()?;
            return written.map(|_| Step::Stopped);
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

    /// Writes `size` bytes and no more: a file that grows while it is read has other bytes than its name says, and no end. False if it was stopped before the end.
    fn write(&self, part: &mut Part, size: u64, bytes: &mut dyn Read) -> Result<bool, RefusalReason> {
        let mut buffer = vec![0; READ_BYTES.min(usize::try_from(size).unwrap_or(READ_BYTES).max(1))];
        let mut left = size;
        while left > 0 {
            if self.is_over() {
                return Ok(false);
            }
            let most = usize::try_from(left).unwrap_or(READ_BYTES).min(buffer.len());
            match bytes.read(&mut buffer[..most]) {
                Ok(0) => return Err(RefusalReason::Length { expected: size, actual: size - left }),
                Ok(count) => {
                    part.write(&buffer[..count])?;
                    left -= count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RefusalReason::of_reading(error)),
            }
        }
        Ok(true)
    }

    /// Publishes what is complete; what came of all.
    pub(super) fn finish(self, now: jiff::Timestamp) -> Result<Imported, StoreError> {
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
