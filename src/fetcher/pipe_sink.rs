//! [`PipeSink`]: a download that is read while it arrives, by a thread of its own. Where it breaks off, it goes on, or begins again with all that was read forgotten.

use std::{
    io::{self, Read},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use bytes::Bytes;

use super::extracted::Extracted;
use crate::http::{FinishError, ResumePoint, Sink, SinkError, Validator};

/// Pieces that wait to be read: the network is not to be far ahead.
const WAITING: usize = 4;

/// What the thread leaves when it has ended.
pub(super) type Slot = Arc<Mutex<Option<(Extracted, io::Result<()>)>>>;

/// The reader needs no more: not an error.
#[derive(Debug, thiserror::Error)]
#[error("no more of it is needed")]
pub(super) struct Enough;

/// Takes a body and gives it to `read`.
pub(super) struct PipeSink<F> {
    slot: Slot,
    read: Arc<F>,
    state: State,
    received: u64,
    /// Of the bytes that come next, how many were given away before.
    skipped: u64,
    validator: Option<Validator>,
}

enum State {
    Idle(Extracted),
    Reading(SyncSender<Bytes>, JoinHandle<()>),
    Ended,
}

impl<F: Fn(&mut dyn Read, &mut Extracted) -> io::Result<()> + Send + Sync + 'static> PipeSink<F> {
    /// Reads what comes with `read`, into `extracted`; both its result and the extracted are in `slot` once the download has ended with success or [`Enough`].
    pub(super) fn new(slot: Slot, extracted: Extracted, read: F) -> Self {
        Self { slot, read: Arc::new(read), state: State::Idle(extracted), received: 0, skipped: 0, validator: None }
    }

    fn start(&mut self, mut extracted: Extracted) -> io::Result<()> {
        extracted.clear()?;
        let (sender, receiver) = sync_channel(WAITING);
        let (slot, read) = (Arc::clone(&self.slot), Arc::clone(&self.read));
        let thread = thread::Builder::new().name("unpack".to_owned()).spawn(move || {
            let result = read(&mut Pieces { receiver, piece: Bytes::new() }, &mut extracted);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((extracted, result));
        })?;
        self.state = State::Reading(sender, thread);
        (self.received, self.skipped) = (0, 0);
        Ok(())
    }

    /// Waits until all that was given away is read.
    fn end(&mut self) {
        match mem::replace(&mut self.state, State::Ended) {
            State::Reading(sender, thread) => {
                drop(sender);
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            other => self.state = other,
        }
    }

    fn again(&mut self) -> io::Result<()> {
        self.end();
        let left = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let before = if let State::Idle(extracted) = mem::replace(&mut self.state, State::Ended) {
            Some(extracted)
        } else {
            None
        };
        let extracted = before.or(left.map(|(extracted, _)| extracted));
        self.start(extracted.expect("a thread that has ended leaves its extracted"))
    }
}

impl<F: Fn(&mut dyn Read, &mut Extracted) -> io::Result<()> + Send + Sync + 'static> Sink for PipeSink<F> {
    type Done = ();

    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError> {
        let is_reading = matches!(self.state, State::Reading(..)) && self.received > 0;
        Ok(is_reading.then(|| ResumePoint {
            len: self.received,
            validator: self.validator.clone(),
            is_complete: false,
        }))
    }

    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError> {
        self.validator = validator.cloned();
        if offset == 0 {
            return self.again().map_err(SinkError::new);
        }
        self.skipped = self.received - offset;
        Ok(())
    }

    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError> {
        for bytes in bytes {
            let known = usize::try_from(self.skipped).map_or(bytes.len(), |skipped| skipped.min(bytes.len()));
            self.skipped -= known as u64;
            let new = bytes.slice(known..);
            self.received += new.len() as u64;
            let State::Reading(sender, _) = &self.state else { return Err(SinkError::new(Enough)) };
            if !new.is_empty() && sender.send(new).is_err() {
                self.end();
                return Err(SinkError::new(Enough));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), FinishError> {
        self.end();
        Ok(())
    }
}

/// The pieces as one stream.
struct Pieces {
    receiver: Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            // Nothing more comes once the download has ended, or was given up.
            self.piece = self.receiver.recv().unwrap_or_default();
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
