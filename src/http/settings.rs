//! [`ClientSettings`]: proxies, certificates, timeouts, retries and limits.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::core::redacted::RedactedUrl;

/// How a [`super::client::Client`] makes its requests. The defaults suit a public registry.
#[derive(Clone)]
pub struct ClientSettings {
    /// The proxy for `http` addresses; user and password in it are used for it.
    pub http_proxy: Option<Url>,
    /// The proxy for `https` addresses; user and password in it are used for it.
    pub https_proxy: Option<Url>,
    /// Hosts that are asked without a proxy, as in `NO_PROXY`: names with their subdomains, addresses, networks or `*`, separated by commas.
    pub no_proxy: Option<String>,
    /// Certificates trusted beside those of the system and of the bundle: PEM files, each with any number of certificates.
    pub extra_certificates: Vec<ExtraCertificates>,
    /// Whether a server must prove who it is; `false` trusts everyone.
    pub verify_tls: bool,
    /// What of all this only a project's files say: no credential of the user's own goes that way.
    pub project: Option<ProjectNetwork>,
    /// Whether the user says that the project's files count like the user's own.
    pub trusts_project: bool,
    /// How long making a connection may take, its name look-up and TLS included.
    pub connect_timeout: Duration,
    /// How long a server may send nothing at all.
    pub stall_timeout: Duration,
    /// How long one artifact or document may take, its retries included.
    pub total_timeout: Duration,
    /// How often a failed try is repeated.
    pub retries: u32,
    /// The wait before the first retry; it doubles with each one, and up to as much again is added by chance.
    pub backoff_min: Duration,
    /// The longest wait between tries, the part by chance aside.
    pub backoff_max: Duration,
    /// The longest that a server's `Retry-After` is obeyed.
    pub retry_after_max: Duration,
    /// A longer body is refused, bytes.
    pub max_bytes: u64,
    /// How many HTTP/2 connections are made to one host.
    pub connections: usize,
}

/// What only a project's files say about the way to a server, and what holds for credentials of the user's own in its place.
#[derive(Clone, Debug)]
pub struct ProjectNetwork {
    /// The setting that names the proxy for `http` addresses.
    pub http_proxy: Option<String>,
    /// The setting that names the proxy for `https` addresses.
    pub https_proxy: Option<String>,
    /// The settings by which more servers are trusted.
    pub trust: Vec<String>,
    /// The certificates that the user trusts beside those of the system and of the bundle.
    pub extra_certificates: Vec<ExtraCertificates>,
    /// Whether a server must prove who it is.
    pub verify_tls: bool,
}

impl ClientSettings {
    /// The certificates that the user trusts beside those of the system and of the bundle, without what only a project's files say.
    pub(crate) fn users_certificates(&self) -> &[ExtraCertificates] {
        match &self.project {
            Some(project) if !self.trusts_project => &project.extra_certificates,
            _ => &self.extra_certificates,
        }
    }

    /// The same without what only a project's files say, and with every server having to prove who it is: for credentials of the user's own that belong to no package manager.
    pub(crate) fn users_own(&self) -> Self {
        let mut own = Self { verify_tls: true, project: None, ..self.clone() };
        if let Some(project) = self.project.as_ref().filter(|_| !self.trusts_project) {
            own.http_proxy = own.http_proxy.filter(|_| project.http_proxy.is_none());
            own.https_proxy = own.https_proxy.filter(|_| project.https_proxy.is_none());
            own.extra_certificates.clone_from(&project.extra_certificates);
        }
        own
    }

    /// The proxy that an address is asked for through, as messages show it.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<RedactedUrl> {
        let proxy = if url.scheme() == "https" { &self.https_proxy } else { &self.http_proxy };
        proxy.as_ref().filter(|_| self.has_proxy_for(url)).map(RedactedUrl::new)
    }

    /// The waits before each further try.
    pub(crate) fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_factor(2.0)
            .with_jitter()
            .with_min_delay(self.backoff_min)
            .with_max_delay(self.backoff_max)
            .with_max_times(self.retries as usize)
            .build()
    }

    /// Whether an address is asked for through a proxy.
    pub(super) fn has_proxy_for(&self, url: &Url) -> bool {
        let proxy = if url.scheme() == "https" { &self.https_proxy } else { &self.http_proxy };
        let Some(proxy) = proxy else { return false };
        let builder = Matcher::builder().all(proxy.as_str()).no(self.no_proxy.clone().unwrap_or_default());
        // What is no address for the library is one for nobody: it is not sent.
        url.as_str().parse().is_ok_and(|uri| builder.build().intercept(&uri).is_some())
    }
}

/// A PEM file's content, and what to call it in an error.
#[derive(Clone, Debug)]
pub struct ExtraCertificates {
    /// The file's path or the setting that holds the text.
    pub origin: String,
    /// The file's bytes.
    pub pem: Vec<u8>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            extra_certificates: Vec::new(),
            verify_tls: true,
            project: None,
            trusts_project: false,
            // A resolver that drops a packet is asked again after 5 s; twice that must fit.
            connect_timeout: Duration::from_secs(15),
            // Registries that fetch a package from upstream first are silent meanwhile.
            stall_timeout: Duration::from_secs(30),
            // 1 GiB at 1 MiB/s, and a little.
            total_timeout: Duration::from_mins(20),
            // With the waits below 8 s in all, and up to 16 s with the part by chance: long enough for a server that restarts.
            retries: 5,
            backoff_min: Duration::from_millis(250),
            backoff_max: Duration::from_secs(8),
            retry_after_max: Duration::from_mins(1),
            // A bound against a body that never ends.
            max_bytes: 4 << 30,
            // A connection is decrypted by one core at a time; with two, both cores of a small machine can.
            connections: 2,
        }
    }
}

/// Without the proxies, whose addresses may hold passwords.
impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("verify_tls", &self.verify_tls)
            .field("stall_timeout", &self.stall_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("retries", &self.retries)
            .field("max_bytes", &self.max_bytes)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
