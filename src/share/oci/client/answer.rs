//! Reads what a registry answers: bounded bodies, and the reasons of its refusals.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    core::{escape::escaped, redacted::RedactedUrl},
    http::{ClientSettings, DownloadError, Phase},
    share::oci::error::RegistryFault,
};

/// Of a refusal, so much is read: bytes.
const MOST_REASON: usize = 16 << 10;

/// A reason is worth no longer wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Characters of a reason that are shown.
const LONGEST_REASON: usize = 300;

/// So many of the errors that a registry lists are shown.
const MOST_ERRORS: usize = 3;

/// The whole of a body that is not longer than `limit`.
pub(super) async fn read_all(
    mut response: Response,
    limit: u64,
    settings: &ClientSettings,
) -> Result<Vec<u8>, RegistryFault> {
    let expected = response.content_length();
    if expected.is_some_and(|len| len > limit) {
        return Err(RegistryFault::TooLong { limit });
    }
    let mut bytes = Vec::new();
    loop {
        match next(&mut response, settings).await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return Ok(bytes),
            Err(cut) => return Err(cut.fault(bytes.len() as u64, expected)),
        }
        if bytes.len() as u64 > limit {
            return Err(RegistryFault::TooLong { limit });
        }
    }
}

/// Why a body ends before its end.
pub(super) struct Cut {
    url: RedactedUrl,
    /// The error, or how long nothing came.
    why: Result<reqwest::Error, Duration>,
}

impl Cut {
    pub(super) fn fault(self, received: u64, expected: Option<u64>) -> RegistryFault {
        let Self { url, why } = self;
        RegistryFault::network(match why {
            Ok(source) => DownloadError::Broken { url, received, expected, source: Some(source.without_url()) },
            Err(after) => DownloadError::Timeout { url, proxy: None, phase: Phase::Body, after },
        })
    }
}

/// The next piece of a body.
pub(super) async fn next(response: &mut Response, settings: &ClientSettings) -> Result<Option<bytes::Bytes>, Cut> {
    let why = match timeout(settings.stall_timeout, response.chunk()).await {
        Ok(Ok(piece)) => return Ok(piece),
        Ok(Err(error)) => Ok(error),
        Err(_) => Err(settings.stall_timeout),
    };
    Err(Cut { url: RedactedUrl::new(response.url()), why })
}

/// What a registry says beside the status of a refusal.
pub(super) async fn said(mut response: Response) -> Option<String> {
    let mut body = Vec::new();
    let read = async {
        while body.len() < MOST_REASON
            && let Ok(Some(piece)) = response.chunk().await
        {
            body.extend_from_slice(&piece);
        }
    };
    if timeout(PATIENCE, read).await.is_err() {
        tracing::debug!("the reason of a refusal takes long, and is not waited for");
    }
    reason(&body)
}

/// The messages of the document that the distribution specification has for refusals, and of what servers of tokens answer. Anything else is a page of some proxy, and says nothing.
fn reason(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        errors: Vec<Listed>,
        details: Option<String>,
        message: Option<String>,
    }
    #[derive(Deserialize)]
    struct Listed {
        code: Option<String>,
        message: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let listed = refusal.errors.into_iter().take(MOST_ERRORS).filter_map(|error| match (error.code, error.message) {
        (Some(code), Some(message)) if !message.is_empty() => Some(format!("{code}: {message}")),
        (code, message) => message.filter(|message| !message.is_empty()).or(code),
    });
    let mut said: Vec<String> = listed.collect();
    if said.is_empty() {
        said.extend(refusal.details.or(refusal.message));
    }
    let text = said.join("; ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = text.char_indices().nth(LONGEST_REASON).map(|(place, _)| place);
    let text = cut.map_or_else(|| text.clone(), |place| format!("{}…", &text[..place]));
    (!text.is_empty()).then(|| escaped(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_s_messages_are_shown_in_one_line_and_a_page_is_not() {
        for (body, expected) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"no\n push","detail":{"x":1}},{"code":"B"},{"message":"c"},{"code":"D"}]}"#,
                Some("DENIED: no push; B; c"),
            ),
            (r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password")),
            ("{\"errors\":[{\"message\":\"\\u001b[2J\"}]}", Some("\\u{1b}[2J")),
            (r#"{"errors":[]}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(reason(body.as_bytes()).as_deref(), expected, "{body}");
        }
        let long = format!(r#"{{"message":"{}"}}"#, "ä".repeat(1000));
        assert_eq!(reason(long.as_bytes()).unwrap().chars().count(), LONGEST_REASON + 1);
    }
}
