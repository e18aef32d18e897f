//! Taking blobs in from another store's folder, of which nothing is believed: whoever made it may have been killed, and may be anybody.
//!
//! Every byte is read, and compared with the blake3 that is the blob's name and with each digest of its receipt, before it is published by the store's own way
//! (claim, barrier, journal, rename, receipt). What does not agree is refused and named; it stops nothing else. Digests that a receipt states beside the right ones
//! are refused too: the index would find the blob by them. What no bytes can prove is an origin's `identity`, that these are the bytes of a commit: it is taken from a folder
//! that is the user's own ([`Identities::Believed`]), from any other only where this store recorded the same for the same blob, and never in place of what is known here.

mod source;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use self::source::Source;
use crate::{
    blob,
    carry::{Lack, lack, present},
    claim::Claimed,
    commit::Committer,
    digest::{BlobId, Digests, Integrity},
    error::StoreError,
    journal,
    layout::Layout,
    look_up::{LookUp, Wanted, day},
    meta,
    open::{self, Unfit},
    part::SealError,
    receipt::Receipt,
    store::Store,
    survey::Tally,
    wait::Stall,
};

pub use self::source::UnfitReceipt;

/// How long who finds a file under way elsewhere waits before it asks again, as a fetch does.
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// Whether the other store is believed about what no bytes prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identities {
    /// It is the user's own.
    Believed,
    /// It may be anybody's. What it says of identities is left out, unless it is known here.
    Known,
}

/// What was taken in.
#[derive(Debug, Default)]
pub struct TakenIn {
    /// Blobs that are here now and were not.
    pub taken: Tally,
    /// Blobs that were here and are found under more keys now.
    pub supplemented: u64,
    /// Blobs of which nothing was new.
    pub already_here: u64,
    /// Packages without a digest in any lockfile whose bytes the other store names, and is not believed about.
    pub not_believed: u64,
    /// What was not taken, sorted by blob.
    pub refused: Vec<Refusal>,
    /// How long barriers took, in all. Most of it passes while other files are read.
    pub barriers: Duration,
    /// Whether it ended before all was looked at.
    pub is_stopped: bool,
}

/// A blob that was not taken in.
#[derive(Debug)]
pub struct Refusal {
    /// The blob, if a name says which.
    pub blob: Option<BlobId>,
    /// A package that it is said to be: `react 18.2.0`.
    pub package: Option<String>,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a blob was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Its receipt is none, or not one that can be believed.
    #[error("its receipt is damaged: {0}")]
    Receipt(UnfitReceipt),
    /// It has a receipt and no file.
    #[error("it has a receipt and no file")]
    Missing,
    /// A link, a pipe or the like is in its file's place.
    #[error("its file is {0}")]
    NotAFile(Unfit),
    /// Its file has another length than the receipt says.
    #[error("it has {actual} bytes, and its receipt says {expected}")]
    Length {
        /// Bytes that the receipt says.
        expected: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// Its bytes are not those of its name.
    #[error("its bytes are blake3 {actual}")]
    Bytes {
        /// The blake3 of its bytes.
        actual: BlobId,
    },
    /// Its bytes are those of its name, and its receipt states other digests of them.
    #[error("its receipt states digests that its bytes do not have ({stated})")]
    Digests {
        /// What is stated.
        stated: Integrity,
    },
    /// Without a digest in the lockfile, other bytes were fetched first, and count.
    #[error("other bytes are recorded here for {identity}: {recorded}")]
    Conflict {
        /// What was asked for.
        identity: String,
        /// The blob that counts.
        recorded: BlobId,
    },
    /// It cannot be read there, or written here.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in what the store's folder `from` has and this store lacks, with `threads` threads; `identities` says whether `from` is believed about what no bytes
/// prove. `is_stopped` is asked between pieces. What was published before an
/// error or a stop stays, and is not read again the next time.
pub fn take_in(
    store: &Store,
    from: &Path,
    identities: Identities,
    now: jiff::Timestamp,
    threads: usize,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<TakenIn, StoreError> {
    if !store.is_writable() {
        return Err(StoreError::ReadOnly { root: store.root().to_owned() });
    }
    let layout = Layout::new(from);
    if !meta::check(&layout)? {
        return Err(StoreError::NotAStore { root: from.to_owned() });
    }
    open::check_folders(&layout, false)?;
    let mut taken = TakenIn::default();
    let mut offered = Vec::new();
    for found in source::receipts(&layout)? {
        match found {
            Ok(receipt) => offered.push(receipt),
            Err(refusal) => taken.refused.push(refusal),
        }
    }
    let wanted: Vec<Wanted> = offered.iter().flat_map(all_wanted).collect();
    let look_up = store.look_up(&wanted, now)?;
    let mut conflicts = HashMap::new();
    for receipt in &mut offered {
        // Before anything is left out: that it names other bytes than those that are known here is worth a word.
        if let Err(reason) = refuse_conflict(&look_up, receipt) {
            conflicts.insert(receipt.blob, reason);
        }
        if identities == Identities::Known {
            taken.not_believed += leave_out_unknown(store, receipt);
        }
    }
    offered.retain(|receipt| match conflicts.remove(&receipt.blob) {
        Some(reason) => {
            taken.refused.push(refusal(receipt, reason));
            false
        }
        None => true,
    });
    let work = Work {
        store,
        layout: &layout,
        look_up: &look_up,
        offered: &offered,
        committer: Committer::start(&look_up, now),
        queue: Mutex::new((0..offered.len()).collect()),
        stalls: Mutex::default(),
        done: Mutex::new(taken),
        failed: Mutex::new(None),
        is_over: AtomicBool::new(false),
        is_stopped,
    };
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, offered.len().max(1)) {
            scope.spawn(|| work.run());
        }
    });
    work.finish(now)
}

/// What the blob is asked for by: all its digests together, and each identity.
fn all_wanted(receipt: &Receipt) -> impl Iterator<Item = Wanted> + '_ {
    [Wanted::Integrity(receipt.digests.clone())].into_iter().chain(identities(receipt).map(Wanted::Identity))
}

fn identities(receipt: &Receipt) -> impl Iterator<Item = String> + '_ {
    receipt.origins.iter().filter_map(|origin| origin.identity.clone())
}

fn refuse_conflict(look_up: &LookUp, receipt: &Receipt) -> Result<(), RefusalReason> {
    for identity in identities(receipt) {
        let wanted = Wanted::Identity(identity.clone());
        let known = look_up.find(&wanted).map(|found| found.blob).or_else(|| look_up.recorded(&wanted));
        if let Some(recorded) = known.filter(|known| *known != receipt.blob) {
            return Err(RefusalReason::Conflict { identity, recorded });
        }
    }
    Ok(())
}

/// Takes out of a receipt the identities that this store did not record for the same blob; how many.
fn leave_out_unknown(store: &Store, receipt: &mut Receipt) -> u64 {
    if receipt.origins.iter().all(|origin| origin.identity.is_none()) {
        return 0;
    }
    let known: HashSet<String> = store.receipt(&receipt.blob).iter().flat_map(identities).collect();
    let mut left_out = HashSet::new();
    for origin in &mut receipt.origins {
        left_out.extend(origin.identity.take_if(|identity| !known.contains(identity)));
    }
    receipt.origins.sort();
    receipt.origins.dedup();
    left_out.len() as u64
}

fn refusal(receipt: &Receipt, reason: RefusalReason) -> Refusal {
    let package = receipt.origins.first().map(|origin| format!("{} {}", origin.name, origin.version));
    Refusal { blob: Some(receipt.blob), package, reason }
}

/// What came of one blob.
enum Step {
    AlreadyHere,
    Supplemented,
    /// It is complete, and waits for the disk.
    Submitted,
    /// Another process is at it.
    Busy,
}

struct Work<'a> {
    store: &'a Store,
    layout: &'a Layout,
    look_up: &'a LookUp,
    offered: &'a [Receipt],
    committer: Committer,
    /// Places in `offered`.
    queue: Mutex<VecDeque<usize>>,
    /// What other processes are at, by its place.
    stalls: Mutex<HashMap<usize, Stall>>,
    done: Mutex<TakenIn>,
    /// What makes it pointless to go on.
    failed: Mutex<Option<StoreError>>,
    is_over: AtomicBool,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Work<'_> {
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
                        held(&self.done).refused.push(refusal(receipt, error.into()));
                    } else {
                        held(&self.queue).push_back(at);
                        thread::sleep(BUSY_PAUSE);
                    }
                }
                Err(RefusalReason::Store(error)) if error.is_fatal() => {
                    held(&self.failed).get_or_insert(error);
                    self.is_over.store(true, Ordering::Relaxed);
                }
                Err(reason) => held(&self.done).refused.push(refusal(receipt, reason)),
            }
        }
    }

    /// Why a file that another process downloads is not waited for any longer.
    fn given_up(&self, at: usize) -> Option<StoreError> {
        let wanted = || Wanted::Integrity(self.offered[at].digests.clone());
        held(&self.stalls).entry(at).or_insert_with(|| self.look_up.stall(&wanted())).given_up()
    }

    fn take(&self, at: usize, receipt: &Receipt) -> Result<Step, RefusalReason> {
        // Again: a fetch may have recorded other bytes meanwhile.
        refuse_conflict(self.look_up, receipt)?;
        match lack(present(self.store, &receipt.blob).as_ref(), receipt) {
            None => Ok(Step::AlreadyHere),
            Some(Lack::Keys) => self.supplement(receipt),
            Some(Lack::Bytes) => self.copy(at, receipt),
        }
    }

    /// Adds what the other receipt knows, once the bytes that are here prove it.
    fn supplement(&self, receipt: &Receipt) -> Result<Step, RefusalReason> {
        let digests = blob::hash_file(&self.store.blob_path(&receipt.blob), receipt.digests.algorithms())?;
        journal::supplement(self.store.layout(), proven(receipt, &digests)?)?;
        Ok(Step::Supplemented)
    }

    fn copy(&self, at: usize, receipt: &Receipt) -> Result<Step, RefusalReason> {
        let mut source = Source::open(&self.layout.blob(&receipt.blob), receipt.size)?;
        let wanted = Wanted::Integrity(receipt.digests.clone());
        let mut part = match self.look_up.claim(&wanted, None, Vec::new())? {
            Claimed::Yours(part) => part,
            Claimed::Busy => return Ok(Step::Busy),
            // Another process has published it meanwhile.
            Claimed::Here(found) if found.blob == receipt.blob => return self.supplement(receipt),
            Claimed::Here(found) => return Err(RefusalReason::Bytes { actual: found.blob }),
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

    fn finish(self, now: jiff::Timestamp) -> Result<TakenIn, StoreError> {
        let committed = self.committer.finish();
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.barriers = committed.barriers;
        for (at, outcome) in committed.published {
            let receipt = &self.offered[usize::try_from(at).expect("it was a place in memory")];
            match outcome {
                Ok(found) => done.taken.add(found.size),
                Err(error) if error.is_fatal() => {
                    failed.get_or_insert(error);
                }
                Err(error) => done.refused.push(refusal(receipt, error.into())),
            }
        }
        if done.supplemented > 0
            && let Err(error) = journal::fold(self.store, day(now))
        {
            tracing::warn!(%error, "the index could not be told of what was taken in");
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

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
