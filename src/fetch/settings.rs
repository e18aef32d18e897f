//! How requests are made: [`ClientSettings`].

use std::{fmt, time::Duration};

use url::Url;

/// How a [`super::Client`] makes its requests. The defaults suit a public registry.
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
