//! What the store has under another digest than the one that is asked for.

use larder_store::{
    Store,
    digest::{Algorithm, Digest, Integrity},
    download_lock::DownloadLock,
    key::Wanted,
    receipt::Origin,
};

use crate::support::{now, origin, put, store};

fn sha1(bytes: &[u8]) -> Integrity {
    Digest::of(Algorithm::Sha1, bytes).into()
}

fn find(store: &Store, wanted: &Wanted) -> Option<larder_store::key::BlobRef> {
    store.lookup(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

#[test]
fn the_same_package_is_found_by_any_digest_of_its_bytes_and_from_then_on_by_a_look_up() {
    let (_folder, store) = store();
    let found = put(&store, b"bytes");
    let by_sha1 = Wanted::Integrity(sha1(b"bytes"));
    let by_identity = Wanted::Identity("react 1.0.0 of the registry".to_owned());
    assert_eq!((find(&store, &by_sha1), find(&store, &by_identity)), (None, None));
    let asked = Origin { identity: Some("react 1.0.0 of the registry".to_owned()), ..origin("react") };
    assert_eq!(store.find_by_alternate_digest(std::slice::from_ref(&asked), &sha1(b"bytes")), Some(found));
    assert_eq!((find(&store, &by_sha1), find(&store, &by_identity)), (Some(found), Some(found)));
    let receipt = store.receipt(&found.blob).unwrap();
    assert_eq!(receipt.origins, [origin("react"), asked.clone()]);
    assert!(sha1(b"bytes").agrees_with(receipt.digests.digests()));
}

#[test]
fn where_the_registry_says_what_the_bytes_are_a_claim_finds_them() {
    let (_folder, store) = store();
    let found = put(&store, b"bytes");
    let wanted = Wanted::Identity("react 1.0.0 of the registry".to_owned());
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let asked = Origin { identity: Some("react 1.0.0 of the registry".to_owned()), ..origin("react") };
    let claim = |bytes: &[u8]| {
        let stated: Integrity = Digest::of(Algorithm::Sha512, bytes).into();
        DownloadLock::acquire(&lookup, &wanted, Some(&stated), vec![asked.clone()]).unwrap()
    };
    assert!(matches!(claim(b"other"), DownloadLock::Acquired(_)));
    assert!(matches!(claim(b"bytes"), DownloadLock::Present(here) if here == found));
    assert_eq!(find(&store, &wanted), Some(found));
}

#[test]
fn neither_another_package_nor_other_bytes_are_taken() {
    let (_folder, store) = store();
    let found = put(&store, b"bytes");
    let before = store.receipt(&found.blob);
    assert_eq!(store.find_by_alternate_digest(&[origin("preact")], &sha1(b"bytes")), None);
    let later = Origin { version: "1.0.1".to_owned(), ..origin("react") };
    assert_eq!(store.find_by_alternate_digest(&[later], &sha1(b"bytes")), None);
    assert_eq!(store.find_by_alternate_digest(&[origin("react")], &sha1(b"other")), None);
    let contradicting = sha1(b"bytes").union(&Digest::of(Algorithm::Sha512, b"other").into());
    assert_eq!(store.find_by_alternate_digest(&[origin("react")], &contradicting), None);
    assert_eq!(store.receipt(&found.blob), before);
}

#[test]
fn a_damaged_blob_whose_digest_has_to_be_computed_is_not_taken() {
    let (folder, store) = store();
    let found = put(&store, b"bytes");
    let hex = found.blob.to_string();
    let path = folder.path().join("blobs").join(&hex[..2]).join(&hex[2..]);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"bytez").unwrap();
    for bytes in [&b"bytes"[..], b"bytez"] {
        assert_eq!(store.find_by_alternate_digest(&[origin("react")], &sha1(bytes)), None);
    }
}

#[test]
fn what_cannot_be_noted_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    put(&Store::open(&below).unwrap(), b"bytes");
    for store in [Store::open_over(&above, &below).unwrap(), Store::open_to_read(&below).unwrap().unwrap()] {
        assert_eq!(store.find_by_alternate_digest(&[origin("react")], &sha1(b"bytes")), None);
    }
}

#[test]
fn a_key_that_a_kill_kept_out_of_the_receipt_is_not_taken_for_known() {
    let (folder, store) = store();
    let found = put(&store, b"bytes");
    let receipt = folder.path().join("receipts").join(&found.blob.to_string()[..2]);
    let receipt = receipt.join(format!("{}.json", &found.blob.to_string()[2..]));
    let before = std::fs::read(&receipt).unwrap();
    assert_eq!(store.find_by_alternate_digest(&[origin("react")], &sha1(b"bytes")), Some(found));
    std::fs::write(&receipt, before).unwrap();
    let by_sha1 = Wanted::Integrity(sha1(b"bytes"));
    assert_eq!(find(&store, &by_sha1), None);
    assert_eq!(store.find_by_alternate_digest(&[origin("react")], &sha1(b"bytes")), Some(found));
    assert_eq!(find(&store, &by_sha1), Some(found));
}

#[test]
fn what_was_fetched_first_without_a_digest_counts_ever_after() {
    let (_folder, store) = store();
    put(&store, b"bytes");
    let identity = "react 1.0.0 of the registry".to_owned();
    let wanted = Wanted::Identity(identity.clone());
    let first = crate::support::fetch(&store, &wanted, b"first").unwrap();
    std::fs::remove_file(store.blob_path(&first.blob)).unwrap();
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let asked = Origin { identity: Some(identity), ..origin("react") };
    let stated: Integrity = Digest::of(Algorithm::Sha512, b"bytes").into();
    let claimed = DownloadLock::acquire(&lookup, &wanted, Some(&stated), vec![asked]).unwrap();
    assert!(matches!(claimed, DownloadLock::Acquired(_)), "{claimed:?}");
}
