//! Root certificates: those of the system, a compiled-in copy of Mozilla's (a container often has none), and those of the settings.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::{credential::ClientIdentity, error::ClientError, settings::ExtraCertificates};

/// The TLS configuration for HTTP/2 and HTTP/1.1.
pub(super) fn tls_config(
    extra: &[ExtraCertificates],
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, ClientError> {
    tls_config_with(extra, &[], identity)
}

/// The same with other PEM files, of which what cannot be used is passed over.
pub(super) fn tls_config_with(
    extra: &[ExtraCertificates],
    others: &[u8],
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a file of the system's certificates cannot be read: the others and the bundled ones serve");
    }
    // Systems hold certificates that no verifier can use; one of them must not cost the others.
    roots.add_parsable_certificates(system.certs);
    roots.add_parsable_certificates(TLS_SERVER_ROOT_CERTS.iter().cloned());
    // Every system's store holds most of the bundle: verification looks at each.
    roots.roots.sort_by(|a, b| {
        a.subject.cmp(&b.subject).then_with(|| a.subject_public_key_info.cmp(&b.subject_public_key_info))
    });
    roots.roots.dedup();
    for file in extra {
        add(&mut roots, file)?;
    }
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(others).filter_map(Result::ok));
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let unusable = |source| ClientError::Identity { origin: identity.origin.clone(), source };
            let certificates = CertificateDer::pem_slice_iter(&identity.certificates).collect::<Result<Vec<_>, _>>();
            let certificates = certificates.ok().filter(|list| !list.is_empty()).ok_or_else(|| unusable(None))?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|_| unusable(None))?;
            builder.with_client_auth_cert(certificates, key).map_err(|source| unusable(Some(source)))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What [`tls_config`] trusts, as PEM for other programs.
pub(crate) fn bundle(extra: &[ExtraCertificates]) -> Vec<u8> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mut pem = Vec::new();
    for certificate in system.iter().chain(TLS_SERVER_ROOT_CERTS) {
        write_pem(certificate, &mut pem);
    }
    for file in extra {
        pem.extend_from_slice(&file.pem);
        pem.push(b'\n');
    }
    pem
}

/// RFC 7468: base64 in lines of 64 characters.
fn write_pem(certificate: &CertificateDer<'_>, pem: &mut Vec<u8>) {
    pem.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
    for line in BASE64_STANDARD.encode(certificate).as_bytes().chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
}

fn add(roots: &mut RootCertStore, file: &ExtraCertificates) -> Result<(), ClientError> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&file.pem) {
        let certificate = certificate
            .map_err(|source| ClientError::Certificates { origin: file.origin.clone(), source: Some(source) })?;
        count += 1;
        roots.add(certificate).map_err(|source| ClientError::Certificate {
            origin: file.origin.clone(),
            position: count,
            source,
        })?;
    }
    if count == 0 {
        return Err(ClientError::Certificates { origin: file.origin.clone(), source: None });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pem: &[u8]) -> String {
        let file = ExtraCertificates { origin: "company.pem".to_owned(), pem: pem.to_vec() };
        tls_config(&[file], None).unwrap_err().to_string()
    }

    fn pem(der: &[u8]) -> Vec<u8> {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
            .into_bytes()
    }

    #[test]
    fn an_unreadable_file_of_certificates_is_named() {
        assert_eq!(refused(b""), "company.pem: not a PEM file of certificates");
        assert_eq!(refused(b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"), refused(b""));
        let mut two = pem(&TLS_SERVER_ROOT_CERTS[0]);
        two.extend(pem(b"no certificate"));
        assert_eq!(refused(&two), "company.pem: certificate 2 cannot be used");
    }

    #[test]
    fn the_bundle_holds_every_root_and_what_is_added() {
        let file = ExtraCertificates { origin: "company.pem".to_owned(), pem: pem(&TLS_SERVER_ROOT_CERTS[0]) };
        let bundle = bundle(std::slice::from_ref(&file));
        let read: Vec<_> = CertificateDer::pem_slice_iter(&bundle).collect::<Result<_, _>>().unwrap();
        assert!(TLS_SERVER_ROOT_CERTS.iter().all(|root| read.contains(root)));
        assert_eq!(read.last().unwrap(), &TLS_SERVER_ROOT_CERTS[0]);
        let own = super::bundle(&[]);
        assert!(bundle.starts_with(&own) && std::str::from_utf8(&own).unwrap().lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn offers_both_versions_of_http_and_accepts_more_certificates() {
        let file = ExtraCertificates { origin: "company.pem".to_owned(), pem: pem(&TLS_SERVER_ROOT_CERTS[0]) };
        assert_eq!(tls_config(&[file], None).unwrap().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
