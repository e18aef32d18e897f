//! Turning complete files into blobs, in groups: one barrier, then each blob and its receipt; and at the end the index.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    barrier, blob, clock::day, error::StoreError, index::IndexState, journal, key::BlobRef, lookup::Lookup,
    overlay::Overlay, part::Sealed, part_file, receipt_files, writable::Writable,
};

/// How long a complete file waits for others to share its barrier.
const GROUP_AGE: Duration = Duration::from_secs(1);
/// How long nothing comes before the index is updated with what was published: it is opened and closed for that, which costs some milliseconds.
const IDLE: Duration = Duration::from_secs(1);
/// How many files share a barrier at most, and how many more may wait for the next one: each is held open by its lock.
const GROUP_FILES: usize = 256;
/// Open files that are not the committer's: downloads, connections, the index.
const OTHERS_FILES: u64 = 128;

/// Takes complete files and makes blobs of them, on a thread of its own: group commit. While one barrier is waited for, what is submitted shares the next one.
///
/// Dropped without [`Committer::finish`], it goes on until the process ends; what it has not published by then is left for the next run.
#[derive(Debug)]
pub struct Committer {
    sender: SyncSender<Message>,
    thread: JoinHandle<Committed>,
}

enum Message {
    File(Box<Work>),
    /// Somebody waits for what was submitted before.
    Hurry,
    /// The index is to know what was submitted before.
    Settle(SyncSender<Option<IndexState>>),
}

struct Work {
    sealed: Sealed,
    done: Done,
}

/// Where the outcome of a file goes.
enum Done {
    /// To [`Committed::published`], with this tag.
    Tag(u64),
    Call(Box<dyn FnOnce(Result<BlobRef, StoreError>) + Send>),
}

/// What a [`Committer`] did.
#[derive(Debug, Default)]
pub struct Committed {
    /// Each file that was submitted with a tag, by it.
    pub published: Vec<(u64, Result<BlobRef, StoreError>)>,
    /// How long barriers took, in all. Most of it passes while other files are downloaded.
    pub barriers: Duration,
    /// Where the index was, if it had to be changed.
    pub index: Option<IndexState>,
    /// Why nothing more is published: a lock that another process holds. What waits meanwhile would only wait for it again.
    stuck: Option<StoreError>,
    /// Whether something was published that the index does not know.
    is_index_behind: bool,
}

impl Committed {
    fn report(&mut self, done: Done, outcome: Result<BlobRef, StoreError>) {
        match done {
            Done::Tag(tag) => self.published.push((tag, outcome)),
            Done::Call(call) => call(outcome),
        }
    }
}

impl Committer {
    /// Starts one for the store that `lookup` looked in.
    pub fn start(lookup: &Lookup, now: jiff::Timestamp) -> Self {
        let files = group_files(rustix::process::getrlimit(rustix::process::Resource::Nofile).current);
        let (sender, receiver) = sync_channel(files);
        let store = Arc::clone(lookup.store());
        let today = day(now);
        let thread = thread::spawn(move || run(&store, &receiver, files, today));
        Self { sender, thread }
    }

    /// Takes a complete file. `tag` comes back with the outcome. Blocks while too many wait for the disk.
    pub fn submit(&self, tag: u64, sealed: Sealed) {
        self.send(Message::File(Box::new(Work { sealed, done: Done::Tag(tag) })));
    }

    /// Takes a complete file, and calls `done` on the committer's thread with the outcome. Blocks while too many wait for the disk.
    pub fn submit_then(&self, sealed: Sealed, done: impl FnOnce(Result<BlobRef, StoreError>) + Send + 'static) {
        self.send(Message::File(Box::new(Work { sealed, done: Done::Call(Box::new(done)) })));
    }

    /// Publishes what was submitted as soon as it can: nothing more is waited for that could share its barrier.
    pub fn hurry(&self) {
        self.send(Message::Hurry);
    }

    /// Publishes what was submitted and updates the index; where the index was, if it had to be changed. Blocks.
    pub fn settle(&self) -> Option<IndexState> {
        let (sender, receiver) = sync_channel(1);
        self.send(Message::Settle(sender));
        receiver.recv().expect("the committer's thread answers")
    }

    /// Publishes what was submitted, updates the index, and returns what became of each. Blocks.
    pub fn finish(self) -> Committed {
        drop(self.sender);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether its thread still takes files: a panic ends it.
    pub fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    fn send(&self, message: Message) {
        self.sender.send(message).expect("the committer's thread runs until the sender is gone");
    }
}

/// A quarter of the open files that a limit leaves is the committer's: half of that for a group, half for what waits for the next one.
fn group_files(limit: Option<u64>) -> usize {
    let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(OTHERS_FILES)) / 8;
    usize::try_from(left).unwrap_or(GROUP_FILES).clamp(4, GROUP_FILES)
}

fn run(store: &Overlay, receiver: &Receiver<Message>, files: usize, today: u32) -> Committed {
    match store.writable() {
        Ok(store) => commit(store, receiver, files, today),
        Err(error) => refuse_all(receiver, &error),
    }
}

/// Nothing is published in a store that cannot be written.
fn refuse_all(receiver: &Receiver<Message>, error: &StoreError) -> Committed {
    let mut committed = Committed::default();
    for message in receiver {
        match message {
            Message::File(work) => committed.report(work.done, Err(error.again())),
            Message::Hurry => {}
            Message::Settle(reply) => drop(reply.send(None)),
        }
    }
    committed
}

fn commit(store: Writable<'_>, receiver: &Receiver<Message>, files: usize, today: u32) -> Committed {
    let mut committed = Committed::default();
    loop {
        let (group, next) = gather(receiver, files, committed.is_index_behind);
        if !group.is_empty() {
            publish(store, group, &mut committed);
        }
        match next {
            Next::Group => {}
            Next::Settle(reply) => {
                update_index(store, today, &mut committed);
                // Who does not wait any more needs no answer.
                drop(reply.send(committed.index.take()));
            }
            Next::Idle => {
                committed.stuck = None;
                update_index(store, today, &mut committed);
            }
            Next::End => {
                update_index(store, today, &mut committed);
                return committed;
            }
        }
    }
}

/// What comes after a group.
enum Next {
    Group,
    Settle(SyncSender<Option<IndexState>>),
    /// Nothing came for a while.
    Idle,
    End,
}

/// Collects files that share a barrier: until they are old or many enough, or somebody waits for one of them.
fn gather(receiver: &Receiver<Message>, files: usize, is_index_behind: bool) -> (Vec<Work>, Next) {
    let mut group: Vec<Work> = Vec::new();
    let mut first: Option<Instant> = None;
    let mut is_hurried = false;
    while group.len() < files {
        let patience = match first {
            Some(_) if is_hurried => Duration::ZERO,
            Some(first) => GROUP_AGE.saturating_sub(first.elapsed()),
            None if is_index_behind => IDLE,
            None => Duration::MAX,
        };
        match receiver.recv_timeout(patience) {
            Ok(Message::File(work)) => {
                first.get_or_insert_with(Instant::now);
                group.push(*work);
            }
            Ok(Message::Hurry) => is_hurried = !group.is_empty(),
            Ok(Message::Settle(reply)) => return (group, Next::Settle(reply)),
            Err(RecvTimeoutError::Timeout) if group.is_empty() => return (group, Next::Idle),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (group, Next::End),
        }
    }
    (group, Next::Group)
}

fn publish(store: Writable<'_>, group: Vec<Work>, committed: &mut Committed) {
    if let Some(error) = &committed.stuck {
        let error = error.again();
        for work in group {
            committed.report(work.done, Err(error.again()));
        }
        return;
    }
    let start = Instant::now();
    let barrier = barrier::wait(store.root(), group.iter().map(|work| work.sealed.part.as_path()));
    committed.barriers += start.elapsed();
    let records: Vec<_> = group.iter().map(|work| (work.sealed.key, work.sealed.receipt.blob)).collect();
    // Without its record, a file that a kill or a full disk stops half-way would be lost; before it, it is whole in partial/.
    let recorded = match barrier {
        Ok(()) => journal::append(store, &records),
        Err(error) => Err(StoreError::io("sync", store.root(), error)),
    };
    committed.is_index_behind = true;
    for Work { sealed, done } in group {
        let outcome = match committed.stuck.as_ref().or(recorded.as_ref().err()) {
            None => publish_one(store, sealed),
            Some(error) => Err(error.again()),
        };
        if let Err(error @ (StoreError::Held { .. } | StoreError::Interrupted)) = &outcome {
            committed.stuck.get_or_insert_with(|| error.again());
        }
        committed.report(done, outcome);
    }
}

fn publish_one(store: Writable<'_>, sealed: Sealed) -> Result<BlobRef, StoreError> {
    let Sealed { key, part, lock, receipt, has_state } = sealed;
    let found = BlobRef { blob: receipt.blob, size: receipt.size };
    let keys: Vec<_> = receipt.keys().map(|known| known.hash()).collect();
    // Whatever can be refused comes before the blob gets its name: another user's folder, a full disk.
    let receipt = receipt_files::stage(store, receipt)?;
    if !keys.contains(&key) {
        // Of several digests that were stated as alternatives, the bytes have another one than the download is named by.
        journal::append(store, &keys.iter().map(|key| (*key, found.blob)).collect::<Vec<_>>())?;
    }
    lock.check_name()?;
    blob::publish(store, &part, &lock, &found.blob)?;
    receipt.publish(store)?;
    if has_state {
        part_file::remove(&part.with_extension("json"));
    }
    drop(lock);
    Ok(found)
}

/// A store whose index cannot be updated is as valid: the journal stays, and the next run reads it.
fn update_index(store: Writable<'_>, today: u32, committed: &mut Committed) {
    if !committed.is_index_behind || committed.stuck.is_some() {
        return;
    }
    committed.is_index_behind = false;
    match journal::fold(store, today) {
        Ok(state) => committed.index = state,
        Err(error) => tracing::warn!(%error, "the index could not be updated with what was fetched"),
    }
    part_file::remove_abandoned(store);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_the_disk_is_bounded_by_the_open_files_that_are_left() {
        for (limit, files) in [(None, 256), (Some(10_240), 256), (Some(1024), 112), (Some(256), 16), (Some(64), 4)] {
            assert_eq!(group_files(limit), files, "{limit:?}");
        }
    }
}
