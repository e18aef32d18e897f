//! The errors of HTTP: [`ClientError`] when a client is made, [`DownloadError`] when it is used.

use std::{error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use larder_store::digest::Integrity;
use reqwest::StatusCode;

use super::{
    error_parts::{Danger, Phase},
    settings::ClientSettings,
    sink::SinkError,
};
use crate::core::redacted::RedactedUrl;

/// Why a [`super::client::Client`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A file of certificates holds something else, or nothing.
    #[error("{origin}: not a PEM file of certificates")]
    Certificates {
        /// The file or setting.
        origin: String,
        /// What is wrong with it; nothing if it holds no certificate.
        #[source]
        source: Option<rustls_pki_types::pem::Error>,
    },
    /// A certificate that can be read but not used.
    #[error("{origin}: certificate {position} cannot be used")]
    Certificate {
        /// The file or setting.
        origin: String,
        /// Which of its certificates, from 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// A client certificate and its key cannot be used.
    #[error("{origin}: not a certificate and its key in PEM form, without a pass phrase")]
    Identity {
        /// The setting.
        origin: String,
        /// What is wrong, if it can be read.
        #[source]
        source: Option<rustls::Error>,
    },
    /// A proxy's address that cannot be used.
    #[error("proxy {proxy} cannot be used")]
    Proxy {
        /// The proxy.
        proxy: RedactedUrl,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Build(#[source] reqwest::Error),
}

/// Why an artifact or document did not arrive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// A file of this machine cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive does not hold a file.
    #[error("{archive} has no {file}")]
    NotInArchive {
        /// The archive.
        archive: RedactedUrl,
        /// The file.
        file: String,
    },
    /// An archive cannot be unpacked as far as a file that it may hold.
    #[error("{archive} cannot be unpacked as far as {file}")]
    Archive {
        /// The archive.
        archive: RedactedUrl,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The address has a scheme that cannot be fetched.
    #[error("{url}: only http and https can be fetched")]
    Scheme {
        /// The address.
        url: RedactedUrl,
    },
    /// The server says no, or something that is no file.
    #[error("{url}: {}", said(*status, *is_authorized, reason.as_deref()))]
    Status {
        /// The address asked last.
        url: RedactedUrl,
        /// The answer.
        status: StatusCode,
        /// Whether credentials were sent.
        is_authorized: bool,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What the server says beside the status, or what is known about it: one line, without control characters.
        reason: Option<Box<str>>,
    },
    /// A proxy does not let the request through: it wants to know who asks, in another way than it was told.
    #[error("{url}: the proxy {proxy} answers 407: {}", proxy_said(*is_authorized, offered))]
    ProxyAuthentication {
        /// The address.
        url: RedactedUrl,
        /// The proxy.
        proxy: RedactedUrl,
        /// Whether a user and password were sent.
        is_authorized: bool,
        /// The ways to authenticate that the proxy offers, as far as it said.
        offered: Vec<String>,
    },
    /// The host's name has no address.
    #[error("{url}: {} cannot be looked up: {}", name_of(proxy.as_ref()), innermost(cause))]
    Lookup {
        /// The address.
        url: RedactedUrl,
        /// The proxy whose name it is, if the request goes through one.
        proxy: Option<RedactedUrl>,
        /// Why. Its own causes are steps of the client's, and the last one says it all.
        cause: reqwest::Error,
    },
    /// No connection.
    #[error("{url}: cannot connect{}", through(proxy.as_ref()))]
    Connect {
        /// The address.
        url: RedactedUrl,
        /// The proxy that the request goes through.
        proxy: Option<RedactedUrl>,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server cannot prove who it is.
    #[error("{url}: the server's certificate is not trusted")]
    Certificate {
        /// The address.
        url: RedactedUrl,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A credential of the user's own would go where only the project's files lead.
    #[error(
        "{url}: larder does not send your credentials {danger} if only the project's files configure that: {said_by}"
    )]
    Withheld {
        /// The address.
        url: RedactedUrl,
        /// What would become of them.
        danger: Danger,
        /// The settings of the project, with their files.
        said_by: String,
        /// Why the server is not trusted, if that is it.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// Time ran out.
    #[error("{url}: {phase}{} after {} s", through(proxy.as_ref()), after.as_secs_f32())]
    Timeout {
        /// The address.
        url: RedactedUrl,
        /// The proxy that a connection or a response was awaited from.
        proxy: Option<RedactedUrl>,
        /// What was waited for.
        phase: Phase,
        /// How long.
        after: Duration,
    },
    /// The connection or the body broke.
    #[error("{url}: broken off after {received} bytes{}", of(*expected))]
    Broken {
        /// The address.
        url: RedactedUrl,
        /// Bytes of the whole that are there, those of earlier tries included.
        received: u64,
        /// Bytes of the whole, if the server said.
        expected: Option<u64>,
        /// Why, unless the body just ended early.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The request cannot be sent or its answer not be understood.
    #[error("{url}: the request failed")]
    Request {
        /// The address.
        url: RedactedUrl,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The body is longer than is sane.
    #[error("{url}: {actual} bytes or more, only {limit} are accepted")]
    TooLong {
        /// The address.
        url: RedactedUrl,
        /// The most that is accepted, bytes.
        limit: u64,
        /// Bytes announced, or counted so far.
        actual: u64,
    },
    /// One redirect after another.
    #[error("{url}: more than {limit} redirects")]
    TooManyRedirects {
        /// The address asked first.
        url: RedactedUrl,
        /// The most that are followed.
        limit: usize,
    },
    /// A redirect without an address that can be fetched.
    #[error("{url}: redirects to an address that cannot be fetched")]
    RedirectTarget {
        /// The address that redirects.
        url: RedactedUrl,
    },
    /// A redirect from https to http.
    #[error("{url}: redirects from https to {target}, which is not encrypted")]
    RedirectToPlain {
        /// The address that redirects.
        url: RedactedUrl,
        /// Where to.
        target: RedactedUrl,
    },
    /// A server of a private network, where only public ones are asked.
    #[error("{url}: its server is in a private network")]
    PrivateAddress {
        /// The address.
        url: RedactedUrl,
    },
    /// A redirect from an address that a stranger may have named to a place that only this machine or its network knows.
    #[error("{url}: redirects to {target}, which is no public host")]
    RedirectToPrivate {
        /// The address that redirects.
        url: RedactedUrl,
        /// Where to.
        target: RedactedUrl,
    },
    /// The bytes are not those that are wanted.
    #[error("{url}: expected {expected}, got {actual}")]
    Mismatch {
        /// The address asked last.
        url: RedactedUrl,
        /// What was wanted.
        expected: Box<Integrity>,
        /// What the bytes are.
        actual: Box<Integrity>,
    },
    /// The bytes are compressed in a way that nobody asked for and that cannot be undone here.
    #[error("{url}: the server compressed it (Content-Encoding: {}), although it was asked not to, and larder undoes only gzip and deflate", encoding.escape_debug())]
    Encoding {
        /// The address asked last.
        url: RedactedUrl,
        /// What the server names.
        encoding: Box<str>,
        /// That the bytes as they are were not those wanted.
        #[source]
        source: Option<Box<DownloadError>>,
    },
    /// The bytes cannot be kept.
    #[error("cannot keep what {url} sent")]
    Sink {
        /// The address.
        url: RedactedUrl,
        /// Why.
        #[source]
        source: SinkError,
    },
    /// Several tries failed.
    #[error("gave up after {tries} tries")]
    GaveUp {
        /// Tries made.
        tries: u32,
        /// Why the last one failed.
        #[source]
        last: Box<DownloadError>,
    },
}

impl DownloadError {
    /// Whether the network or a server failed in a way that may pass, rather than data, configuration or disk: another run may succeed.
    pub fn is_network(&self) -> bool {
        match self {
            Self::File { .. }
            | Self::NotInArchive { .. }
            | Self::Archive { .. }
            | Self::Scheme { .. }
            | Self::Withheld { .. }
            | Self::Mismatch { .. }
            | Self::Sink { .. }
            | Self::TooLong { .. }
            | Self::Encoding { .. }
            | Self::ProxyAuthentication { .. }
            | Self::Certificate { .. }
            | Self::TooManyRedirects { .. }
            | Self::RedirectTarget { .. }
            | Self::RedirectToPlain { .. }
            | Self::PrivateAddress { .. }
            | Self::RedirectToPrivate { .. } => false,
            Self::Status { status, .. } => is_transient(*status),
            Self::Request { source, .. } => !source.is_builder(),
            Self::GaveUp { last, .. } => last.is_network(),
            Self::Lookup { .. } | Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
        }
    }

    /// Whether another try may succeed.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Status { status, .. } => is_transient(*status),
            Self::Lookup { .. } | Self::Connect { .. } | Self::Broken { .. } => true,
            Self::Timeout { phase, .. } => *phase != Phase::Whole,
            Self::Request { source, .. } => !source.is_builder(),
            _ => false,
        }
    }

    /// Whether there was no connection at all.
    pub(super) fn is_unreached(&self) -> bool {
        matches!(self, Self::Lookup { .. } | Self::Connect { .. } | Self::Timeout { phase: Phase::Connect, .. })
    }

    /// Why a request was not answered.
    pub(crate) fn from_send(
        url: RedactedUrl,
        proxy: Option<RedactedUrl>,
        source: reqwest::Error,
        settings: &ClientSettings,
    ) -> Self {
        let source = source.without_url();
        if source.is_dns() {
            Self::Lookup { url, proxy, cause: source }
        } else if is_certificate(&source) {
            Self::Certificate { url, source }
        } else if source.is_connect() && source.is_timeout() {
            Self::Timeout { url, proxy, phase: Phase::Connect, after: settings.connect_timeout }
        } else if source.is_connect() {
            Self::Connect { url, proxy, source }
        } else {
            Self::Request { url, source }
        }
    }

    /// The same refusal with what became known about it, unless the server gave a reason itself; `None` for another error.
    #[must_use]
    pub fn because(&self, why: &str) -> Option<Self> {
        let Self::Status { url, status, is_authorized, retry_after, reason } = self else { return None };
        Some(Self::Status {
            url: url.clone(),
            status: *status,
            is_authorized: *is_authorized,
            retry_after: *retry_after,
            reason: reason.clone().or_else(|| Some(why.into())),
        })
    }

    /// The error that stopped it: of several tries, the last one's.
    pub fn last(&self) -> &Self {
        match self {
            Self::GaveUp { last, .. } => last.last(),
            other => other,
        }
    }
}

fn is_certificate(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        // Asked for its source, an io::Error passes over the error that it wraps.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}

fn said(status: StatusCode, is_authorized: bool, reason: Option<&str>) -> String {
    let phrase = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
    let hint = match (status, is_authorized) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, false) => " (there are no credentials for this address)",
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, true) => {
            " (the server refuses the credentials for this address)"
        }
        _ => "",
    };
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{phrase}{hint}{reason}", status.as_u16())
}

/// Whose name was looked up.
fn name_of(proxy: Option<&RedactedUrl>) -> String {
    proxy.map_or_else(|| "the host's name".to_owned(), |proxy| format!("the name of the proxy {proxy}"))
}

fn through(proxy: Option<&RedactedUrl>) -> String {
    proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

fn proxy_said(is_authorized: bool, offered: &[String]) -> String {
    let said = if is_authorized {
        "it does not accept the user and password in its address"
    } else {
        "it requires authentication, and its address has no user and password"
    };
    if offered.is_empty() { said.to_owned() } else { format!("{said} (it offers {})", offered.join(", ")) }
}

/// The last of an error's causes.
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn of(expected: Option<u64>) -> String {
    expected.map(|expected| format!(" of {expected}")).unwrap_or_default()
}

/// Whether a status says that the same request may succeed later.
fn is_transient(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_statuses_are_transient() {
        for (status, is_it) in [
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
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), is_it, "{status}");
        }
    }
}
