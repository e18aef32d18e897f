//! The reason of a refusal in the server's own words: the status line, npm's `npm-notice`, or a short body.

use std::time::Duration;

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use tokio::time::timeout;

use super::{
    encoding::{self, Encoding},
    range::text,
};
use crate::core::escape::escaped;

/// More of a body is not read.
const LONGEST_BODY: usize = 8 << 10;
/// A reason is worth no longer wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// Characters of a reason that are shown.
const LONGEST_REASON: usize = 300;

/// What the server says beside the status; `None` if nothing.
pub(super) async fn refusal_reason(response: reqwest::Response) -> Option<Box<str>> {
    let status = response.status();
    let mut said: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        let text = shortened(text);
        // Firewalls say the same in several places.
        if !text.is_empty() && !said.iter().any(|known| known.contains(&text)) {
            said.push(text);
        }
    };
    if let Some(phrase) = response.extensions().get::<hyper::ext::ReasonPhrase>() {
        let phrase = String::from_utf8_lossy(phrase.as_bytes());
        let canonical = status.canonical_reason().unwrap_or_default();
        let is_repeated = phrase.get(..canonical.len()).is_some_and(|start| start.eq_ignore_ascii_case(canonical));
        add(if is_repeated { &phrase[canonical.len()..] } else { &phrase });
    }
    if let Some(notice) = response.headers().get("npm-notice") {
        add(&String::from_utf8_lossy(notice.as_bytes()));
    }
    if status.is_client_error() && status != StatusCode::NOT_FOUND {
        add(&body(response).await.unwrap_or_default());
    }
    (!said.is_empty()).then(|| said.join("; ").into())
}

async fn body(mut response: reqwest::Response) -> Option<String> {
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let read = async {
        while body.len() < LONGEST_BODY
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
    };
    if timeout(PATIENCE, read).await.is_err() {
        tracing::debug!("the reason of a refusal takes long, and is not waited for");
    }
    body.truncate(LONGEST_BODY);
    said_in(&headers, &body)
}

/// The reason in a refusal's body: a JSON document's, or a short text. A page for people is none.
fn said_in(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let undone = match Encoding::of(headers) {
        Some(Encoding::Known(coding)) => encoding::decoded(coding, body, LONGEST_BODY as u64).ok()?,
        _ => None,
    };
    let body = str::from_utf8(undone.as_deref().unwrap_or(body)).ok()?.trim();
    if let Ok(document) = serde_json::from_str::<serde_json::Value>(body) {
        return in_json(&document);
    }
    let kind = text(headers, CONTENT_TYPE).unwrap_or("text/plain");
    let is_text = kind.starts_with("text/plain") && !body.starts_with('<');
    (is_text && body.len() <= 2 * LONGEST_REASON).then(|| body.to_owned())
}

fn in_json(document: &serde_json::Value) -> Option<String> {
    let found = ["error", "message", "reason", "detail"].into_iter().filter_map(|name| document.get(name));
    let mut texts: Vec<String> = Vec::new();
    for value in found {
        let text = value.as_str().map(str::to_owned).or_else(|| in_json(value));
        texts.extend(text.filter(|text| !texts.contains(text)));
    }
    // Artifactory: `{"errors": [{"status": 403, "message": "…"}]}`.
    let of_list = || in_json(document.get("errors")?.get(0)?);
    if texts.is_empty() { of_list() } else { Some(texts.join(": ")) }
}

fn shortened(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = escaped(&text.join(" ")).into_owned();
    match text.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, body: &str) -> Option<String> {
        said_in(&HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]), body.as_bytes())
    }

    #[test]
    fn a_json_documents_own_words_are_found() {
        let cases = [
            (r#"{"error": "quarantined"}"#, Some("quarantined")),
            (r#"{"error": "Forbidden", "reason": "quarantined"}"#, Some("Forbidden: quarantined")),
            (r#"{"error": {"code": 1, "message": "quarantined"}}"#, Some("quarantined")),
            (r#"{"errors": [{"status": 403, "message": "quarantined"}]}"#, Some("quarantined")),
            (r#"{"ok": false}"#, None),
            ("[]", None),
        ];
        for (body, expected) in cases {
            assert_eq!(said("application/json", body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_short_text_is_a_reason_and_a_page_is_none() {
        assert_eq!(said("text/plain", "quarantined\n").as_deref(), Some("quarantined"));
        assert_eq!(said("text/html", "<h1>no</h1>"), None);
        assert_eq!(said("text/plain", "<h1>no</h1>"), None);
        assert_eq!(said("text/plain", &"long ".repeat(1000)), None);
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_cut_off() {
        assert_eq!(shortened(" a\n b\u{1b}[2J\u{202e} "), "a b\\u{1b}[2J\\u{202e}");
        assert_eq!(shortened(&"x".repeat(1000)).chars().count(), LONGEST_REASON + 1);
    }
}
