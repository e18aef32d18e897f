//! [`document`] and [`page`]: a small file as a value. [`slice`]: some bytes of a file, from servers that serve ranges.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use reqwest::{
    StatusCode,
    header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE},
};
use url::Url;

use super::{
    body::Incoming,
    client::Client,
    encoding::{DecodeError, Encoding, decoded},
    error::DownloadError,
    progress::{Event, Progress},
    range::{ContentRange, text},
    redirect::exchange,
    response::Response,
    retry::{Retry, within_total},
};
use crate::core::redacted::RedactedUrl;

/// A document, and what the server says of it.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its bytes.
    pub bytes: Bytes,
    /// The `Content-Type`, if it is text.
    pub content_type: Option<String>,
    /// Where it came from after all redirects, without user name and password: links in it start from there.
    pub url: Url,
}

/// Some bytes of a file.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Its bytes.
    pub bytes: Bytes,
    /// The place of the first of them in the file.
    pub offset: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// Which bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// So many bytes at its end, or all of it if it is shorter.
    Tail(u64),
    /// These bytes; not empty.
    Bytes(Range<u64>),
}

/// Fetches a document of at most `max_bytes`, with the retries of [`super::download::download`]. `accept` is the header's value.
pub async fn document(
    client: &Client,
    url: &Url,
    accept: &'static str,
    max_bytes: u64,
    progress: &dyn Progress,
) -> Result<Bytes, DownloadError> {
    Ok(page(client, url, accept, max_bytes, progress).await?.bytes)
}

/// The same, with what the server says of it.
pub async fn page(
    client: &Client,
    url: &Url,
    accept: &'static str,
    max_bytes: u64,
    progress: &dyn Progress,
) -> Result<Page, DownloadError> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    within_total(client, url, async {
        let mut tries = Retry::new(client, url, progress);
        loop {
            match attempt(client, url, &headers, max_bytes, progress).await {
                Ok(page) => return Ok(page),
                Err(error) => tries.after(error).await?,
            }
        }
    })
    .await
}

async fn attempt(
    client: &Client,
    url: &Url,
    headers: &HeaderMap,
    max_bytes: u64,
    progress: &dyn Progress,
) -> Result<Page, DownloadError> {
    let response = exchange(client, url, headers, progress).await?;
    if response.inner.status() != StatusCode::OK {
        return Err(response.into_error().await);
    }
    let content_type = text(response.inner.headers(), CONTENT_TYPE).map(str::to_owned);
    let url = response.address.clone();
    let bytes = body(client, response, max_bytes, progress).await?;
    Ok(Page { bytes, content_type, url })
}

/// Fetches some bytes of a file, with the retries of [`super::download::download`]. `None` if the server serves no ranges, or another one.
pub async fn slice(
    client: &Client,
    url: &Url,
    range: &ByteRange,
    progress: &dyn Progress,
) -> Result<Option<Slice>, DownloadError> {
    within_total(client, url, async {
        let mut tries = Retry::new(client, url, progress);
        loop {
            match attempt_slice(client, url, range, progress).await {
                Ok(slice) => return Ok(slice),
                Err(error) => tries.after(error).await?,
            }
        }
    })
    .await
}

async fn attempt_slice(
    client: &Client,
    url: &Url,
    range: &ByteRange,
    progress: &dyn Progress,
) -> Result<Option<Slice>, DownloadError> {
    let (value, longest) = match range {
        ByteRange::Tail(len) => (format!("bytes=-{len}"), *len),
        ByteRange::Bytes(range) => (format!("bytes={}-{}", range.start, range.end - 1), range.end - range.start),
    };
    let headers = HeaderMap::from_iter([(RANGE, HeaderValue::try_from(value).expect("digits are ASCII"))]);
    let response = exchange(client, url, &headers, progress).await?;
    let inner = &response.inner;
    match inner.status() {
        StatusCode::PARTIAL_CONTENT => {}
        // The whole, or a refusal of ranges alone.
        StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::NOT_IMPLEMENTED => return Ok(None),
        _ => return Err(response.into_error().await),
    }
    let stated = text(inner.headers(), CONTENT_RANGE).and_then(ContentRange::parse);
    // A range of what was compressed on the way is no range of the file.
    if Encoding::of(inner.headers()).is_some() {
        return Ok(None);
    }
    let Some(ContentRange { bytes: Some((first, last)), total: Some(total) }) = stated else { return Ok(None) };
    let is_asked_for = match range {
        ByteRange::Tail(_) => last + 1 == total,
        ByteRange::Bytes(range) => first == range.start && last < range.end,
    };
    if !is_asked_for {
        return Ok(None);
    }
    let bytes = body(client, response, longest, progress).await?;
    Ok((bytes.len() as u64 == last - first + 1).then_some(Slice { bytes, offset: first, total }))
}

async fn body(
    client: &Client,
    response: Response,
    limit: u64,
    progress: &dyn Progress,
) -> Result<Bytes, DownloadError> {
    let expected = response.inner.content_length();
    let encoding = Encoding::of(response.inner.headers());
    let settings = client.settings();
    let mut incoming =
        Incoming { response: response.inner, url: response.url, settings, progress, limit, received: 0, expected };
    incoming.announce()?;
    let mut document = BytesMut::new();
    while let Some(bytes) = incoming.next().await? {
        document.extend_from_slice(&bytes);
    }
    let url = incoming.url;
    let document = undone(document.freeze(), encoding, limit, url)?;
    progress.event(Event::Finished { len: document.len() as u64 });
    Ok(document)
}

/// A document without the encoding that its server gave it, if its bytes are encoded so.
fn undone(document: Bytes, encoding: Option<Encoding>, limit: u64, url: RedactedUrl) -> Result<Bytes, DownloadError> {
    match encoding {
        None => Ok(document),
        Some(Encoding::Known(coding)) => match decoded(coding, &document, limit) {
            Ok(decoded) => Ok(decoded.unwrap_or(document)),
            Err(DecodeError::TooLong { limit, actual }) => Err(DownloadError::TooLong { url, limit, actual }),
            Err(DecodeError::Malformed) => Ok(document),
        },
        // What is text is not compressed, whatever the header says.
        Some(Encoding::Unknown(_)) if str::from_utf8(&document).is_ok() => Ok(document),
        Some(Encoding::Unknown(encoding)) => Err(DownloadError::Encoding { url, encoding, source: None }),
    }
}
