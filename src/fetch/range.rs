//! Resumption: what is kept of a body ([`Kept`]), of which version of the file ([`Validator`]), and whether a partial response continues it.
//!
//! RFC 9110: sections 8.8 (validators), 13.1.5 (If-Range), 14 (ranges).

use std::fmt;

/// What there is of an artifact before it is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
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
    /// A validator from what [`as_str`](Self::as_str) gave; `None` if it is not one that can be sent.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(|byte| (b' '..0x7f).contains(&byte))).then(|| Self(text.into()))
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
