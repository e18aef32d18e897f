//! Turning complete files into blobs, in groups: one barrier, then each blob and its receipt; and at the end the index.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    barrier, blob, claim,
    error::StoreError,
    index::IndexState,
    journal,
    look_up::{Found, LookUp},
    part::Sealed,
    receipt,
    store::Store,
};

/// How long a complete file waits for others to share its barrier.
const GROUP_AGE: Duration = Duration::from_secs(1);
/// How many files share a barrier at most, and how many more may wait for the next one: each is held open by its lock.
const GROUP_FILES: usize = 256;
/// Open files that are not the committer's: downloads, connections, the index.
const OTHERS_FILES: u64 = 128;

/// Takes complete files and makes blobs of them, on a thread of its own. Dropped without [`Committer::finish`], it goes on until
/// the process ends; what it has not published by then is left for the next run.
#[derive(Debug)]
pub struct Committer {
    sender: SyncSender<Work>,
    thread: JoinHandle<Committed>,
}

type Work = (u64, Sealed);

/// What a [`Committer`] did.
#[derive(Debug, Default)]
pub struct Committed {
    /// Each file that was submitted, by its tag.
    pub published: Vec<(u64, Result<Found, StoreError>)>,
    /// How long barriers took, in all. Most of it passes while other files are downloaded.
    pub barriers: Duration,
    /// How the index was had, if it had to be changed.
    pub index: Option<IndexState>,
    /// Why nothing more is published: a lock that another process holds. What comes after it would only wait for it again.
    stuck: Option<StoreError>,
}

impl Committer {
    /// Starts one for the store that `look_up` looked in.
    pub fn start(look_up: &LookUp, now: jiff::Timestamp) -> Self {
        let files = group_files(rustix::process::getrlimit(rustix::process::Resource::Nofile).current);
        let (sender, receiver) = sync_channel(files);
        let store = look_up.store.clone();
        let today = crate::look_up::day(now);
        let thread = thread::spawn(move || run(&store, &receiver, files, today));
        Self { sender, thread }
    }

    /// Takes a complete file. `tag` comes back with the outcome. Blocks while too many wait for the disk.
    pub fn submit(&self, tag: u64, sealed: Sealed) {
        self.sender.send((tag, sealed)).expect("the committer's thread runs until the sender is gone");
    }

    /// Publishes what was submitted, tells the index, and says what became of each. Blocks.
    pub fn finish(self) -> Committed {
        drop(self.sender);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A quarter of the open files that a limit leaves is the committer's: half of that for a group, half for what waits for the next one.
fn group_files(limit: Option<u64>) -> usize {
    let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(OTHERS_FILES)) / 8;
    usize::try_from(left).unwrap_or(GROUP_FILES).clamp(4, GROUP_FILES)
}

fn run(store: &Store, receiver: &Receiver<Work>, files: usize, today: u32) -> Committed {
    let mut committed = Committed::default();
    let mut is_open = true;
    while is_open {
        let mut group: Vec<Work> = Vec::new();
        let mut first: Option<Instant> = None;
        while group.len() < files {
            let patience = first.map_or(Duration::MAX, |first| GROUP_AGE.saturating_sub(first.elapsed()));
            match receiver.recv_timeout(patience) {
                Ok(work) => {
                    first.get_or_insert_with(Instant::now);
                    group.push(work);
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    is_open = false;
                    break;
                }
            }
        }
        if !group.is_empty() {
            publish(store, group, &mut committed);
        }
    }
    tell_index(store, today, &mut committed);
    committed
}

fn publish(store: &Store, group: Vec<Work>, committed: &mut Committed) {
    if let Some(error) = &committed.stuck {
        committed.published.extend(group.into_iter().map(|(tag, _)| (tag, Err(error.again()))));
        return;
    }
    let start = Instant::now();
    let barrier = barrier::wait(store.root(), group.iter().map(|(_, sealed)| sealed.part.as_path()));
    committed.barriers += start.elapsed();
    let records: Vec<_> = group.iter().map(|(_, sealed)| (sealed.key, sealed.receipt.blob)).collect();
    // Without its record, a file that a kill or a full disk stops half-way would be lost; before it, it is whole in partial/.
    let recorded = match barrier {
        Ok(()) => journal::append(store.layout(), &records),
        Err(error) => Err(StoreError::io("sync", store.root(), error)),
    };
    for (tag, sealed) in group {
        let outcome = match committed.stuck.as_ref().or(recorded.as_ref().err()) {
            None => publish_one(store, sealed),
            Some(error) => Err(error.again()),
        };
        if let Err(error @ (StoreError::Held { .. } | StoreError::Interrupted)) = &outcome {
            committed.stuck.get_or_insert_with(|| error.again());
        }
        committed.published.push((tag, outcome));
    }
}

fn publish_one(store: &Store, sealed: Sealed) -> Result<Found, StoreError> {
    let Sealed { key, part, lock, receipt, has_state } = sealed;
    let found = Found { blob: receipt.blob, size: receipt.size };
    let layout = store.layout();
    let keys: Vec<_> = receipt.keys().map(|known| known.hash()).collect();
    // Whatever can be refused comes before the blob gets its name: another user's folder, a full disk.
    let receipt = receipt::stage(layout, receipt)?;
    if !keys.contains(&key) {
        // Of several digests that were stated as alternatives, the bytes have another one than the download is named by.
        journal::append(layout, &keys.iter().map(|key| (*key, found.blob)).collect::<Vec<_>>())?;
    }
    lock.check_name()?;
    blob::publish(layout, &part, &lock, &found.blob)?;
    receipt.publish(layout)?;
    if has_state {
        claim::remove(&part.with_extension("json"));
    }
    drop(lock);
    Ok(found)
}

/// A store whose index cannot be told is as valid: the journal stays, and the next run reads it.
fn tell_index(store: &Store, today: u32, committed: &mut Committed) {
    if committed.published.is_empty() || committed.stuck.is_some() {
        return;
    }
    match journal::fold(store, today) {
        Ok(state) => committed.index = state,
        Err(error) => tracing::warn!(%error, "the index could not be told of what was fetched"),
    }
    claim::remove_abandoned(store.layout());
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
