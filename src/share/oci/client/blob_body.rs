//! [`BlobBody`]: a registry's blob, or some bytes of it, as they come. One that breaks off is continued.

use std::{
    io::{self, Read},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_RANGE, HeaderValue, RANGE},
};
use tokio::runtime::Handle;
use url::Url;

use super::{
    answer::next,
    exchange::{Ask, Exchange},
};
use crate::{
    core::redacted::RedactedUrl,
    http::{ContentRange, DownloadError},
    share::oci::{
        digest::{ContentDigest, Measure},
        error::{RegistryError, RegistryFault},
    },
};

/// Bodies that break off again and again, each with something, are continued so often: a server must not keep a puller for ever.
const MOST_RESUMES: u32 = 100;

/// Bytes of a blob as they come. Dropped, it ends the request.
pub struct BlobBody {
    exchange: Arc<Exchange>,
    url: Url,
    digest: ContentDigest,
    size: u64,
    /// What it gives.
    range: Range<u64>,
    /// The next byte that it gives.
    at: u64,
    response: Option<Response>,
    /// Bytes that come first and were had before.
    skip: u64,
    /// Of the whole alone: of a part nobody knows the digest.
    measure: Option<Measure>,
    resumes: u32,
    /// How errors call it: the registry with the repository, and what is asked.
    named: (String, String),
}

impl BlobBody {
    /// Asks for a blob of this length, or for some bytes of it.
    pub(super) async fn open(
        exchange: Arc<Exchange>,
        url: Url,
        (digest, size): (ContentDigest, u64),
        wanted: Option<Range<u64>>,
        named: (String, String),
    ) -> Result<Self, RegistryError> {
        let range = wanted.unwrap_or(0..size);
        debug_assert!(range.start <= range.end && range.end <= size, "{range:?} of {size}");
        let (at, measure) = (range.start, (range == (0..size)).then(Measure::default));
        let mut body =
            Self { exchange, url, digest, size, range, at, response: None, skip: 0, measure, resumes: 0, named };
        if body.is_over() {
            return Ok(body);
        }
        let exchange = Arc::clone(&body.exchange);
        let mut tries = exchange.tries();
        loop {
            match body.ask().await {
                Ok(()) => break,
                Err(fault) => tries.after(fault).await.map_err(|fault| body.error(fault))?,
            }
        }
        if body.skip > 0 {
            // Who asked for a part may as well take the whole, now that it comes: it is told by `range`.
            body.range = 0..size;
            (body.at, body.skip, body.measure) = (0, 0, Some(Measure::default()));
        }
        Ok(body)
    }

    /// Which bytes of the blob it gives: those that were asked for, or all of them, if the registry gives no parts.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The next bytes; `None` after the last one. If these are the whole blob, they are compared with its digest before that is said: until then they are not verified. Of a part, who
    /// takes it compares what is in it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let exchange = Arc::clone(&self.exchange);
        let mut tries = exchange.tries();
        loop {
            match self.piece().await {
                Ok(piece) => return Ok(piece),
                Err(fault) => {
                    self.response = None;
                    self.resumes += 1;
                    if self.resumes > MOST_RESUMES {
                        return Err(self.error(fault.after_tries(self.resumes)));
                    }
                    tries.after(fault).await.map_err(|fault| self.error(fault))?;
                }
            }
        }
    }

    /// The same for a thread that may wait. `handle` is that of the runtime in which the body was opened.
    pub fn into_read(self, handle: Handle) -> BlobReader {
        BlobReader { body: self, handle, piece: Bytes::new() }
    }

    const fn is_over(&self) -> bool {
        self.at >= self.range.end
    }

    fn error(&self, fault: RegistryFault) -> RegistryError {
        RegistryError { name: self.named.0.clone(), asked: self.named.1.clone(), fault }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, RegistryFault> {
        if self.is_over() {
            self.response = None;
            return match self.measure.take().map(Measure::finish) {
                Some((actual, _)) if actual != self.digest => {
                    Err(RegistryFault::Digest { expected: self.digest, actual })
                }
                _ => Ok(None),
            };
        }
        loop {
            if self.response.is_none() {
                self.ask().await?;
            }
            let response = self.response.as_mut().expect("it was asked for");
            let mut bytes = match next(response, &self.exchange.settings).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(self.cut(None)),
                Err(cut) => return Err(cut.fault(self.at, Some(self.range.end))),
            };
            let had = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
            self.skip -= had as u64;
            bytes = bytes.split_off(had);
            let left = self.range.end - self.at;
            if bytes.len() as u64 > left {
                return Err(RegistryFault::answer(format!("more than the {} bytes that it is to have", self.size)));
            }
            if !bytes.is_empty() {
                self.at += bytes.len() as u64;
                if let Some(measure) = &mut self.measure {
                    measure.add(&bytes);
                }
                return Ok(Some(bytes));
            }
        }
    }

    fn cut(&self, source: Option<reqwest::Error>) -> RegistryFault {
        let expected = Some(self.range.end);
        RegistryFault::network(DownloadError::Broken {
            url: RedactedUrl::new(&self.url),
            received: self.at,
            expected,
            source,
        })
    }

    /// Asks for what is left.
    async fn ask(&mut self) -> Result<(), RegistryFault> {
        let mut ask = Ask::new(Method::GET, self.url.clone());
        let is_whole = self.at == 0 && self.range.end == self.size;
        if !is_whole {
            let range = format!("bytes={}-{}", self.at, self.range.end - 1);
            ask = ask.with(RANGE, HeaderValue::try_from(range).expect("digits are ASCII"));
        }
        let response = self.exchange.once(&ask).await?;
        self.skip = match response.status() {
            StatusCode::PARTIAL_CONTENT if !is_whole => {
                let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                let range = text.and_then(ContentRange::parse);
                let is_asked = range.is_some_and(|range| {
                    range.bytes == Some((self.at, self.range.end - 1))
                        && range.total.is_none_or(|total| total == self.size)
                });
                if !is_asked {
                    return Err(RegistryFault::answer("other bytes of the blob than were asked for"));
                }
                0
            }
            StatusCode::OK if response.content_length().is_none_or(|len| len == self.size) => self.at,
            StatusCode::OK => {
                let actual = response.content_length().unwrap_or_default();
                return Err(RegistryFault::answer(format!("a blob of {actual} bytes, which is to have {}", self.size)));
            }
            status => return Err(RegistryFault::answer(format!("{} to a request for a blob", status.as_u16()))),
        };
        self.response = Some(response);
        Ok(())
    }
}

impl std::fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobBody")
            .field("digest", &self.digest)
            .field("range", &self.range)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// A [`BlobBody`] as a reader, for code that reads, unpacks or stores on a thread of its own. A [`RegistryError`] is the inner error of what it fails with.
#[derive(Debug)]
pub struct BlobReader {
    body: BlobBody,
    handle: Handle,
    piece: Bytes,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            match self.handle.block_on(self.body.chunk()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
