//! Tests of digests and blob identifiers: parsing, and matching several digests.

use super::*;

const ABC_SHA1: &str = "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
const ABC_SHA512: &str =
    "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

#[test]
fn reads_several_hashes_strongest_first() {
    let integrity: Integrity = format!("{ABC_SHA1} {ABC_SHA512}?opt md5-xxxx").parse().unwrap();
    assert_eq!(integrity.to_string(), format!("{ABC_SHA512} {ABC_SHA1}"));
    assert_eq!(integrity.strongest().len(), 1);
    assert_eq!(integrity.algorithms().collect::<Vec<_>>(), [Algorithm::Sha512, Algorithm::Sha1]);
}

#[test]
fn reads_a_digest_without_padding() {
    let padded: Integrity = ABC_SHA512.parse().unwrap();
    assert_eq!(ABC_SHA512.trim_end_matches('=').parse::<Integrity>().unwrap(), padded);
}

#[test]
fn refuses_what_is_no_integrity() {
    let cases = [
        ("", "`` has no sha512, sha384, sha256 or sha1 digest"),
        ("md5-rL0Y20zC+Fzt72VPzMSk2A==", "has no sha512"),
        ("sha512", "`sha512` is not of the form `algorithm-digest`"),
        ("sha512-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "sha512 digest of 20 bytes instead of 64"),
        ("sha1-%%%", "`sha1-%%%` is not base64"),
    ];
    for (text, message) in cases {
        let error = text.parse::<Integrity>().unwrap_err().to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
}

#[test]
fn every_named_algorithm_must_hold() {
    let both: Integrity = format!("{ABC_SHA1} {ABC_SHA512}").parse().unwrap();
    let abc = |algorithm| Digest::of(algorithm, b"abc");
    assert!(both.agrees_with(&[abc(Algorithm::Sha512), abc(Algorithm::Sha1)]));
    assert!(!both.agrees_with(&[abc(Algorithm::Sha512)]));
    assert!(!both.agrees_with(&[abc(Algorithm::Sha512), Digest::of(Algorithm::Sha1, b"other")]));
}

#[test]
fn several_digests_of_one_algorithm_are_alternatives() {
    let other = Digest::of(Algorithm::Sha512, b"other");
    let integrity: Integrity = format!("{other} {ABC_SHA512}").parse().unwrap();
    assert!(integrity.agrees_with(&[Digest::of(Algorithm::Sha512, b"abc")]));
    assert!(integrity.agrees_with(&[other]));
    assert!(!integrity.agrees_with(&[Digest::of(Algorithm::Sha512, b"third")]));
}

#[test]
fn a_blob_id_reads_what_it_writes() {
    let id = BlobId::of(b"abc");
    assert_eq!(id.to_string(), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
    assert!("64".parse::<BlobId>().is_err());
    assert!("6".parse::<BlobId>().is_err());
}

proptest::proptest! {
    #[test]
    fn one_pass_equals_many(chunks: Vec<Vec<u8>>) {
        let mut hasher = Hasher::new(Algorithm::ALL);
        for chunk in &chunks {
            hasher.update(chunk);
        }
        let whole = chunks.concat();
        let found = hasher.finish();
        proptest::prop_assert_eq!(found.blob, BlobId::of(&whole));
        proptest::prop_assert_eq!(found.digests.len(), 4);
        for digest in found.digests {
            proptest::prop_assert_eq!(digest, Digest::of(digest.algorithm(), &whole));
        }
    }

    #[test]
    fn reading_an_integrity_never_panics(text: String) {
        if let Ok(integrity) = text.parse::<Integrity>() {
            proptest::prop_assert_eq!(integrity.to_string().parse::<Integrity>().unwrap(), integrity);
        }
    }
}
