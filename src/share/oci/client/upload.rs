//! A blob on its way to a registry: written by a thread, sent as it is written, and never in memory whole.

use std::{
    io::{self, Write},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::spawn_blocking,
};

use super::exchange::Moved;

/// Writes a blob, the same each time. It runs on a thread that may wait, perhaps several times.
pub type BlobSource = Arc<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// Sent at once: bytes. Two of them wait in memory at most.
const PIECE: usize = 256 << 10;

/// Makes the bodies of one blob's requests.
pub(super) struct Upload {
    source: BlobSource,
    len: u64,
    taken: Arc<AtomicU64>,
    /// Why the source failed.
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Upload {
    pub(super) fn new(source: BlobSource, len: u64) -> Self {
        Self { source, len, taken: Arc::default(), failed: Arc::default() }
    }

    /// A body. Called where the runtime is entered.
    pub(super) fn body(&self) -> reqwest::Body {
        self.taken.store(0, Ordering::Relaxed);
        let (sender, pieces) = channel(1);
        let (source, failed, len) = (Arc::clone(&self.source), Arc::clone(&self.failed), self.len);
        spawn_blocking(move || {
            let mut writer = Pieces { sender, buffer: Vec::with_capacity(PIECE), left: len };
            let written = source(&mut writer).and_then(|()| writer.finish());
            // Whoever took it has gone, and knows why.
            let error = match written {
                Err(error) if !is_gone(&error) => error,
                _ => return,
            };
            let kind = error.kind();
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            // A body that is gone needs no end.
            drop(writer.sender.blocking_send(Err(kind.into())));
        });
        reqwest::Body::wrap(Counted { pieces, left: len, taken: Arc::clone(&self.taken) })
    }

    /// How far the last body is.
    pub(super) fn moved(&self) -> Moved {
        match self.taken.load(Ordering::Relaxed) {
            taken if taken >= self.len => Moved::ToTheEnd,
            taken => Moved::To(taken),
        }
    }

    /// Why the source failed, if it did.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Nobody takes the body any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody takes the body any more")]
struct Gone;

fn is_gone(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Gone>())
}

/// Hands on what is written, in pieces.
struct Pieces {
    sender: Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
    left: u64,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE)));
        let sent = self.sender.blocking_send(Ok(piece));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, Gone))
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::other(format!("{} bytes less than were announced", self.left)));
        }
        self.send()
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.buffer.len());
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| io::Error::other("more bytes than were announced"))?;
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == PIECE {
            self.send()?;
        }
        Ok(count)
    }

    /// Pieces go when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body of known length: registries and the storage behind them refuse chunked ones. One channel carries pieces and the error: with two, a last piece that came between a look at the one and a look at
/// the other was lost.
struct Counted {
    pieces: Receiver<io::Result<Bytes>>,
    left: u64,
    taken: Arc<AtomicU64>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.pieces.poll_recv(cx);
        if let Poll::Ready(Some(Ok(data))) = &piece {
            self.left = self.left.saturating_sub(data.len() as u64);
            self.taken.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        piece.map(|piece| piece.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
