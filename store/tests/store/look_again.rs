//! A look-up that is kept by a program that runs for long: what others publish is found, what is gone is not, and what is back is.

use std::{fs, sync::mpsc};

use larder_store::{
    Store,
    commit::Committer,
    digest::BlobId,
    key::{BlobRef, Wanted},
};

use crate::support::{begun, now, origin, put, sha512, store};

/// Publishes these bytes without a word to the index: the journal has the record.
fn publish(store: &Store, bytes: &[u8]) -> (Committer, BlobRef) {
    let wanted = sha512(bytes);
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let mut part = begun(&lookup, &wanted, vec![origin("a")]);
    part.write(bytes).unwrap();
    let receipt = part.finish().unwrap();
    let committer = Committer::start(&lookup, now());
    let (sender, receiver) = mpsc::channel();
    committer.submit_then(part.seal(receipt), move |outcome| sender.send(outcome.unwrap()).unwrap());
    committer.hurry();
    (committer, receiver.recv().unwrap())
}

fn blobs(found: Vec<Option<BlobRef>>) -> Vec<Option<BlobId>> {
    found.into_iter().map(|found| found.map(|found| found.blob)).collect()
}

#[test]
fn a_file_whose_record_was_read_before_its_blob_had_its_name_is_found_once_it_has() {
    let (_folder, store) = store();
    let wanted: [Wanted; 2] = [sha512(b"late"), sha512(b"never")];
    let lookup = store.lookup(&wanted, now()).unwrap();
    let (committer, found) = publish(&store, b"late");
    // As another process sees it between the record and the name.
    let (path, aside) = (store.blob_path(&found.blob), store.root().join("aside"));
    fs::rename(&path, &aside).unwrap();
    assert_eq!(blobs(lookup.look_again(&wanted).unwrap()), [None, None]);
    fs::rename(&aside, &path).unwrap();
    assert_eq!(blobs(lookup.look_again(&wanted).unwrap()), [Some(found.blob), None]);
    committer.finish();
    assert_eq!(blobs(lookup.look_again(&wanted).unwrap()), [Some(found.blob), None]);
}

#[test]
fn a_blob_that_was_gone_for_a_while_is_found_again() {
    let (_folder, store) = store();
    let found = put(&store, b"there");
    let wanted = [sha512(b"there")];
    let lookup = store.lookup(&wanted, now()).unwrap();
    let (path, aside) = (store.blob_path(&found.blob), store.root().join("aside"));
    fs::rename(&path, &aside).unwrap();
    assert_eq!(blobs(lookup.look_again(&wanted).unwrap()), [None]);
    fs::rename(&aside, &path).unwrap();
    assert_eq!(blobs(lookup.look_again(&wanted).unwrap()), [Some(found.blob)]);
}
