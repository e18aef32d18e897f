//! [`RegistryError`]: why a registry did not do what it was asked, and whose fault that is.

use std::{io, time::Duration};

use reqwest::StatusCode;

use super::digest::ContentDigest;
use crate::{fetcher::Fault, http::DownloadError};

/// A question to a registry that failed.
#[derive(Debug, thiserror::Error)]
#[error("{name}: cannot {asked}: {fault}")]
pub struct RegistryError {
    /// The registry and the repository.
    pub name: String,
    /// What was asked: `read the manifest v1`.
    pub asked: String,
    /// Why it failed.
    #[source]
    pub fault: RegistryFault,
}

/// Why a question to a registry failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryFault {
    /// The registry has no such thing.
    #[error("not found (404){}", words(said.as_deref()))]
    NotFound {
        /// What the registry says.
        said: Option<String>,
    },
    /// The registry does not allow it.
    #[error("denied ({}) with {credentials}{}{}", status.as_u16(), words(said.as_deref()), hint(*is_anonymous))]
    Denied {
        /// 401 or 403.
        status: StatusCode,
        /// Which credentials were used, in words: the file, and not what is in it.
        credentials: String,
        /// Whether there were none.
        is_anonymous: bool,
        /// What the registry says.
        said: Option<String>,
    },
    /// The registry refuses it in another way, and will again.
    #[error("refused ({}){}", status.as_u16(), words(said.as_deref()))]
    Refused {
        /// The status.
        status: StatusCode,
        /// What the registry says.
        said: Option<String>,
    },
    /// The registry cannot answer now.
    #[error("the registry answers {}{}{}", status.as_u16(), words(said.as_deref()), after(*tries))]
    Unavailable {
        /// 429, 408 or one of 500 and more.
        status: StatusCode,
        /// What the registry says.
        said: Option<String>,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
        /// Tries made.
        tries: u32,
    },
    /// The network failed, or what was reached cannot be trusted.
    #[error("{}{source}", tried(*tries))]
    Network {
        /// How.
        source: Box<DownloadError>,
        /// Tries made.
        tries: u32,
    },
    /// What came is not what has this digest.
    #[error("the registry's data is wrong: expected {expected}, got {actual}")]
    Digest {
        /// What was asked for.
        expected: ContentDigest,
        /// What the bytes have.
        actual: ContentDigest,
    },
    /// The answer contradicts what is known, or the protocol.
    #[error("the registry's answer is wrong: {problem}")]
    Answer {
        /// How.
        problem: String,
    },
    /// More than is accepted.
    #[error("more than {limit} bytes")]
    TooLong {
        /// The most that is accepted.
        limit: u64,
    },
    /// What was to be sent cannot be read.
    #[error("what is to be sent cannot be read")]
    Source(#[source] io::Error),
}

impl RegistryError {
    /// Whose fault it is: decides the exit code.
    pub fn fault(&self) -> Fault {
        match &self.fault {
            RegistryFault::Unavailable { .. } => Fault::Network,
            RegistryFault::Network { source, .. } if source.is_network() => Fault::Network,
            RegistryFault::Source(_) => Fault::Store,
            _ => Fault::Data,
        }
    }
}

impl RegistryFault {
    pub(super) fn network(source: DownloadError) -> Self {
        Self::Network { source: Box::new(source), tries: 1 }
    }

    pub(super) fn answer(problem: impl Into<String>) -> Self {
        Self::Answer { problem: problem.into() }
    }

    /// Whether another try may succeed.
    pub(super) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Network { source, .. } => source.is_worth_retrying(),
            _ => false,
        }
    }

    /// How long the registry asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same after so many tries.
    pub(super) fn after_tries(mut self, made: u32) -> Self {
        if let Self::Unavailable { tries, .. } | Self::Network { tries, .. } = &mut self {
            *tries = made;
        }
        self
    }
}

fn words(said: Option<&str>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

fn after(tries: u32) -> String {
    if tries > 1 { format!(" ({tries} tries)") } else { String::new() }
}

/// In front, so that who shows causes does not repeat the last one.
fn tried(tries: u32) -> String {
    if tries > 1 { format!("after {tries} tries: ") } else { String::new() }
}

const fn hint(is_anonymous: bool) -> &'static str {
    if is_anonymous {
        "; log in with `docker login`, or check the name: registries deny what they do not have, too"
    } else {
        ""
    }
}
