//! The form of a seed: a store's files that are handed on, by their paths in it.
//!
//! It is `meta.json`, blobs, notes of optional packages that are gone, rows that were recorded beside the lockfiles, and receipts that state only the keys that the lockfiles use: neither addresses, nor times, nor what other projects made known
//! of the same bytes. So the same wishes give the same seed, on every machine.

use std::{collections::BTreeSet, path::Path};

use crate::{
    digest::{Algorithm, BlobId, Integrity},
    gone,
    key::Wanted,
    layout::Layout,
    meta,
    receipt::{Origin, Receipt},
    rows,
};

/// The path and the bytes of the file that makes a folder a store.
pub fn meta() -> (String, Vec<u8>) {
    (relative(Layout::meta), meta::bytes())
}

/// The path of a blob.
pub fn blob_path(blob: &BlobId) -> String {
    relative(|layout| layout.blob(blob))
}

/// The path and the bytes of a note that nothing is at this address.
pub fn gone(wanted: &Wanted, address: &str) -> (String, Vec<u8>) {
    (relative(|layout| gone::path(layout, wanted, address)), Vec::new())
}

/// The path and the bytes of a note that no address had this file, if its digest identifies it whatever the address.
pub fn gone_anywhere(wanted: &Wanted) -> Option<(String, Vec<u8>)> {
    let is_told_by_digest = matches!(wanted, Wanted::Integrity(_));
    is_told_by_digest.then(|| (relative(|layout| gone::path_anywhere(layout, wanted)), Vec::new()))
}

/// The path and the bytes of the file with what a project recorded beside this lockfile.
pub fn rows(lockfile: &BlobId, rows: &[u8]) -> (String, Vec<u8>) {
    (relative(|layout| layout.rows(lockfile)), rows::bytes(lockfile, rows))
}

/// The path and the bytes of a receipt.
pub fn receipt(receipt: &Receipt) -> (String, Vec<u8>) {
    (relative(|layout| layout.receipt(&receipt.blob)), receipt.to_json())
}

/// Of a receipt, what a seed says: of the digests those of these algorithms and sha512, which every receipt has; and these packages.
pub fn reduced(
    known: &Receipt,
    algorithms: &BTreeSet<Algorithm>,
    origins: impl IntoIterator<Item = Origin>,
) -> Receipt {
    let is_said = |algorithm| algorithm == Algorithm::Sha512 || algorithms.contains(&algorithm);
    let said = known.digests.digests().iter().filter(|digest| is_said(digest.algorithm()));
    // A set: sorted, and each once.
    let origins: BTreeSet<Origin> = origins.into_iter().map(|origin| Origin { address: None, ..origin }).collect();
    Receipt {
        blob: known.blob,
        size: known.size,
        digests: Integrity::new(said.copied()).unwrap_or_else(|| known.digests.clone()),
        origins: origins.into_iter().collect(),
        fetched: None,
    }
}

fn relative(path: impl Fn(&Layout) -> std::path::PathBuf) -> String {
    let path = path(&Layout::new(Path::new("")));
    path.into_os_string().into_string().expect("the store's own names are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_seed_has_this_form() {
        let blob = BlobId::of(b"abc");
        let digests =
            [Algorithm::Sha512, Algorithm::Sha256, Algorithm::Sha1].map(|algorithm| Digest::of(algorithm, b"abc"));
        let origin = |name: &str, address: Option<&str>| Origin {
            ecosystem: "npm".to_owned(),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            address: address.map(str::to_owned),
            identity: None,
        };
        let known = Receipt {
            blob,
            size: 3,
            digests: Integrity::new(digests).unwrap(),
            origins: vec![origin("of-another-project", Some("https://registry.example/o.tgz"))],
            fetched: Some("2026-01-31T12:00:00Z".parse().unwrap()),
        };
        let origins = [origin("b", Some("https://mirror.example/b.tgz")), origin("a", None), origin("b", None)];
        let reduced = reduced(&known, &BTreeSet::from([Algorithm::Sha1]), origins);
        let (path, bytes) = receipt(&reduced);
        assert_eq!(path, "receipts/64/37b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85.json");
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"format\":1,\"blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85\",\"size\":3,\
             \"digests\":[\"sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==\",\
             \"sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\"],\
             \"origins\":[{\"ecosystem\":\"npm\",\"name\":\"a\",\"version\":\"1.0.0\"},\
             {\"ecosystem\":\"npm\",\"name\":\"b\",\"version\":\"1.0.0\"}]}\n"
        );
        assert_eq!(Receipt::from_json(&receipt(&reduced).1).unwrap(), reduced);
        assert_eq!(blob_path(&blob), "blobs/64/37b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        assert_eq!(meta(), ("meta.json".to_owned(), b"{\"format\":1,\"needs\":\"0.1.0\"}".to_vec()));
    }
}
