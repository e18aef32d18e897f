//! Resumption with range requests: how much of a body is kept ([`ResumePoint`]), of which version ([`Validator`]), and whether a partial response continues it.
//!
//! RFC 9110: sections 8.8 (validators), 13.1.5 (If-Range), 14 (ranges).

use std::{fmt, time::Duration};

use reqwest::header::{DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

/// A longer validator is not kept: sent back in `If-Range`, it would make a request that servers refuse. Servers' own have 20 to 80 bytes.
const LONGEST_VALIDATOR: usize = 512;

/// What there is of an artifact before it is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// Bytes from the start of the file.
    pub len: u64,
    /// The version of the file that they are from, if the server named it.
    pub validator: Option<Validator>,
    /// Whether they are known to be the whole file, so that `finish` may be tried without a request.
    pub is_complete: bool,
}

/// Names a version of a file, strongly enough for bytes of two responses to be joined: a strong `ETag`, or else a `Last-Modified`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Validator(Box<str>);

impl Validator {
    /// A validator from what [`as_str`](Self::as_str) gave; `None` if it is not one that can be sent, or has more than 512 bytes.
    pub fn new(text: &str) -> Option<Self> {
        ((1..=LONGEST_VALIDATOR).contains(&text.len()) && text.bytes().all(|byte| (b' '..0x7f).contains(&byte)))
            .then(|| Self(text.into()))
    }

    /// The validator of a response, if it has one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if let Some(tag) = text(headers, ETAG) {
            return if tag.starts_with('"') { Self::new(tag) } else { None };
        }
        let modified = text(headers, LAST_MODIFIED)?;
        let date = |text| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
        // A file may change twice within the second that it was sent in.
        let age = date(text(headers, DATE)?)?.duration_since(date(modified)?);
        (Duration::try_from(age).ok()? >= Duration::from_secs(1)).then(|| Self::new(modified)).flatten()
    }

    /// The validator as `If-Range` sends it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Validator({})", self.0)
    }
}

/// A `Content-Range`: which bytes a partial response has, or, unsatisfied, that there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte and the last one.
    pub(crate) bytes: Option<(u64, u64)>,
    /// Bytes of the whole.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// Reads the header's value; `None` if it contradicts itself.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        if range == "*" {
            return total.map(|total| Self { bytes: None, total: Some(total) });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (first <= last && total.is_none_or(|total| last < total)).then_some(Self { bytes: Some((first, last)), total })
    }

    /// Whether these are all bytes from `offset` to the end, as far as can be known.
    pub(super) fn is_rest_from(&self, offset: u64) -> bool {
        self.bytes.is_some_and(|(first, last)| first == offset && self.total.is_none_or(|total| last + 1 == total))
    }

    /// Bytes of the whole, if this range goes to its end.
    pub(super) fn end(&self) -> Option<u64> {
        self.bytes.map(|(_, last)| last.saturating_add(1))
    }
}

/// A header's value, if it is text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

// `str::parse` also takes a plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_content_range() {
        let cases = [
            ("bytes 5-9/10", Some((Some((5, 9)), Some(10)))),
            ("bytes 5-9/*", Some((Some((5, 9)), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("bytes */*", None),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes +5-9/10", None),
            ("bytes 5-/10", None),
            ("items 5-9/10", None),
            ("bytes 5-99999999999999999999/*", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(bytes, total)| ContentRange { bytes, total });
            assert_eq!(ContentRange::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_rest_begins_at_the_offset_and_goes_to_the_end() {
        let is_rest = |text| ContentRange::parse(text).unwrap().is_rest_from(5);
        assert!(is_rest("bytes 5-9/10"));
        assert!(is_rest("bytes 5-9/*"));
        assert!(!is_rest("bytes 5-8/10"));
        assert!(!is_rest("bytes 4-9/10"));
        assert!(!is_rest("bytes */10"));
    }

    #[test]
    fn only_what_names_one_version_is_a_validator() {
        let early = "Sun, 06 Nov 1994 08:49:37 GMT";
        let late = "Sun, 06 Nov 1994 08:49:38 GMT";
        let cases = [
            (vec![(ETAG, "\"a\"")], Some("\"a\"")),
            (vec![(ETAG, "W/\"a\"")], None),
            (vec![(ETAG, "W/\"a\""), (LAST_MODIFIED, early), (DATE, late)], None),
            (vec![(LAST_MODIFIED, early), (DATE, late)], Some(early)),
            (vec![(LAST_MODIFIED, late), (DATE, late)], None),
            (vec![(LAST_MODIFIED, early)], None),
            (vec![], None),
        ];
        let long = format!("\"{}\"", "v".repeat(LONGEST_VALIDATOR));
        assert_eq!(Validator::new(&long), None);
        for (headers, expected) in cases {
            let headers = headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
            assert_eq!(Validator::of(&headers).as_ref().map(Validator::as_str), expected, "{headers:?}");
        }
    }
}
