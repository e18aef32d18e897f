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
    pub published: Vec<(u64, Result<BlobRef, StoreError>)>,
    /// How long barriers took, in all. Most of it passes while other files are downloaded.
    pub barriers: Duration,
    /// Where the index was, if it had to be changed.
    pub index: Option<IndexState>,
    /// Why nothing more is published: a lock that another process holds. What comes after it would only wait for it again.
    stuck: Option<StoreError>,
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
        self.sender.send((tag, sealed)).expect("the committer's thread runs until the sender is gone");
    }

    /// Publishes what was submitted, updates the index, and returns what became of each. Blocks.
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

fn run(store: &Overlay, receiver: &Receiver<Work>, files: usize, today: u32) -> Committed {
    let mut committed = Committed::default();
    let store = match store.writable() {
        Ok(store) => store,
        Err(error) => {
            committed.published.extend(receiver.iter().map(|(tag, _)| (tag, Err(error.again()))));
            return committed;
        }
    };
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
    update_index(store, today, &mut committed);
    committed
}

fn publish(store: Writable<'_>, group: Vec<Work>, committed: &mut Committed) {
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
        Ok(()) => journal::append(store, &records),
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
    if committed.published.is_empty() || committed.stuck.is_some() {
        return;
    }
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
