//! The store as its users see it: what goes in comes out, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod alternate_digests;
mod damage;
mod forget;
mod golden;
mod gone;
mod import;
mod import_stream;
mod look_again;
mod lower;
mod planted;
mod racing;
mod rows;
mod strangers;
mod support;
mod truth;
mod vanishing;

use larder_store::{
    Store, StoreError,
    digest::{Algorithm, BlobId, Digest, Integrity},
    download_lock::DownloadLock,
    index::IndexState,
    key::Wanted,
    part::{Expected, SealError},
};
use support::{fetch, now, origin, put, sha512, store};

#[test]
fn a_blob_is_found_by_its_integrity_and_only_by_it() {
    let (_folder, store) = store();
    let found = put(&store, b"tarball");
    assert_eq!(found.blob, BlobId::of(b"tarball"));
    assert_eq!(std::fs::read(store.blob_path(&found.blob)).unwrap(), b"tarball");

    let wanted = [sha512(b"tarball"), sha512(b"other")];
    let lookup = store.lookup(&wanted, now()).unwrap();
    assert_eq!(lookup.find(&wanted[0]), Some(found));
    assert_eq!(lookup.find(&wanted[1]), None);
    assert_eq!(lookup.index_state(), IndexState::Sled);
}

#[test]
fn a_look_up_that_found_everything_needs_no_index_the_next_time_that_day() {
    let (folder, store) = store();
    // What is remembered carries the time of its file.
    let now = jiff::Timestamp::now();
    let found = put(&store, b"tarball");
    let wanted = [sha512(b"tarball")];
    assert_eq!(store.lookup(&wanted, now).unwrap().index_state(), IndexState::Sled);
    let again = store.lookup(&wanted, now).unwrap();
    assert_eq!((again.find(&wanted[0]), again.index_state()), (Some(found), IndexState::NotNeeded));
    let tomorrow = now + jiff::SignedDuration::from_hours(24);
    assert_eq!(store.lookup(&wanted, tomorrow).unwrap().index_state(), IndexState::Sled, "its use is noted daily");

    let file = std::fs::read_dir(folder.path().join("remembered")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(store.lookup(&wanted, now).unwrap().index_state(), IndexState::Sled, "damage is noticed");
    std::fs::remove_file(store.blob_path(&found.blob)).unwrap();
    assert_eq!(store.lookup(&wanted, now).unwrap().find(&wanted[0]), None, "and so is a blob that is gone");
}

#[test]
fn a_receipt_says_what_the_blob_is() {
    let (_folder, store) = store();
    let found = put(&store, b"tarball");
    let receipt = store.receipt(&found.blob).unwrap();
    assert_eq!(receipt.size, 7);
    assert_eq!(receipt.digests.digests(), [Digest::of(Algorithm::Sha512, b"tarball")]);
    assert_eq!(receipt.origins, [origin("react")]);
    assert!(receipt.fetched.is_some());
    assert_eq!(larder_store::receipt::Receipt::from_json(&receipt.to_json()).unwrap(), receipt);
}

#[test]
fn nothing_stays_in_the_partial_folder_once_the_index_knows_the_blob() {
    let (folder, store) = store();
    put(&store, b"tarball");
    assert_eq!(support::left_in_partial(folder.path()), 0);
}

#[test]
fn a_blob_cannot_be_written_by_mistake() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, store) = store();
    let found = put(&store, b"tarball");
    let mode = std::fs::metadata(store.blob_path(&found.blob)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o444);
}

#[test]
fn bytes_that_disagree_with_the_integrity_never_get_in() {
    let (folder, store) = store();
    let wanted = sha512(b"right");
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, vec![]).unwrap() else {
        panic!("nobody else is here")
    };
    part.begin(0, None).unwrap();
    part.write(b"wrong").unwrap();
    let Err(SealError::Mismatch { expected, actual }) = part.finish() else { panic!("wrong bytes were taken") };
    assert_eq!(expected, Expected::Integrity(Digest::of(Algorithm::Sha512, b"right").into()));
    assert_eq!(actual.digests, [Digest::of(Algorithm::Sha512, b"wrong")]);
    assert_eq!(part.kept().unwrap(), None, "their bytes are gone");

    // The same part takes the right bytes.
    part.begin(0, None).unwrap();
    part.write(b"right").unwrap();
    assert_eq!(part.finish().unwrap().blob, BlobId::of(b"right"));
    assert!(!folder.path().join("blobs").join(&BlobId::of(b"wrong").to_string()[..2]).exists());
}

#[test]
fn every_algorithm_that_is_stated_is_computed_and_must_hold() {
    let (_folder, store) = store();
    let both = |sha1: &[u8]| {
        Integrity::new([Digest::of(Algorithm::Sha1, sha1), Digest::of(Algorithm::Sha512, b"bytes")]).unwrap()
    };
    for (integrity, holds) in [(both(b"bytes"), true), (both(b"other"), false)] {
        let outcome = fetch(&store, &Wanted::Integrity(integrity.clone()), b"bytes");
        assert_eq!(outcome.is_ok(), holds, "{integrity}");
        if holds {
            let receipt = store.receipt(&BlobId::of(b"bytes")).unwrap();
            assert_eq!(receipt.digests, integrity);
            std::fs::remove_file(store.blob_path(&receipt.blob)).unwrap();
        }
    }
}

#[test]
fn of_two_digests_that_are_alternatives_either_finds_the_bytes() {
    let digests = [&b"one"[..], b"other"].map(|bytes| Digest::of(Algorithm::Sha512, bytes));
    for bytes in [&b"one"[..], b"other"] {
        let (_folder, store) = store();
        // There is an index before.
        put(&store, b"something else");
        let wanted = Wanted::Integrity(Integrity::new(digests).unwrap());
        let found = fetch(&store, &wanted, bytes).unwrap();
        let find = |store: &Store| store.lookup(std::slice::from_ref(&wanted), now()).unwrap().find(&wanted);
        assert_eq!((find(&store), find(&store)), (Some(found), Some(found)));
    }
}

#[test]
fn a_body_is_resumed_by_another_run_with_its_validator() {
    let (_folder, store) = store();
    let bytes = b"abcdef".repeat(100_000);
    let (first, rest) = bytes.split_at(400_000);
    let wanted = sha512(&bytes);
    {
        let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
        let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, vec![]).unwrap() else {
            panic!()
        };
        part.begin(0, Some("\"etag\"")).unwrap();
        part.write(first).unwrap();
    }
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let DownloadLock::Acquired(mut part) =
        DownloadLock::acquire(&lookup, &wanted, None, vec![origin("react")]).unwrap()
    else {
        panic!()
    };
    let kept = part.kept().unwrap().unwrap();
    assert_eq!((kept.len, kept.validator.as_deref(), kept.is_complete), (400_000, Some("\"etag\""), false));
    part.begin(400_000, kept.validator.as_deref()).unwrap();
    part.write(rest).unwrap();
    assert_eq!(part.finish().unwrap().blob, BlobId::of(&bytes));
}

#[test]
fn a_complete_body_that_was_not_published_needs_no_byte_more() {
    let (_folder, store) = store();
    let wanted = sha512(b"abcdef");
    {
        let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
        let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, vec![]).unwrap() else {
            panic!()
        };
        part.begin(0, None).unwrap();
        part.write(b"abcdef").unwrap();
        part.finish().unwrap();
    }
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, vec![]).unwrap() else {
        panic!()
    };
    assert!(part.kept().unwrap().unwrap().is_complete);
    assert_eq!(part.finish().unwrap().blob, BlobId::of(b"abcdef"));
}

#[test]
fn what_has_no_integrity_must_have_the_bytes_of_its_first_fetch() {
    let (_folder, store) = store();
    let wanted = Wanted::Identity("git github owner/repository#0123".to_owned());
    fetch(&store, &wanted, b"first").unwrap();
    let blob = store.lookup(std::slice::from_ref(&wanted), now()).unwrap().find(&wanted).unwrap().blob;
    std::fs::remove_file(store.blob_path(&blob)).unwrap();

    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    assert_eq!((lookup.find(&wanted), lookup.recorded(&wanted)), (None, Some(blob)));
    drop(lookup);
    let error = fetch(&store, &wanted, b"second").unwrap_err();
    assert!(matches!(error, SealError::Mismatch { expected: Expected::Recorded(recorded), .. } if recorded == blob));
    fetch(&store, &wanted, b"first").unwrap();
}

#[test]
fn an_empty_file_is_a_legal_blob() {
    let (_folder, store) = store();
    let found = put(&store, b"");
    assert_eq!((found.blob, found.size), (BlobId::of(b""), 0));
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.tex"), "all my work").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_store_of_a_newer_format_names_the_larder_that_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("meta.json"), r#"{"format": 2, "needs": "9.1.0"}"#).unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("has format 2, which needs larder 9.1.0 or newer"), "{error}");
}

#[test]
fn the_survey_counts_what_is_here() {
    let (_folder, store) = store();
    put(&store, b"one");
    put(&store, b"three");
    let survey = larder_store::stats::stats(&store).unwrap();
    assert_eq!((survey.blobs.count, survey.blobs.bytes), (2, 8));
    assert_eq!(survey.ecosystems["npm"], survey.blobs);
    assert!(survey.index_is_in_step);
    assert_eq!((survey.partial.count, survey.damaged.count, survey.without_blob), (0, 0, 0));
}

/// The format is a promise: this store was written once, and every later larder reads it.
#[test]
fn reads_the_golden_store_of_format_1() {
    let folder = tempfile::tempdir().unwrap();
    let blob = BlobId::of(b"golden\n");
    assert_eq!(blob.to_string(), "e2df0f7671bdeb6a9d3c63f556855e1bfed655adc771b853d653bf1d44cb8d66");
    let (shard, rest) = ("e2", "df0f7671bdeb6a9d3c63f556855e1bfed655adc771b853d653bf1d44cb8d66");
    for folder in [folder.path().join("blobs").join(shard), folder.path().join("receipts").join(shard)] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(folder.path().join("meta.json"), r#"{"format":1,"needs":"0.1.0"}"#).unwrap();
    std::fs::write(folder.path().join("blobs").join(shard).join(rest), "golden\n").unwrap();
    let receipt = format!(
        concat!(
            r#"{{"format":1,"blob":"{}","size":7,"digests":["{}"],"origins":[{{"ecosystem":"npm","name":"golden","#,
            r#""version":"1.0.0","address":"https://registry.example/golden/-/golden-1.0.0.tgz"}}],"fetched":"2026-01-31T12:00:00Z"}}"#,
            "\n"
        ),
        blob,
        Digest::of(Algorithm::Sha512, b"golden\n")
    );
    let receipt_path = folder.path().join("receipts").join(shard).join(format!("{rest}.json"));
    std::fs::write(&receipt_path, &receipt).unwrap();

    let store = Store::open(folder.path()).unwrap();
    let wanted = sha512(b"golden\n");
    let found = store.lookup(std::slice::from_ref(&wanted), now()).unwrap().find(&wanted).unwrap();
    assert_eq!((found.blob, found.size), (blob, 7));
    assert_eq!(String::from_utf8(store.receipt(&blob).unwrap().to_json()).unwrap(), receipt);
}
