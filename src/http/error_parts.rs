//! What the errors of HTTP are made of: [`Danger`], in which a credential would be, and [`Phase`], in which a time ran out.

use std::fmt;

/// What would become of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It would be sent without encryption.
    InClear,
    /// It would be sent through a proxy.
    Proxy,
    /// It would be sent to a server whose certificate the user's own configuration does not trust.
    Unverified,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InClear => "without encryption",
            Self::Proxy => "through a proxy",
            Self::Unverified => "to a server that your own configuration does not trust",
        })
    }
}

/// What was waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A connection, the name look-up and TLS included.
    Connect,
    /// The start of a response.
    Response,
    /// More of a body.
    Body,
    /// The whole, retries included.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Response => "no response",
            Self::Body => "no more bytes",
            Self::Whole => "not complete",
        })
    }
}
