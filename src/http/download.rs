//! [`download`]: streams an artifact into its sink, with retries that resume.

use std::{fmt, sync::Arc};

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, IF_RANGE, RANGE},
};
use url::Url;

use super::{
    body::{Incoming, pour},
    client::Client,
    encoding::{Coding, DecodeError, Decoding, Encoding},
    error::DownloadError,
    error_parts::Phase,
    progress::{Event, Progress},
    range::{ContentRange, ResumePoint, Validator, text},
    redirect::exchange,
    response::Response,
    retry::{Retry, within_total},
    sink::{FinishError, Sink},
    writer::Writer,
};
use crate::core::redacted::RedactedUrl;

/// What to fetch.
#[derive(Clone)]
pub struct Request {
    /// Where it is. User and password in it are sent to this address only.
    pub url: Url,
    /// Whether the sink checks the whole against a digest: then a broken body is resumed even if the server names no version of the file.
    pub is_checked: bool,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &RedactedUrl::new(&self.url))
            .field("is_checked", &self.is_checked)
            .finish()
    }
}

/// Fetches one artifact into its sink: as many tries as the settings allow, each resuming the one before where that is safe.
/// Dropping the future stops it; the sink keeps what it has taken.
pub async fn download<S: Sink>(
    client: &Client,
    request: &Request,
    sink: S,
    progress: Arc<dyn Progress>,
) -> Result<S::Done, DownloadError> {
    let writer = Writer::new(Decoding::new(sink, client.settings().max_bytes));
    let download = Download {
        client,
        request,
        writer,
        progress: &*progress,
        resuming: Resuming::Allowed,
        coding: None,
        wrong: None,
        has_repeated: false,
        has_decoded: None,
    };
    within_total(client, &request.url, download.run()).await
}

struct Download<'a, S> {
    client: &'a Client,
    request: &'a Request,
    writer: Writer<Decoding<S>>,
    progress: &'a dyn Progress,
    resuming: Resuming,
    /// What the sink was last told to decode.
    coding: Option<Coding>,
    /// Whether a body that came whole and wrong was asked for once more.
    has_repeated: bool,
    /// Whether the encoded body that came whole and wrong was decoded: the next one is taken the other way.
    has_decoded: Option<bool>,
    /// How the first body that came whole was wrong.
    wrong: Option<DownloadError>,
}

/// Whether the next try goes on with what is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resuming {
    Allowed,
    /// The server refused a request for the rest: the next one is for the whole. What is kept stays until the whole begins to arrive.
    NotNext,
    /// What is kept is of no use.
    Never,
}

/// How a try ended that did not fail.
enum Attempt<T> {
    Done(T),
    /// What was kept is of no use: the next try takes the whole, at once. With the reason, if the whole had arrived.
    StartOver(Option<DownloadError>),
    /// A request for the rest was not answered with it; one for the whole may be.
    RestRefused(DownloadError),
}

/// How a response continues what is kept.
enum Continuation {
    /// The bytes from `offset` on, of `total`.
    From { offset: u64, total: Option<u64> },
    /// What is kept has the file's length already.
    AlreadyComplete,
    /// Nothing that continues what is kept.
    Unusable,
}

impl<S: Sink> Download<'_, S> {
    async fn run(mut self) -> Result<S::Done, DownloadError> {
        let mut tries = Retry::new(self.client, &self.request.url, self.progress);
        loop {
            match self.attempt().await {
                Ok(Attempt::Done(done)) => return Ok(done),
                Ok(Attempt::StartOver(why)) => {
                    self.resuming = Resuming::Never;
                    if let Some(why) = why {
                        tries.at_once(&why);
                        self.wrong.get_or_insert(why);
                    }
                }
                Ok(Attempt::RestRefused(error)) => {
                    // Where it may pass, the rest is asked for again; in the end, or where it does not, the whole.
                    let last = if is_about_now(&error) { tries.after(error).await.err() } else { Some(error) };
                    if let Some(error) = last {
                        self.resuming = Resuming::NotNext;
                        tries.at_once(&error);
                    }
                }
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn attempt(&mut self) -> Result<Attempt<S::Done>, DownloadError> {
        let url = RedactedUrl::new(&self.request.url);
        let may_resume = match self.resuming {
            Resuming::NotNext => {
                self.resuming = Resuming::Allowed;
                false
            }
            resuming => resuming == Resuming::Allowed,
        };
        let mut kept = if may_resume { self.resume_point(&url).await? } else { None };
        if let Some(whole) = kept.take_if(|kept| kept.is_complete) {
            // On a mismatch the bytes are gone, and there is nothing to resume.
            if let Attempt::Done(done) = self.finish_kept(url, whole.len).await? {
                return Ok(Attempt::Done(done));
            }
        }
        let kept = kept.filter(|kept| kept.len > 0 && (kept.validator.is_some() || self.request.is_checked));
        let response = exchange(self.client, &self.request.url, &range_headers(kept.as_ref()), self.progress).await;
        let response = match response {
            Err(error) if kept.is_some() && may_be_for_the_range(&error) => return Ok(Attempt::RestRefused(error)),
            response => response?,
        };
        let Some(continuation) = continuation(&response, kept.as_ref(), self.request.is_checked) else {
            let error = response.into_error().await;
            let is_for_the_range = kept.is_some() && may_be_for_the_range(&error);
            return if is_for_the_range { Ok(Attempt::RestRefused(error)) } else { Err(error) };
        };
        match (continuation, kept) {
            (Continuation::From { offset, total }, kept) => {
                let validator = Validator::of(response.inner.headers())
                    .or_else(|| kept.filter(|_| offset > 0).and_then(|kept| kept.validator));
                self.receive(response, offset, total, validator).await
            }
            (Continuation::AlreadyComplete, Some(kept)) => self.finish_kept(response.url, kept.len).await,
            (Continuation::AlreadyComplete | Continuation::Unusable, _) => Ok(Attempt::StartOver(None)),
        }
    }

    async fn resume_point(&mut self, url: &RedactedUrl) -> Result<Option<ResumePoint>, DownloadError> {
        let kept = self.writer.run(Sink::resume_point).await.and_then(|kept| kept);
        kept.map_err(|source| DownloadError::Sink { url: url.clone(), source })
    }

    async fn finish_kept(&mut self, url: RedactedUrl, len: u64) -> Result<Attempt<S::Done>, DownloadError> {
        match self.writer.run(Sink::finish).await.unwrap_or_else(|error| Err(error.into())) {
            Ok(done) => {
                self.progress.event(Event::Finished { len });
                Ok(Attempt::Done(done))
            }
            Err(FinishError::Mismatch { .. } | FinishError::Unwanted(_)) => Ok(Attempt::StartOver(None)),
            Err(FinishError::Sink(source)) => Err(DownloadError::Sink { url, source }),
        }
    }

    async fn receive(
        &mut self,
        response: Response,
        offset: u64,
        total: Option<u64>,
        validator: Option<Validator>,
    ) -> Result<Attempt<S::Done>, DownloadError> {
        let settings = self.client.settings();
        let url = response.url.clone();
        let encoding = Encoding::of(response.inner.headers());
        let coding = self.coding(encoding.as_ref(), offset, &response.address);
        let mut incoming = Incoming {
            response: response.inner,
            url: response.url,
            settings,
            progress: self.progress,
            limit: settings.max_bytes,
            received: offset,
            expected: total,
        };
        incoming.announce()?;
        if let Some(kind) = text(incoming.response.headers(), CONTENT_TYPE) {
            self.progress.event(Event::ContentType(kind));
        }
        if self.coding != coding {
            self.coding = coding;
            let told = self.writer.run(move |sink| sink.decode(coding)).await;
            told.map_err(|source| DownloadError::Sink { url: url.clone(), source })?;
        }
        if coding.is_some() {
            // Its bytes are not those that the server counts.
            self.resuming = Resuming::Never;
        }
        let finished = match pour(&mut incoming, validator, &mut self.writer).await {
            Err(DownloadError::Sink { source, .. }) => Err(FinishError::Sink(source)),
            finished => finished?,
        };
        let error = match finished {
            Ok(done) => {
                if coding.is_some() {
                    self.client.encoders().remember(&response.address);
                }
                self.progress.event(Event::Finished { len: incoming.received });
                return Ok(Attempt::Done(done));
            }
            Err(FinishError::Mismatch { expected, actual }) => DownloadError::Mismatch { url, expected, actual },
            Err(FinishError::Unwanted(source)) => DownloadError::Sink { url, source },
            Err(FinishError::Sink(source)) => match source.downcast_ref() {
                Some(&DecodeError::TooLong { limit, actual }) => {
                    return Err(DownloadError::TooLong { url, limit, actual });
                }
                Some(DecodeError::Malformed) => DownloadError::Sink { url, source },
                None => return Err(DownloadError::Sink { url, source }),
            },
        };
        self.once_more(error, encoding, coding, offset)
    }

    /// How a body is to be decoded: not at all, unless it was wrong as it is, or the server is known for it.
    fn coding(&self, encoding: Option<&Encoding>, offset: u64, address: &Url) -> Option<Coding> {
        let Some(Encoding::Known(coding)) = encoding else { return None };
        let decodes = self.has_decoded.map_or_else(|| self.client.encoders().know(address), |has_decoded| !has_decoded);
        // Where nothing tells which of the two is right, the bytes as they are come first.
        (decodes && offset == 0 && (self.request.is_checked || self.has_decoded.is_some())).then_some(*coding)
    }

    /// What follows on a body that came whole and is wrong: another try, once.
    fn once_more(
        &mut self,
        error: DownloadError,
        encoding: Option<Encoding>,
        coding: Option<Coding>,
        offset: u64,
    ) -> Result<Attempt<S::Done>, DownloadError> {
        if offset > 0 {
            // The pieces may be of two versions of the file; a whole one is not.
            return Ok(Attempt::StartOver(Some(error)));
        }
        match encoding {
            Some(Encoding::Known(_)) if self.has_decoded.is_none() => {
                self.has_decoded = Some(coding.is_some());
                self.has_repeated = true;
                Ok(Attempt::StartOver(Some(error)))
            }
            // A connection that was cut without saying so, or a proxy that had something else for once.
            _ if !self.has_repeated => {
                self.has_repeated = true;
                Ok(Attempt::StartOver(Some(error)))
            }
            // That it could not be decoded either says less than what was wrong with it.
            _ if is_malformed(&error) => Err(self.wrong.take().unwrap_or(error)),
            Some(Encoding::Unknown(encoding)) => {
                let url = RedactedUrl::new(&self.request.url);
                Err(DownloadError::Encoding { url, encoding, source: Some(Box::new(error)) })
            }
            _ => Err(error),
        }
    }
}

fn is_malformed(error: &DownloadError) -> bool {
    matches!(error, DownloadError::Sink { source, .. } if matches!(source.downcast_ref(), Some(DecodeError::Malformed)))
}

/// Whether a server says, or a network shows, that the same request may succeed in a while.
fn is_about_now(error: &DownloadError) -> bool {
    match error {
        DownloadError::Status { status, retry_after, .. } => {
            retry_after.is_some() || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        }
        _ => true,
    }
}

/// Whether the request may have failed because it was for a part of the file.
fn may_be_for_the_range(error: &DownloadError) -> bool {
    match error {
        DownloadError::Status { .. }
        | DownloadError::Request { .. }
        | DownloadError::RedirectTarget { .. }
        | DownloadError::TooManyRedirects { .. } => true,
        DownloadError::Timeout { phase, .. } => *phase == Phase::Response,
        _ => false,
    }
}

fn range_headers(kept: Option<&ResumePoint>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(kept) = kept {
        let range = format!("bytes={}-", kept.len);
        headers.insert(RANGE, HeaderValue::try_from(range).expect("digits are ASCII"));
        if let Some(validator) = &kept.validator {
            headers.insert(IF_RANGE, HeaderValue::from_str(validator.as_str()).expect("a validator is visible ASCII"));
        }
    }
    headers
}

/// How a response continues what is kept; `None` if it is a refusal.
fn continuation(response: &Response, kept: Option<&ResumePoint>, is_checked: bool) -> Option<Continuation> {
    let inner = &response.inner;
    let range = text(inner.headers(), CONTENT_RANGE).and_then(ContentRange::parse);
    Some(match (inner.status(), kept) {
        (StatusCode::OK, _) => Continuation::From { offset: 0, total: inner.content_length() },
        (StatusCode::PARTIAL_CONTENT, Some(kept)) => match range.filter(|range| range.is_rest_from(kept.len)) {
            Some(range) if continues(response, kept, range, is_checked) => {
                Continuation::From { offset: kept.len, total: range.end() }
            }
            _ => Continuation::Unusable,
        },
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(kept)) => match range.and_then(|range| range.total) {
            Some(total) if total == kept.len && is_checked => Continuation::AlreadyComplete,
            _ => Continuation::Unusable,
        },
        _ => return None,
    })
}

/// Whether a partial response is of the version that is kept, and as long as it says.
fn continues(response: &Response, kept: &ResumePoint, range: ContentRange, is_checked: bool) -> bool {
    let rest = range.end().map(|end| end - kept.len);
    let is_as_long = response.inner.content_length().is_none_or(|len| Some(len) == rest);
    // An unknown total leaves open whether this is all; only a digest tells.
    let is_whole = range.total.is_some() || is_checked;
    let is_same = match (&kept.validator, Validator::of(response.inner.headers())) {
        (Some(ours), Some(theirs)) => *ours == theirs,
        _ => true,
    };
    is_as_long && is_whole && is_same
}
