//! From what is behind an address to a response: ranges, validators, refusals. RFC 9110.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use hyper::ext::ReasonPhrase;

use super::source::ServedFile;

/// The media type of what states none: some clients refuse a response without one.
const UNTYPED: &str = "application/octet-stream";

/// Answers a GET or a HEAD with a file.
pub(super) fn file(file: ServedFile, method: &Method, headers: &HeaderMap) -> Response {
    let ServedFile { blob, len, tag, content_type } = file;
    let tag = format!("\"{tag}\"");
    let mut response = Response::builder()
        .header(header::ETAG, &tag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_TYPE, content_type.as_deref().unwrap_or(UNTYPED));
    if text(headers, header::IF_NONE_MATCH).is_some_and(|known| is_among(known, &tag)) {
        return response.status(StatusCode::NOT_MODIFIED).body(Body::empty()).expect("these headers are right");
    }
    let body = match range(headers, &tag, len) {
        Asked::All => {
            response = response.header(header::CONTENT_LENGTH, len);
            Ok(if method == Method::HEAD { Body::empty() } else { blob.into_body() })
        }
        Asked::Part(part) => {
            let shown = format!("bytes {}-{}/{len}", part.start, part.end - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, shown)
                .header(header::CONTENT_LENGTH, part.end - part.start);
            if method == Method::HEAD { Ok(Body::empty()) } else { blob.into_part(part) }
        }
        Asked::Nothing => {
            response = response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{len}"));
            Ok(Body::empty())
        }
    };
    match body {
        Ok(body) => response.body(body).expect("these headers are right"),
        Err(error) => refusal(&format!("its blob cannot be read: {error}")),
    }
}

/// A refusal: 404 with the reason as its phrase, since many clients show the phrase and nothing else. Any status of 5xx, 408 or 429 would be tried again for minutes, and
/// of 403 some clients say that a policy forbids it.
pub(super) fn refusal(why: &str) -> Response {
    with_reason(StatusCode::NOT_FOUND, why)
}

/// A response without anything but the reason for it.
pub(super) fn with_reason(status: StatusCode, why: &str) -> Response {
    let line: String = why.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(200).collect();
    let mut response = Response::new(Body::from(format!("larder: {why}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Ok(phrase) = ReasonPhrase::try_from(line.into_bytes()) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// A part that it does not have.
    Nothing,
}

/// Reads `Range`. Several parts, or another unit than bytes, are answered with all, as the RFC allows.
fn range(headers: &HeaderMap, tag: &str, len: u64) -> Asked {
    let Some(asked) = text(headers, header::RANGE) else { return Asked::All };
    // Of another version than this one, all is wanted. A date is never this version's.
    if text(headers, header::IF_RANGE).is_some_and(|known| known != tag) {
        return Asked::All;
    }
    let Some((first, last)) = asked.strip_prefix("bytes=").and_then(|part| part.split_once('-')) else {
        return Asked::All;
    };
    let number = |text: &str| text.trim().parse::<u64>();
    let part = match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix) {
            Ok(count) => len.saturating_sub(count)..len,
            Err(_) => return Asked::All,
        },
        (first, "") => match number(first) {
            Ok(first) => first..len,
            Err(_) => return Asked::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(len),
            _ => return Asked::All,
        },
    };
    if part.start < part.end { Asked::Part(part) } else { Asked::Nothing }
}

/// Whether a list of tags has this one.
fn is_among(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range_asked: &str, if_range: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range_asked.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        range(&headers, "\"t\"", 10)
    }

    #[test]
    fn one_part_is_answered_with_that_part_and_everything_else_with_all() {
        for (text, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=3-", Asked::Part(3..10)),
            ("bytes=3-99", Asked::Part(3..10)),
            ("bytes=-4", Asked::Part(6..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("bytes=a-b", Asked::All),
            ("items=0-1", Asked::All),
        ] {
            assert_eq!(asked(text, None), expected, "{text}");
        }
        assert_eq!(asked("bytes=3-", Some("\"t\"")), Asked::Part(3..10));
        assert_eq!(asked("bytes=3-", Some("\"other\"")), Asked::All);
        assert_eq!(asked("bytes=3-", Some("Thu, 26 Nov 2026 00:00:00 GMT")), Asked::All);
    }

    #[test]
    fn a_reason_is_one_line_of_ascii() {
        let response = refusal("files.example\r\nX: y – it\u{1b}[31m");
        let phrase = response.extensions().get::<ReasonPhrase>().unwrap();
        assert_eq!(phrase.as_bytes(), b"files.example??X: y ? it?[31m");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}
