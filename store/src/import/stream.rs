//! An import from a stream of blobs: one thread reads, several hash and write. At most [`CHUNKS`] pieces wait for each of them, so memory has a bound.

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use super::{
    blobs::BlobStream,
    report::RefusalReason,
    work::{BUSY_PAUSE, READ_BYTES, Work},
};
use crate::digest::BlobId;

/// Pieces of [`READ_BYTES`] that wait for a writer: 2 MiB.
const CHUNKS: usize = 16;
/// More writers than this wait for the reader.
const MOST_WRITERS: usize = 8;

/// A blob on its way to a writer.
struct Job {
    at: usize,
    bytes: Receiver<io::Result<Vec<u8>>>,
}

/// Imports what is offered, as it comes. An error is why the stream broke off.
pub(super) fn run(work: &Work<'_>, blobs: &mut dyn BlobStream, threads: usize) -> io::Result<()> {
    let mut places: HashMap<BlobId, usize> =
        work.offered.iter().enumerate().map(|(at, receipt)| (receipt.blob, at)).collect();
    let (jobs, waiting) = sync_channel(0);
    let waiting = Mutex::new(waiting);
    let read = thread::scope(|scope| {
        let (empty, emptied) = channel();
        for _ in 0..threads.clamp(1, MOST_WRITERS) {
            let (waiting, empty) = (&waiting, empty.clone());
            scope.spawn(move || write(work, waiting, &empty));
        }
        drop(empty);
        // The writers end when nothing can come any more.
        read(work, blobs, &mut places, (jobs, &emptied))
    });
    if read.is_ok() && !work.is_over() {
        for at in places.into_values() {
            let was_needed = work.lacks_bytes(&work.offered[at]);
            if was_needed {
                work.refuse(at, RefusalReason::Missing);
            } else {
                work.import(at, &mut || Err(RefusalReason::Missing));
            }
        }
    }
    read
}

fn read(
    work: &Work<'_>,
    blobs: &mut dyn BlobStream,
    places: &mut HashMap<BlobId, usize>,
    (jobs, emptied): (SyncSender<Job>, &Receiver<Vec<u8>>),
) -> io::Result<()> {
    while !work.is_over() {
        let Some((blob, len)) = blobs.next()? else { break };
        let Some(at) = places.get(&blob).copied() else { continue };
        let receipt = &work.offered[at];
        if len != receipt.size {
            places.remove(&blob);
            work.refuse(at, RefusalReason::Length { expected: receipt.size, actual: len });
            continue;
        }
        if !work.lacks_bytes(receipt) {
            // What its receipt knows is added at the end.
            continue;
        }
        places.remove(&blob);
        let (chunks, bytes) = sync_channel(CHUNKS);
        if jobs.send(Job { at, bytes }).is_err() {
            break;
        }
        feed(blobs, len, &chunks, emptied)?;
    }
    Ok(())
}

/// Gives a writer all bytes of a blob, as long as it takes them.
fn feed(
    blobs: &mut dyn BlobStream,
    len: u64,
    chunks: &SyncSender<io::Result<Vec<u8>>>,
    emptied: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut left = len;
    while left > 0 {
        let most = usize::try_from(left).map_or(READ_BYTES, |left| left.min(READ_BYTES));
        let mut chunk = emptied.try_recv().unwrap_or_default();
        chunk.resize(most, 0);
        if let Err(error) = blobs.read_exact(&mut chunk) {
            // A writer that has gone has said why.
            let _gone = chunks.send(Err(RefusalReason::CutOff.into()));
            return Err(error);
        }
        if chunks.send(Ok(chunk)).is_err() {
            break;
        }
        left -= most as u64;
    }
    Ok(())
}

fn write(work: &Work<'_>, waiting: &Mutex<Receiver<Job>>, emptied: &Sender<Vec<u8>>) {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Job { at, bytes }) = next() {
        let mut chunks = Some(Chunks { bytes, chunk: Vec::new(), read: 0, emptied });
        let mut open = || chunks.take().map(|chunks| Box::new(chunks) as Box<dyn Read>).ok_or(RefusalReason::CutOff);
        // The stream waits meanwhile: it does not come again. What is busy was not opened.
        while work.import(at, &mut open) {
            thread::sleep(BUSY_PAUSE);
        }
    }
}

/// A blob's bytes as they come.
struct Chunks<'a> {
    bytes: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    read: usize,
    /// Where a piece goes that was read, to be filled again.
    emptied: &'a Sender<Vec<u8>>,
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.chunk.len() {
            let Ok(chunk) = self.bytes.recv() else { return Ok(0) };
            let empty = std::mem::replace(&mut self.chunk, chunk?);
            self.read = 0;
            if empty.capacity() > 0 {
                // The reader may have ended.
                let _ended = self.emptied.send(empty);
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.read);
        buffer[..count].copy_from_slice(&self.chunk[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}
