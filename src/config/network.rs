//! How the network is reached: proxies, certificates, retries and timeouts.

use std::time::Duration;

use self::{
    certificates::{PemFile, extra_certificates},
    project_overrides::ProjectOverrides,
    proxy::{Proxies, Proxy, no_proxy},
};
use super::{
    error::{ConfigError, ConfigWarning},
    layers::Layers,
};
use crate::core::environment::Environment;

pub mod certificates;
pub mod project_overrides;
pub mod project_transport;
pub mod proxy;

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
    /// Where only the project's files say how a server is reached and known: then, how the user's own configuration has it.
    pub project_overrides: Option<ProjectOverrides>,
    /// Whether the user says that the project's files count like the user's own.
    pub trusts_project: bool,
}

impl NetworkSettings {
    pub(super) fn read(
        layers: &Layers,
        environment: &Environment,
        warnings: &mut Vec<ConfigWarning>,
    ) -> Result<Self, ConfigError> {
        let proxies = Proxies::read(environment, warnings, |key| layers.find(key))?;
        let verifies_tls = verify_tls(layers, warnings);
        Ok(Self {
            no_proxy: no_proxy(layers, environment),
            extra_certificates: extra_certificates(environment, warnings, |key| layers.find(key))?,
            verify_tls: verifies_tls,
            fetch_retries: number(layers, "fetch-retries", warnings),
            fetch_retry_min_timeout: milliseconds(layers, "fetch-retry-mintimeout", warnings),
            fetch_retry_max_timeout: milliseconds(layers, "fetch-retry-maxtimeout", warnings),
            fetch_timeout: milliseconds(layers, "fetch-timeout", warnings),
            max_sockets: number(layers, "maxsockets", warnings),
            trusts_project: false,
            project_overrides: ProjectOverrides::read(layers, environment, &proxies, verifies_tls)?,
            http_proxy: proxies.for_http.map(|(proxy, _)| proxy),
            https_proxy: proxies.for_https.map(|(proxy, _)| proxy),
        })
    }
}

fn verify_tls(layers: &Layers, warnings: &mut Vec<ConfigWarning>) -> bool {
    let Some(found) = layers.find("strict-ssl") else { return true };
    let Some(verify) = found.flag() else {
        if !found.is_nothing() {
            warnings.push(found.not_understood("true or false"));
        }
        return true;
    };
    if !verify {
        warnings.push(ConfigWarning::TlsVerificationOff { origin: found.origin.clone(), key: found.key.to_owned() });
    }
    verify
}

fn number(layers: &Layers, key: &str, warnings: &mut Vec<ConfigWarning>) -> Option<u32> {
    let found = layers.find(key).filter(|found| !found.is_nothing())?;
    let number = found.text().and_then(|text| text.trim().parse().ok());
    if number.is_none() {
        warnings.push(found.not_understood("a whole number"));
    }
    number
}

fn milliseconds(layers: &Layers, key: &str, warnings: &mut Vec<ConfigWarning>) -> Option<Duration> {
    number(layers, key, warnings).map(|count| Duration::from_millis(count.into()))
}
