//! The format is a promise: `tests/fixtures/format-1` was written by larder 0.1.0, and every later larder reads all of it, the derived parts too.

use std::{fs, path::Path, time::SystemTime};

use larder_store::{
    Store,
    digest::{Algorithm, BlobId, Digest},
    download_lock::DownloadLock,
    index::IndexState,
    key::{BlobRef, Key, Wanted},
    verify::verify,
};

const COMMIT: &str = "git github owner/repository#0123456789012345678901234567890123456789";
/// A file that came whole and was not published.
const COMPLETE: &str = "npm part@1.0.0 https://registry.example/part/-/part-1.0.0.tgz";

/// What the index knows, with its bytes and under which key a lockfile asks for it.
fn indexed() -> Vec<(Vec<u8>, Wanted)> {
    let of_digest = |algorithm: Algorithm, name: &str| {
        let bytes = format!("golden {name}\n").into_bytes();
        let wanted = Wanted::Integrity(Digest::of(algorithm, &bytes).into());
        (bytes, wanted)
    };
    vec![
        of_digest(Algorithm::Sha1, "sha1"),
        of_digest(Algorithm::Sha256, "sha256"),
        of_digest(Algorithm::Sha384, "sha384"),
        of_digest(Algorithm::Sha512, "sha512"),
        (b"golden identity\n".to_vec(), Wanted::Identity(COMMIT.to_owned())),
    ]
}

fn blob_ref(bytes: &[u8]) -> BlobRef {
    BlobRef { blob: BlobId::of(bytes), size: bytes.len() as u64 }
}

fn copy_of_fixture() -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            if path.is_dir() {
                copy(&path, &to);
            } else {
                fs::copy(&path, &to).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1"), folder.path());
    folder
}

#[test]
fn its_index_is_read_as_it_was_written() {
    let folder = copy_of_fixture();
    let store = Store::open(folder.path()).unwrap();
    let (keys, state) = store.with_index(|index| index.keys()).unwrap();
    assert_eq!(state, IndexState::Sled, "another version byte would make it anew");
    let mut expected = Vec::new();
    for (bytes, wanted) in indexed() {
        let blob = BlobId::of(&bytes);
        expected.push((Key::of_digest(&Digest::of(Algorithm::Sha512, &bytes)), blob));
        expected.extend(wanted.keys().into_iter().map(|key| (key, blob)));
    }
    expected.sort();
    expected.dedup();
    assert_eq!(keys, expected);
    let tags: Vec<u8> = keys.iter().map(|(key, _)| key.as_bytes()[0]).collect();
    assert_eq!(tags, [0, 1, 2, 3, 4, 4, 4, 4, 4], "the first byte of each kind of key");
    let (entries, _) = store.with_index(|index| index.entries()).unwrap();
    let mut sizes: Vec<_> = indexed().iter().map(|(bytes, _)| (BlobId::of(bytes), bytes.len() as u64)).collect();
    sizes.sort();
    assert_eq!(entries.iter().map(|(blob, entry)| (*blob, entry.size)).collect::<Vec<_>>(), sizes);
}

#[test]
fn what_its_journal_names_is_found_and_moved_into_the_index() {
    let folder = copy_of_fixture();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(fs::metadata(folder.path().join("partial/journal")).unwrap().len(), 64);
    let bytes = b"golden journal\n";
    let journaled = Wanted::Integrity(Digest::of(Algorithm::Sha512, bytes).into());
    let mut all: Vec<Wanted> = indexed().into_iter().map(|(_, wanted)| wanted).collect();
    all.push(journaled.clone());
    let lookup = store.lookup(&all, jiff::Timestamp::now()).unwrap();
    assert_eq!((lookup.find(&journaled), lookup.index_state()), (Some(blob_ref(bytes)), IndexState::Sled));
    for (bytes, wanted) in indexed() {
        assert_eq!(lookup.find(&wanted), Some(blob_ref(&bytes)), "{wanted:?}");
    }
    assert_eq!(fs::metadata(folder.path().join("partial/journal")).unwrap().len(), 0);
    let verification = verify(&store, 1, &|_| {}).unwrap();
    assert!(verification.faults.is_empty() && verification.strangers.is_empty(), "{verification:?}");
    assert!(verification.without_receipt.is_empty() && verification.index_is_in_step, "{verification:?}");
}

#[test]
fn its_look_up_cache_counts_on_its_day() {
    let folder = copy_of_fixture();
    let store = Store::open(folder.path()).unwrap();
    let entry = fs::read_dir(folder.path().join("remembered")).unwrap().next().unwrap().unwrap().path();
    fs::File::options().write(true).open(entry).unwrap().set_modified(SystemTime::now()).unwrap();
    let all: Vec<Wanted> = indexed().into_iter().map(|(_, wanted)| wanted).collect();
    let lookup = store.lookup(&all, jiff::Timestamp::now()).unwrap();
    assert_eq!(lookup.index_state(), IndexState::NotNeeded);
    for (bytes, wanted) in indexed() {
        assert_eq!(lookup.find(&wanted), Some(blob_ref(&bytes)), "{wanted:?}");
    }
}

#[test]
fn its_complete_part_needs_no_byte_more_and_its_note_counts() {
    let folder = copy_of_fixture();
    let store = Store::open(folder.path()).unwrap();
    let complete = Wanted::Identity(COMPLETE.to_owned());
    let lookup = store.lookup(std::slice::from_ref(&complete), jiff::Timestamp::now()).unwrap();
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &complete, None, vec![]).unwrap() else {
        panic!("it was not published")
    };
    assert!(part.kept().unwrap().unwrap().is_complete);
    assert_eq!(part.finish().unwrap().blob, BlobId::of(b"golden part\n"));
    let gone = Wanted::Integrity(Digest::of(Algorithm::Sha512, b"golden gone\n").into());
    assert!(store.is_noted_gone(&gone, "https://registry.example/gone/-/gone-1.0.0.tgz"));
}

#[test]
fn without_what_is_derived_the_receipts_say_the_same() {
    let folder = copy_of_fixture();
    for derived in ["index-sled-v1", "remembered", "partial"] {
        fs::remove_dir_all(folder.path().join(derived)).unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    let (keys, state) = store.with_index(|index| index.keys()).unwrap();
    assert_eq!((keys.len(), state), (10, IndexState::Rebuilt("there was none".to_owned())));
}
