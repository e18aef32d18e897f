//! [`Response`]: an answer whose body is still to be read, and the error that a refusal is.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderValue, RETRY_AFTER};
use url::Url;

use super::{credential::Credential, error::DownloadError, refusal_reason::refusal_reason};
use crate::core::redacted::RedactedUrl;

/// A response whose body is still to be read.
pub(super) struct Response {
    pub(super) inner: reqwest::Response,
    pub(super) url: RedactedUrl,
    /// The address that was requested, without user name and password.
    pub(super) address: Url,
    pub(super) is_authorized: bool,
    /// The configured credential that the request used.
    pub(super) credential: Option<Credential>,
}

impl Response {
    /// The error for a response that is a refusal.
    pub(super) async fn into_error(self) -> DownloadError {
        let wait = self.inner.headers().get(RETRY_AFTER);
        let retry_after = wait.and_then(|value| retry_after(value, Timestamp::now()));
        let status = self.inner.status();
        let reason = refusal_reason(self.inner).await;
        DownloadError::Status { url: self.url, status, is_authorized: self.is_authorized, retry_after, reason }
    }
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
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
    fn reads_a_retry_after_in_seconds_and_as_a_date() {
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
}
