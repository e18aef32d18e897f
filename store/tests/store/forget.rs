//! What is forgotten is as if it had never been there.

use std::fs;

use larder_store::{
    Store,
    digest::{Algorithm, BlobId, Digest, Integrity},
    forget::{Forgotten, Named, forget},
    key::{BlobRef, Wanted},
    verify::verify,
};

use crate::support::{fetch, left_in_partial, now, put, sha512, store};

fn find(store: &Store, wanted: &Wanted) -> Option<BlobRef> {
    store.lookup(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

fn dropped(folder: &std::path::Path, named: &[Named]) -> Forgotten {
    forget(folder, named, now()).unwrap().unwrap()
}

fn package(name: &str) -> Named {
    Named::Package { name: name.to_owned(), version: None }
}

#[test]
fn an_identity_is_open_again_and_takes_other_bytes() {
    let (folder, opened) = store();
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let first = fetch(&opened, &commit, b"first").unwrap();
    let bystander = put(&opened, b"bystander");
    // A look-up that found it is remembered.
    assert_eq!(find(&opened, &commit), Some(first));
    drop(opened);
    let forgotten = dropped(folder.path(), &[Named::Blob(first.blob)]);
    assert_eq!((forgotten.receipts.len(), forgotten.bytes, forgotten.unknown), (1, 5, vec![]));
    let opened = Store::open(folder.path()).unwrap();
    assert_eq!((find(&opened, &commit), opened.receipt(&first.blob)), (None, None));
    assert!(!opened.blob_path(&first.blob).exists());
    assert_eq!(find(&opened, &sha512(b"bystander")), Some(bystander));
    let verification = verify(&opened, 1, &|_| ()).unwrap();
    assert!(verification.faults.is_empty() && verification.index_is_in_step && verification.without_receipt.is_empty());
    // The first bytes come back under another key, and are not what the commit is.
    put(&opened, b"first");
    let second = fetch(&opened, &commit, b"second").unwrap();
    assert_eq!(find(&opened, &commit), Some(second));
}

#[test]
fn a_lost_blob_and_a_part_that_is_complete_are_forgotten_too() {
    let (folder, opened) = store();
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let first = fetch(&opened, &commit, b"first").unwrap();
    fs::remove_file(opened.blob_path(&first.blob)).unwrap();
    // A run that was killed left the file whole in `partial/`.
    let key = blake3::hash(commit.keys()[0].as_bytes()).to_hex();
    fs::write(folder.path().join(format!("partial/{key}.part")), b"first").unwrap();
    let state = format!("{{\"complete\":\"{}\"}}", BlobId::of(b"first"));
    fs::write(folder.path().join(format!("partial/{key}.json")), state).unwrap();
    drop(opened);
    let forgotten = dropped(folder.path(), &[package("react")]);
    assert_eq!((forgotten.receipts.len(), forgotten.bytes), (1, 0));
    assert_eq!(left_in_partial(folder.path()), 0);
    let opened = Store::open(folder.path()).unwrap();
    assert_eq!(opened.lookup(std::slice::from_ref(&commit), now()).unwrap().recorded(&commit), None);
}

#[test]
fn what_two_blobs_are_found_by_leads_to_the_one_that_stays() {
    let (folder, opened) = store();
    // Two receipts that state one digest, as a store may have that was written by others.
    let (one, two) = (put(&opened, b"one"), put(&opened, b"two"));
    let shared = Digest::of(Algorithm::Sha1, b"two");
    for found in [one, two] {
        let mut receipt = opened.receipt(&found.blob).unwrap();
        receipt.digests = Integrity::new([receipt.digests.digests()[0], shared]).unwrap();
        let hex = found.blob.to_string();
        fs::write(folder.path().join(format!("receipts/{}/{}.json", &hex[..2], &hex[2..])), receipt.to_json()).unwrap();
    }
    larder_store::verify::repair(&opened, &[]).unwrap();
    drop(opened);
    assert_eq!(dropped(folder.path(), &[Named::Blob(two.blob)]).receipts.len(), 1);
    let opened = Store::open(folder.path()).unwrap();
    assert_eq!(find(&opened, &Wanted::Integrity(shared.into())), Some(one));
    assert!(verify(&opened, 1, &|_| ()).unwrap().index_is_in_step);
}

#[test]
fn what_names_nothing_is_said_and_a_folder_without_a_store_stays_one() {
    let (folder, opened) = store();
    put(&opened, b"one");
    drop(opened);
    let version = Named::Package { name: "react".to_owned(), version: Some("2.0.0".to_owned()) };
    let digest = Named::Digest(Digest::of(Algorithm::Sha512, b"one"));
    let forgotten = dropped(folder.path(), &[version, package("none"), digest]);
    assert_eq!((forgotten.receipts.len(), forgotten.unknown), (1, vec![0, 1]));
    let empty = tempfile::tempdir().unwrap();
    assert!(forget(&empty.path().join("none"), &[package("react")], now()).unwrap().is_none());
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn what_a_kill_left_without_a_receipt_does_not_come_back() {
    let (folder, opened) = store();
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let first = fetch(&opened, &commit, b"first").unwrap();
    let hex = first.blob.to_string();
    let key = blake3::hash(commit.keys()[0].as_bytes());
    drop(opened);
    // Killed after the blob had its name and before its receipt had; and another time before either, with the part whole.
    fs::remove_file(folder.path().join(format!("receipts/{}/{}.json", &hex[..2], &hex[2..]))).unwrap();
    fs::remove_dir_all(folder.path().join("index-sled-v1")).unwrap();
    fs::write(folder.path().join("partial/journal"), [*key.as_bytes(), *blake3::hash(b"first").as_bytes()].concat())
        .unwrap();
    fs::write(folder.path().join(format!("partial/{key}.part")), b"first").unwrap();
    let state = format!("{{\"complete\":\"{hex}\"}}");
    fs::write(folder.path().join(format!("partial/{key}.json")), state).unwrap();
    assert_eq!(dropped(folder.path(), &[package("react")]).receipts.len(), 0, "it has no name any more");
    assert_eq!(left_in_partial(folder.path()), 0);
    let opened = Store::open(folder.path()).unwrap();
    let second = fetch(&opened, &commit, b"second").unwrap();
    assert_eq!(find(&opened, &commit), Some(second));
}
