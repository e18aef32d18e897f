//! What the store has under another digest than the one that is asked for.

use larder_store::{
    Store,
    digest::{Algorithm, Digest, Integrity},
    look_up::Wanted,
    namesakes::Namesakes,
    receipt::Origin,
};

use crate::support::{now, origin, put, store};

fn sha1(bytes: &[u8]) -> Integrity {
    Digest::of(Algorithm::Sha1, bytes).into()
}

fn find(store: &Store, wanted: &Wanted) -> Option<larder_store::look_up::Found> {
    store.look_up(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

#[test]
fn the_same_package_is_found_by_any_digest_of_its_bytes_and_from_then_on_by_a_look_up() {
    let (_folder, store) = store();
    let found = put(&store, b"bytes");
    let by_sha1 = Wanted::Integrity(sha1(b"bytes"));
    let by_identity = Wanted::Identity("react 1.0.0 of the registry".to_owned());
    assert_eq!((find(&store, &by_sha1), find(&store, &by_identity)), (None, None));
    let asked = Origin { identity: Some("react 1.0.0 of the registry".to_owned()), ..origin("react") };
    assert_eq!(Namesakes::new(&store).find(std::slice::from_ref(&asked), &sha1(b"bytes")), Some(found));
    assert_eq!((find(&store, &by_sha1), find(&store, &by_identity)), (Some(found), Some(found)));
    let receipt = store.receipt(&found.blob).unwrap();
    assert_eq!(receipt.origins, [origin("react"), asked]);
    assert!(sha1(b"bytes").agrees_with(receipt.digests.digests()));
}

#[test]
fn neither_another_package_nor_other_bytes_are_taken() {
    let (_folder, store) = store();
    let found = put(&store, b"bytes");
    let before = store.receipt(&found.blob);
    let namesakes = Namesakes::new(&store);
    assert_eq!(namesakes.find(&[origin("preact")], &sha1(b"bytes")), None);
    let later = Origin { version: "1.0.1".to_owned(), ..origin("react") };
    assert_eq!(namesakes.find(&[later], &sha1(b"bytes")), None);
    assert_eq!(namesakes.find(&[origin("react")], &sha1(b"other")), None);
    let contradicting = sha1(b"bytes").union(&Digest::of(Algorithm::Sha512, b"other").into());
    assert_eq!(namesakes.find(&[origin("react")], &contradicting), None);
    assert_eq!(store.receipt(&found.blob), before);
}

#[test]
fn a_damaged_blob_is_not_taken() {
    let (folder, store) = store();
    let found = put(&store, b"bytes");
    let hex = found.blob.to_string();
    let path = folder.path().join("blobs").join(&hex[..2]).join(&hex[2..]);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"bytez").unwrap();
    for bytes in [&b"bytes"[..], b"bytez"] {
        assert_eq!(Namesakes::new(&store).find(&[origin("react")], &sha1(bytes)), None);
    }
}

#[test]
fn what_only_the_store_below_has_is_found_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    let found = put(&Store::open(&below).unwrap(), b"bytes");
    let store = Store::open_over(&above, &below).unwrap();
    assert_eq!(Namesakes::new(&store).find(&[origin("react")], &sha1(b"bytes")), Some(found));
    assert!(!above.join("receipts").join(&found.blob.to_string()[..2]).exists());
    drop(store);
    let store = Store::open_to_read(&below).unwrap().unwrap();
    assert_eq!(Namesakes::new(&store).find(&[origin("react")], &sha1(b"bytes")), Some(found));
    assert_eq!(find(&store, &Wanted::Integrity(sha1(b"bytes"))), None);
}
