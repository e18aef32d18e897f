//! A response's body: [`Incoming`] reads its bytes within the limits, [`pour`] hands them to a sink in batches.

use bytes::Bytes;
use tokio::time::timeout;

use super::{
    error::DownloadError,
    error_parts::Phase,
    progress::{Event, Progress},
    range::Validator,
    settings::ClientSettings,
    sink::{FinishError, Sink, SinkError},
    writer::Writer,
};
use crate::core::redacted::RedactedUrl;

/// Bytes handed over at once. A download may hold two such batches in memory, one being written and one arriving; twice as much
/// took the whole program above 100 MiB with 50 under way, and was no faster.
const BATCH_BYTES: usize = 128 << 10;

/// A server may send its bytes one by one.
const BATCH_CHUNKS: usize = 512;

/// The bytes of a body, from `offset` on.
pub(super) struct Incoming<'a> {
    pub(super) response: reqwest::Response,
    pub(super) url: RedactedUrl,
    pub(super) settings: &'a ClientSettings,
    pub(super) progress: &'a dyn Progress,
    /// The most that the whole may have, bytes.
    pub(super) limit: u64,
    /// Bytes of the whole that there are so far.
    pub(super) received: u64,
    /// Bytes of the whole, if the server says.
    pub(super) expected: Option<u64>,
}

impl Incoming<'_> {
    /// Refuses a body that is announced to be too long; else says that it begins.
    pub(super) fn announce(&self) -> Result<(), DownloadError> {
        if let Some(actual) = self.expected.filter(|&expected| expected > self.limit) {
            return Err(DownloadError::TooLong { url: self.url.clone(), limit: self.limit, actual });
        }
        self.progress.event(Event::Started { offset: self.received, total: self.expected });
        Ok(())
    }

    /// The next bytes; `None` at the end, if it is where it should be.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        let stall = self.settings.stall_timeout;
        let chunk = match timeout(stall, self.response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(source)) => return Err(self.broken(Some(source.without_url()))),
            Err(_) => {
                return Err(DownloadError::Timeout {
                    url: self.url.clone(),
                    proxy: None,
                    phase: Phase::Body,
                    after: stall,
                });
            }
        };
        let Some(chunk) = chunk else {
            return match self.expected {
                Some(expected) if self.received != expected => Err(self.broken(None)),
                _ => Ok(None),
            };
        };
        self.received += chunk.len() as u64;
        if self.received > self.expected.unwrap_or(u64::MAX).min(self.limit) {
            let limit = self.expected.unwrap_or(u64::MAX).min(self.limit);
            return Err(DownloadError::TooLong { url: self.url.clone(), limit, actual: self.received });
        }
        self.progress.event(Event::Received(chunk.len() as u64));
        Ok(Some(chunk))
    }

    fn broken(&self, source: Option<reqwest::Error>) -> DownloadError {
        DownloadError::Broken { url: self.url.clone(), received: self.received, expected: self.expected, source }
    }
}

/// What came and was not handed over yet, and where it belongs if nothing was.
struct Batch {
    begin: Option<(u64, Option<Validator>)>,
    chunks: Vec<Bytes>,
    len: usize,
}

impl Batch {
    fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        self.chunks.push(chunk);
    }

    fn is_full(&self) -> bool {
        self.len >= BATCH_BYTES || self.chunks.len() >= BATCH_CHUNKS
    }

    fn take(&mut self) -> Self {
        self.len = 0;
        Self { begin: self.begin.take(), chunks: std::mem::take(&mut self.chunks), len: 0 }
    }

    fn write_to(self, sink: &mut impl Sink) -> Result<(), SinkError> {
        if let Some((offset, validator)) = self.begin {
            sink.begin(offset, validator.as_ref())?;
        }
        if self.chunks.is_empty() { Ok(()) } else { sink.write(&self.chunks) }
    }
}

/// Hands a body to a sink: a short one at once when it is complete, a longer one in batches, each while the next one arrives. When
/// it breaks, what came is handed over, so that it can be resumed.
pub(super) async fn pour<S: Sink>(
    incoming: &mut Incoming<'_>,
    validator: Option<Validator>,
    writer: &mut Writer<S>,
) -> Result<Result<S::Done, FinishError>, DownloadError> {
    let url = incoming.url.clone();
    let unkept = |source| DownloadError::Sink { url: url.clone(), source };
    let mut batch = Batch { begin: Some((incoming.received, validator)), chunks: Vec::new(), len: 0 };
    loop {
        match incoming.next().await {
            Ok(Some(chunk)) => {
                batch.push(chunk);
                if batch.is_full() {
                    let batch = batch.take();
                    writer.start(move |sink| batch.write_to(sink)).await.map_err(unkept)?;
                }
            }
            Ok(None) => break,
            Err(error) => {
                writer.run(move |sink| batch.write_to(sink)).await.and_then(|result| result).map_err(unkept)?;
                return Err(error);
            }
        }
    }
    let finish = move |sink: &mut S| {
        batch.write_to(sink)?;
        sink.finish()
    };
    writer.run(finish).await.map_err(unkept)
}
