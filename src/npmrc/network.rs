//! How the network is reached.
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::Origin;

/// Proxies, certificates, retries and timeouts. What is `None` was not configured.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// The proxy for `http:` addresses.
    pub http_proxy: Option<Proxy>,
    /// The proxy for `https:` addresses.
    pub https_proxy: Option<Proxy>,
    /// Hosts, domains and networks that are reached without a proxy, as written (`localhost`, `.example`, `10.0.0.0/8`, `*`).
    pub no_proxy: Vec<String>,
    /// Certificates to trust beside the system's: `ca`, `cafile` and `NODE_EXTRA_CA_CERTS`.
    /// (The loader of the system's certificates itself honours `SSL_CERT_FILE`.)
    pub extra_certificates: Vec<PemFile>,
    /// Whether a server's certificate is verified. False only by `strict-ssl=false`.
    pub verify_tls: bool,
    /// How often a request is tried again.
    pub fetch_retries: Option<u32>,
    /// The shortest wait before a request is tried again.
    pub fetch_retry_min_timeout: Option<Duration>,
    /// The longest wait before a request is tried again.
    pub fetch_retry_max_timeout: Option<Duration>,
    /// How long a request may take without a byte.
    pub fetch_timeout: Option<Duration>,
    /// How many connections to one host are open at once.
    pub max_sockets: Option<u32>,
}

/// A proxy's address. It can hold a user name and a password; `Debug` and `Display` leave them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// The address with user name and password. For the client, and for nothing else.
    pub fn expose_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.host_str().unwrap_or_default())
    }
}

/// Certificates in PEM form, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemFile {
    /// The file; `None` if the text stands in the configuration itself (`ca`).
    pub path: Option<PathBuf>,
    /// The setting that names it.
    pub origin: Origin,
    /// The bytes, not yet parsed. One or more certificates.
    pub bytes: Arc<[u8]>,
}
