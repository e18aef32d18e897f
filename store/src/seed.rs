//! The form of a seed: a store's files that are handed on, by their paths in it.
//!
//! It is `meta.json`, blobs, notes of optional packages that are gone, rows that were recorded beside the lockfiles, and receipts that state only the keys that the lockfiles use: neither addresses, nor times, nor what other projects made known
//! of the same bytes. So the same wishes give the same seed, on every machine.

use std::{collections::BTreeSet, path::Path};

use crate::{
    digest::{Algorithm, BlobId, Integrity},
    gone,
    key::Wanted,
    layout::{Layout, is_hex, named_blob},
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

/// What a file of a seed is, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// The file that makes a folder a store: [`check_meta`].
    Meta,
    /// A note that nothing is at an address, by its name; an empty file: [`Store::keep_gone`](crate::Store::keep_gone).
    Gone(String),
    /// What was recorded beside this lockfile: [`rows_in`].
    Rows(BlobId),
    /// The receipt of this blob.
    Receipt(BlobId),
    /// This blob.
    Blob(BlobId),
}

/// What the file of a seed at this path is; `None` if a seed has no such file. A path has one form: nothing leads out of a seed.
pub fn member(path: &str) -> Option<Member> {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let (member, own_path) = match folder {
        "" => (Member::Meta, relative(Layout::meta)),
        "gone" if is_hex(name.as_bytes(), 64) => (Member::Gone(name.to_owned()), relative(|layout| layout.gone(name))),
        "rows" => {
            let lockfile = name.parse().ok()?;
            (Member::Rows(lockfile), relative(|layout| layout.rows(&lockfile)))
        }
        "receipts" => {
            let blob = named_blob(Path::new(name))?;
            (Member::Receipt(blob), relative(|layout| layout.receipt(&blob)))
        }
        "blobs" => {
            let blob = named_blob(Path::new(name))?;
            (Member::Blob(blob), blob_path(&blob))
        }
        _ => return None,
    };
    (own_path == path).then_some(member)
}

/// Why what says that a seed is one does not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitMeta {
    /// It cannot be read.
    #[error("its meta.json is damaged")]
    Damaged(#[source] serde_json::Error),
    /// A later larder made it.
    #[error("it has format {format}, which larder {needs} and later can read")]
    Newer {
        /// Its format.
        format: u32,
        /// The oldest larder that reads it.
        needs: String,
    },
}

/// Reads the bytes of a seed's `meta.json`.
pub fn check_meta(bytes: &[u8]) -> Result<(), UnfitMeta> {
    meta::parse(bytes).map_err(UnfitMeta::Damaged)?.map_err(|(format, needs)| UnfitMeta::Newer { format, needs })
}

/// What was recorded beside a lockfile, in the bytes of a seed's file; `None` if they are damaged.
pub fn rows_in<'a>(lockfile: &BlobId, bytes: &'a [u8]) -> Option<&'a [u8]> {
    rows::checked(lockfile, bytes)
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
    fn a_file_of_a_seed_is_known_by_its_one_path() {
        let blob = BlobId::of(b"abc");
        let receipt = Receipt {
            blob,
            size: 3,
            digests: Digest::of(Algorithm::Sha512, b"abc").into(),
            origins: Vec::new(),
            fetched: None,
        };
        let wanted = Wanted::Integrity(receipt.digests.clone());
        let gone = super::gone(&wanted, "https://registry.example/").0;
        assert_eq!(member(&meta().0), Some(Member::Meta));
        assert_eq!(member(&gone), Some(Member::Gone(gone.replace("gone/", ""))));
        assert_eq!(member(&rows(&blob, b"rows").0), Some(Member::Rows(blob)));
        assert_eq!(member(&super::receipt(&receipt).0), Some(Member::Receipt(blob)));
        assert_eq!(member(&blob_path(&blob)), Some(Member::Blob(blob)));
        assert_eq!(rows_in(&blob, &rows(&blob, b"rows").1), Some(&b"rows"[..]));
        assert_eq!(rows_in(&BlobId::of(b"x"), &rows(&blob, b"rows").1), None);
        let hex = blob.to_string();
        let others = [
            "",
            "meta",
            "meta.json/",
            "/meta.json",
            "./meta.json",
            "blobs",
            "blobs/",
            "lock",
            "index-sled-v1/db",
            "partial/journal",
            "gone/../meta.json",
            "gone/abc",
            "rows/abc",
            "blobs/../meta.json",
            "../meta.json",
            &format!("blobs/{hex}"),
            &format!("blobs//{}/{}", &hex[..2], &hex[2..]),
            &format!("blobs/{}/{}.json", &hex[..2], &hex[2..]),
            &format!("blobs/{}/{}/x", &hex[..2], &hex[2..]),
            &format!("blobs/{}/{}", &hex[..2], hex[2..].to_uppercase()),
            &format!("receipts/{}/{}", &hex[..2], &hex[2..]),
            &format!("gone/{}", hex.to_uppercase()),
            &format!("store/{}", blob_path(&blob)),
        ];
        for other in others {
            assert_eq!(member(other), None, "{other}");
        }
    }

    #[test]
    fn what_says_that_a_seed_is_one_is_read_as_in_a_store() {
        check_meta(&meta().1).unwrap();
        assert!(matches!(check_meta(b"{}"), Err(UnfitMeta::Damaged(_))));
        assert!(matches!(check_meta(b""), Err(UnfitMeta::Damaged(_))));
        let newer = check_meta(br#"{"format": 2, "needs": "3.1.4"}"#).unwrap_err();
        assert_eq!(newer.to_string(), "it has format 2, which larder 3.1.4 and later can read");
    }

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
