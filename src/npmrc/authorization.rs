//! Credentials.
use std::fmt;

/// What an `Authorization` header says. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    header: Box<str>,
}

impl Authorization {
    /// The header's value, `Bearer …` or `Basic …`: visible ASCII and a space, so always a legal header. For the request, and for nothing else.
    pub fn expose_header(&self) -> &str {
        &self.header
    }
}

/// The scheme alone.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({self})")
    }
}

/// The scheme alone: `Bearer [hidden]`.
impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.header.split(' ').next().unwrap_or_default();
        write!(f, "{scheme} [hidden]")
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Authorizations {}
