//! Which failures are worth another try, and when.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use reqwest::{StatusCode, header::HeaderValue};
use url::Url;

use super::{Client, DownloadError, Event, Progress};

/// The tries of one artifact or document.
pub(super) struct Tries<'a> {
    client: &'a Client,
    url: &'a Url,
    progress: &'a dyn Progress,
    waits: ExponentialBackoff,
    made: u32,
}

impl<'a> Tries<'a> {
    /// No try was made yet.
    pub(super) fn new(client: &'a Client, url: &'a Url, progress: &'a dyn Progress) -> Self {
        let settings = client.settings();
        let waits = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_jitter()
            .with_min_delay(settings.backoff_min)
            .with_max_delay(settings.backoff_max)
            .with_max_times(settings.retries as usize)
            .build();
        Self { client, url, progress, waits, made: 0 }
    }

    /// Waits until it is time for another try, or says why there is none.
    pub(super) async fn after(&mut self, error: DownloadError) -> Result<(), DownloadError> {
        self.made += 1;
        if !error.is_worth_retrying() {
            return Err(error);
        }
        let is_hopeful = !error.is_unreached() || self.client.reach().is_hopeful(self.url);
        let Some(wait) = self.waits.next().filter(|_| is_hopeful) else {
            if error.is_unreached() {
                self.client.reach().gave_up(self.url);
            }
            return Err(match self.made {
                1 => error,
                tries => DownloadError::GaveUp { tries, last: Box::new(error) },
            });
        };
        let asked = match &error {
            DownloadError::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = asked.map_or(wait, |asked| asked.min(self.client.settings().retry_after_max).max(wait));
        self.progress.event(Event::Retrying { after: wait, tries: self.made, why: &error });
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Another try follows at once, because it is a different one.
    pub(super) fn at_once(&mut self, why: &DownloadError) {
        self.made += 1;
        self.progress.event(Event::Retrying { after: Duration::ZERO, tries: self.made, why });
    }
}

/// Whether a status says that the same request may succeed later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_to_come_again() {
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ];
        for (text, seconds) in cases {
            let value = HeaderValue::from_static(text);
            assert_eq!(retry_after(&value, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn only_some_statuses_pass() {
        for (status, passes) in [
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (410, false),
            (429, true),
            (500, true),
            (503, true),
        ] {
            assert_eq!(is_passing(StatusCode::from_u16(status).unwrap()), passes, "{status}");
        }
    }
}
