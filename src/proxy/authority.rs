//! The certificate authority of one run: certifies the hosts whose connections are opened.
//!
//! The keys are in memory alone, and end with the process. The certificates hold from the day before to the day after the next. The authority may certify hosts only
//! (path length 0). A host's certificate names `localhost` beside it: a widely used library for proxies in node checks the certificate against that name.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    CipherSuite, ServerConfig, SupportedCipherSuite,
    crypto::{CryptoProvider, ring},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Hosts whose certificates are kept. A run that asks for more makes some anew.
const MOST_KEPT: usize = 1000;

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AuthorityError {
    /// A certificate cannot be made: the name is none, or there are no random numbers.
    #[error("a certificate for {host} cannot be made")]
    Certificate {
        /// The host, or what the authority is called.
        host: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refuses it.
    #[error("the TLS library refuses a certificate for {host}")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// What the authority is called where a program shows certificates.
const NAME: &str = "larder, for one run";

/// An authority, and what it has certified.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    /// The key of all hosts' certificates.
    hosts_key: KeyPair,
    days: (Date, Date),
    known: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// A new authority.
    pub(super) fn new(now: Timestamp) -> Result<Self, AuthorityError> {
        let failed = |source| AuthorityError::Certificate { host: NAME.to_owned(), source };
        let today = now.to_zoned(TimeZone::UTC).date();
        let days = (today.saturating_sub(1.day()), today.saturating_add(2.days()));
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params(Vec::new(), NAME, days).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            hosts_key: KeyPair::generate().map_err(failed)?,
            days,
            known: Mutex::default(),
        })
    }

    /// Its certificate as PEM.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// TLS in the name of this host: a name, or an address without brackets. HTTP/1.1 alone is offered.
    pub(super) fn tls_for(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.certify(host)?);
        if known.len() >= MOST_KEPT {
            known.clear();
        }
        known.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    fn certify(&self, host: &str) -> Result<ServerConfig, AuthorityError> {
        let failed = |source| AuthorityError::Certificate { host: host.to_owned(), source };
        let refused = |source| AuthorityError::Tls { host: host.to_owned(), source };
        let mut names = vec![host.to_owned()];
        if host != "localhost" {
            names.push("localhost".to_owned());
        }
        // A common name has at most 64 characters, and nobody reads it.
        let mut params = params(names, "larder", self.days).map_err(failed)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.hosts_key, &self.issuer).map_err(failed)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.hosts_key.serialize_der()));
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        let provider = provider();
        let certified = CertifiedKey::from_der(chain, key, &provider).map_err(refused)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.ignore_client_order = true;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The ciphers of a connection that does not leave the machine: the fastest first, which is AES with 128 bits wherever the processor has it.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    let is_fastest = |suite: &SupportedCipherSuite| matches!(suite.suite(), CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider.cipher_suites.sort_by_key(|suite| !is_fastest(suite));
    provider
}

fn params(
    names: Vec<String>,
    common_name: &str,
    (first, last): (Date, Date),
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let day = |date: Date| date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
    (params.not_before, params.not_after) = (day(first), day(last));
    Ok(params)
}

/// Without keys.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("days", &self.days).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
    use rustls_pki_types::{ServerName, pem::PemObject as _};

    use super::*;

    /// Shakes hands in memory; what the client says of it.
    fn shake(authority: &Authority, pem: &str, certified: &str, asked: &str) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(asked.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(authority.tls_for(certified).unwrap()).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut &bytes[..]).unwrap();
            server.process_new_packets()?;
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut &bytes[..]).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn whoever_trusts_the_authority_trusts_each_host_by_its_own_name_alone() {
        let authority = Authority::new(Timestamp::now()).unwrap();
        for host in ["files.example", "127.0.0.2", "::1", &format!("{}.example", "a".repeat(60))] {
            shake(&authority, authority.pem(), host, host).unwrap();
            shake(&authority, authority.pem(), host, "localhost").unwrap();
            assert!(shake(&authority, authority.pem(), host, "other.example").is_err(), "{host}");
        }
        let other = Authority::new(Timestamp::now()).unwrap();
        assert!(shake(&authority, other.pem(), "files.example", "files.example").is_err());
    }

    #[test]
    fn a_certificate_is_made_once_and_a_name_that_is_none_is_an_error() {
        let authority = Authority::new(Timestamp::now()).unwrap();
        let (once, again) = (authority.tls_for("files.example").unwrap(), authority.tls_for("files.example").unwrap());
        assert!(Arc::ptr_eq(&once, &again));
        let error = authority.tls_for("é").unwrap_err();
        assert_eq!(error.to_string(), "a certificate for é cannot be made");
    }
}
