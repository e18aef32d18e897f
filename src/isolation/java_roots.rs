//! Certificates in the form that every Java reads: a key store of Sun's (JKS), version 2. Where Java has its own is found by `java` and `JAVA_HOME`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use larder_store::digest::{Algorithm, Digest};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
/// An entry that is a certificate, and no key.
const TRUSTED: u32 = 2;
/// The password of Java's own file; Java reads that file without one.
const PASSWORD: &str = "changeit";
/// What the format's digest covers before the bytes.
const SALT: &[u8] = b"Mighty Aphrodite";

/// A key store of the certificates in a PEM file, each once. What is none is passed over.
pub(crate) fn key_store(pem: &[u8]) -> Vec<u8> {
    let certificates: BTreeSet<Vec<u8>> =
        CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).map(|it| it.to_vec()).collect();
    let len = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes();
    let text =
        |text: &str| [&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes()[..], text.as_bytes()].concat();
    let mut bytes = [MAGIC.to_be_bytes(), VERSION.to_be_bytes(), len(certificates.len())].concat();
    for (certificate, number) in certificates.iter().zip(1..) {
        bytes.extend_from_slice(&TRUSTED.to_be_bytes());
        bytes.extend_from_slice(&text(&format!("larder-{number}")));
        // When it was added: no time.
        bytes.extend_from_slice(&0_u64.to_be_bytes());
        bytes.extend_from_slice(&text("X.509"));
        bytes.extend_from_slice(&len(certificate.len()));
        bytes.extend_from_slice(certificate);
    }
    let mut digested: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    digested.extend_from_slice(SALT);
    digested.extend_from_slice(&bytes);
    bytes.extend_from_slice(Digest::of(Algorithm::Sha1, &digested).as_bytes());
    bytes
}

/// Where the Javas in these folders of programs, and the one at this home, have their certificates.
pub(crate) fn of_javas(programs: impl Iterator<Item = PathBuf>, home: Option<&Path>) -> BTreeSet<PathBuf> {
    let found = programs.filter_map(|folder| folder.join("java").canonicalize().ok());
    let homes = found.filter_map(|java| Some(java.parent()?.parent()?.to_owned())).chain(home.map(Path::to_owned));
    let files = homes.flat_map(|home| ["lib/security/cacerts", "jre/lib/security/cacerts"].map(|file| home.join(file)));
    files.filter_map(|file| file.canonicalize().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_store_has_each_certificate_once_and_ends_with_its_digest() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        let store = key_store(format!("{pem}nothing\n{pem}").as_bytes());
        let mut expected = vec![0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 8];
        expected.extend_from_slice(b"larder-1");
        expected.extend_from_slice(&[0; 8]);
        expected.extend_from_slice(b"\x00\x05X.509\x00\x00\x00\x03\x01\x02\x03");
        assert_eq!(store[..store.len() - 20], expected);
        assert_ne!(store[store.len() - 20..], [0; 20]);
    }

    #[test]
    fn javas_are_found_where_their_programs_lead() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("jdk");
        for part in ["bin", "lib/security"] {
            std::fs::create_dir_all(home.join(part)).unwrap();
        }
        for file in ["bin/java", "lib/security/cacerts"] {
            std::fs::write(home.join(file), "").unwrap();
        }
        let links = folder.path().join("links");
        std::fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink(home.join("bin/java"), links.join("java")).unwrap();
        let found = of_javas([links, folder.path().to_owned()].into_iter(), Some(&home));
        assert_eq!(found, [home.join("lib/security/cacerts")].into());
    }
}
