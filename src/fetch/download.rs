//! [`download`]: an artifact's bytes to its sink, in as many tries as it takes.

use std::{fmt, sync::Arc};

use reqwest::{
    StatusCode,
    header::{CONTENT_RANGE, HeaderMap, HeaderValue, IF_RANGE, RANGE},
};
use tokio::time::timeout;
use url::Url;

use super::{
    Client, DownloadError, Event, FinishError, Kept, Phase, Progress, RedactedUrl, Sink, Validator,
    body::{Incoming, pour},
    client::Answer,
    range::{ContentRange, text},
    redirect::exchange,
    tries::Tries,
    writer::Writer,
};

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
    let download = Download { client, request, writer: Writer::new(sink), progress: &*progress, may_resume: true };
    within_total(client, &request.url, download.run()).await
}

/// Stops what takes longer than the settings allow for a whole.
pub(super) async fn within_total<T>(
    client: &Client,
    url: &Url,
    work: impl Future<Output = Result<T, DownloadError>>,
) -> Result<T, DownloadError> {
    let after = client.settings().total_timeout;
    timeout(after, work)
        .await
        .unwrap_or_else(|_| Err(DownloadError::Timeout { url: RedactedUrl::new(url), phase: Phase::Whole, after }))
}

struct Download<'a, S> {
    client: &'a Client,
    request: &'a Request,
    writer: Writer<S>,
    progress: &'a dyn Progress,
    /// Cleared when resuming went wrong: from then on, every try takes the whole.
    may_resume: bool,
}

/// How a try ended that did not fail.
enum Outcome<T> {
    Done(T),
    /// What was kept is of no use: the next try takes the whole, at once. With the reason, if the whole had arrived.
    StartOver(Option<DownloadError>),
}

/// What a response is of the file.
enum Part {
    /// The bytes from `offset` on, of `total`.
    From { offset: u64, total: Option<u64> },
    /// Nothing: what is kept has the file's length already.
    Nothing,
    /// Nothing that continues what is kept.
    Unusable,
}

impl<S: Sink> Download<'_, S> {
    async fn run(mut self) -> Result<S::Done, DownloadError> {
        let mut tries = Tries::new(self.client, &self.request.url, self.progress);
        loop {
            match self.attempt().await {
                Ok(Outcome::Done(done)) => return Ok(done),
                Ok(Outcome::StartOver(why)) => {
                    self.may_resume = false;
                    if let Some(why) = why {
                        tries.at_once(&why);
                    }
                }
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn attempt(&mut self) -> Result<Outcome<S::Done>, DownloadError> {
        let url = RedactedUrl::new(&self.request.url);
        let mut kept = if self.may_resume { self.kept(&url).await? } else { None };
        if let Some(whole) = kept.take_if(|kept| kept.is_complete) {
            // On a mismatch the bytes are gone, and there is nothing to resume.
            if let Outcome::Done(done) = self.finish_kept(url, whole.len).await? {
                return Ok(Outcome::Done(done));
            }
        }
        let kept = kept.filter(|kept| kept.len > 0 && (kept.validator.is_some() || self.request.is_checked));
        let answer = exchange(self.client, &self.request.url, &range_headers(kept.as_ref()), self.progress).await?;
        match (part(&answer, kept.as_ref(), self.request.is_checked)?, kept) {
            (Part::From { offset, total }, kept) => {
                let validator = Validator::of(answer.response.headers())
                    .or_else(|| kept.filter(|_| offset > 0).and_then(|kept| kept.validator));
                self.receive(answer, offset, total, validator).await
            }
            (Part::Nothing, Some(kept)) => self.finish_kept(answer.url, kept.len).await,
            (Part::Nothing | Part::Unusable, _) => Ok(Outcome::StartOver(None)),
        }
    }

    async fn kept(&mut self, url: &RedactedUrl) -> Result<Option<Kept>, DownloadError> {
        let kept = self.writer.run(Sink::kept).await.and_then(|kept| kept);
        kept.map_err(|source| DownloadError::Sink { url: url.clone(), source })
    }

    async fn finish_kept(&mut self, url: RedactedUrl, len: u64) -> Result<Outcome<S::Done>, DownloadError> {
        match self.writer.run(Sink::finish).await.unwrap_or_else(|error| Err(error.into())) {
            Ok(done) => {
                self.progress.event(Event::Finished { len });
                Ok(Outcome::Done(done))
            }
            Err(FinishError::Mismatch { .. }) => Ok(Outcome::StartOver(None)),
            Err(FinishError::Sink(source)) => Err(DownloadError::Sink { url, source }),
        }
    }

    async fn receive(
        &mut self,
        answer: Answer,
        offset: u64,
        total: Option<u64>,
        validator: Option<Validator>,
    ) -> Result<Outcome<S::Done>, DownloadError> {
        let settings = self.client.settings();
        let url = answer.url.clone();
        let mut incoming = Incoming {
            response: answer.response,
            url: answer.url,
            settings,
            progress: self.progress,
            limit: settings.max_bytes,
            received: offset,
            expected: total,
        };
        incoming.announce()?;
        match pour(&mut incoming, validator, &mut self.writer).await? {
            Ok(done) => {
                self.progress.event(Event::Finished { len: incoming.received });
                Ok(Outcome::Done(done))
            }
            Err(FinishError::Sink(source)) => Err(DownloadError::Sink { url, source }),
            Err(FinishError::Mismatch { expected, actual }) => {
                let error = DownloadError::Mismatch { url, expected, actual };
                if offset == 0 {
                    return Err(error);
                }
                // The pieces may be of two versions of the file; a whole one is not.
                Ok(Outcome::StartOver(Some(error)))
            }
        }
    }
}

fn range_headers(kept: Option<&Kept>) -> HeaderMap {
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

fn part(answer: &Answer, kept: Option<&Kept>, is_checked: bool) -> Result<Part, DownloadError> {
    let response = &answer.response;
    let range = text(response.headers(), CONTENT_RANGE).and_then(ContentRange::parse);
    Ok(match (response.status(), kept) {
        (StatusCode::OK, _) => Part::From { offset: 0, total: response.content_length() },
        (StatusCode::PARTIAL_CONTENT, Some(kept)) => match range.filter(|range| range.is_rest_from(kept.len)) {
            Some(range) if continues(answer, kept, range, is_checked) => {
                Part::From { offset: kept.len, total: range.end() }
            }
            _ => Part::Unusable,
        },
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(kept)) => match range.and_then(|range| range.total) {
            Some(total) if total == kept.len && is_checked => Part::Nothing,
            _ => Part::Unusable,
        },
        _ => return Err(answer.refusal()),
    })
}

/// Whether a partial response is of the version that is kept, and as long as it says.
fn continues(answer: &Answer, kept: &Kept, range: ContentRange, is_checked: bool) -> bool {
    let rest = range.end().map(|end| end - kept.len);
    let is_as_long = answer.response.content_length().is_none_or(|len| Some(len) == rest);
    // An unknown total leaves open whether this is all; only a digest tells.
    let is_whole = range.total.is_some() || is_checked;
    let is_same = match (&kept.validator, Validator::of(answer.response.headers())) {
        (Some(ours), Some(theirs)) => *ours == theirs,
        _ => true,
    };
    is_as_long && is_whole && is_same
}
