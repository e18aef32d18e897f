//! One store over another, which is only read.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use larder_store::{
    Store, StoreError,
    digest::BlobId,
    download_lock::DownloadLock,
    key::{BlobRef, Wanted},
    link::{Linked, Linker},
    receipt::Receipt,
    stats::stats,
    verify::{Fault, FaultKind, verify, verify_blobs},
};

use crate::support::{fetch, now, origin, put, sha512};

struct Layers {
    folder: tempfile::TempDir,
}

impl Layers {
    /// A store below, as a seed is: with these bytes, without index and lock.
    fn new(below: &[&[u8]]) -> Self {
        let layers = Self { folder: tempfile::tempdir().unwrap() };
        let store = Store::open(&layers.below()).unwrap();
        for bytes in below {
            let found = put(&store, bytes);
            let receipt = Receipt { fetched: None, ..store.receipt(&found.blob).unwrap() };
            std::fs::write(layers.receipt(&found.blob), receipt.to_json()).unwrap();
        }
        drop(store);
        for name in ["partial", "index-sled-v1", "remembered"] {
            drop(std::fs::remove_dir_all(layers.below().join(name)));
        }
        for name in ["lock", "index.lock"] {
            drop(std::fs::remove_file(layers.below().join(name)));
        }
        layers
    }

    fn above(&self) -> PathBuf {
        self.folder.path().join("above")
    }

    fn below(&self) -> PathBuf {
        self.folder.path().join("below")
    }

    fn blob(&self, blob: &BlobId) -> PathBuf {
        let hex = blob.to_string();
        self.below().join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    fn receipt(&self, blob: &BlobId) -> PathBuf {
        let hex = blob.to_string();
        self.below().join("receipts").join(&hex[..2]).join(format!("{}.json", &hex[2..]))
    }

    fn open(&self) -> Store {
        Store::open_over(&self.above(), &self.below()).unwrap()
    }

    fn damage(&self, blob: &BlobId) {
        overwrite(&self.blob(blob));
    }
}

fn overwrite(path: &Path) {
    let len = std::fs::metadata(path).unwrap().len();
    std::fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    std::fs::write(path, vec![b'?'; usize::try_from(len).unwrap()]).unwrap();
}

fn find(store: &Store, wanted: &Wanted) -> Option<BlobRef> {
    store.lookup(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

/// Every file and folder, with its length and the time of its last change.
fn all(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            found.push((entry.path(), metadata.len(), metadata.modified().unwrap()));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_in_either_is_here_and_what_is_added_goes_above() {
    let layers = Layers::new(&[b"below"]);
    let before = all(&layers.below());
    let store = layers.open();
    let added = put(&store, b"above");
    let found = find(&store, &sha512(b"below")).unwrap();
    assert_eq!(find(&store, &sha512(b"above")), Some(added));
    assert_eq!((found.blob, found.size), (BlobId::of(b"below"), 5));
    assert_eq!(store.blob_path(&found.blob), layers.blob(&found.blob));
    assert!(store.blob_path(&added.blob).starts_with(layers.above()));
    assert_eq!(store.receipt(&found.blob).unwrap().origins, [origin("react")]);
    assert_eq!(find(&store, &sha512(b"neither")), None);
    let both = [sha512(b"below"), sha512(b"above")];
    let lookup = store.lookup(&both, now()).unwrap();
    assert_eq!(both.map(|wanted| lookup.find(&wanted).is_some()), [true; 2]);
    drop(store);
    assert_eq!(all(&layers.below()), before, "below nothing is written, changed or removed");
    assert_eq!(Store::open(&layers.above()).unwrap().receipt(&found.blob), None, "and nothing of it is copied");
}

#[test]
fn a_store_below_may_be_in_parts_and_what_is_damaged_in_one_is_read_in_another() {
    let (first, second) = (Layers::new(&[b"first", b"both"]), Layers::new(&[b"second", b"both"]));
    let open = || first.open().over_another(&second.below()).unwrap();
    let store = open();
    for bytes in [&b"first"[..], b"second", b"both"] {
        let found = find(&store, &sha512(bytes)).unwrap();
        assert_eq!(std::fs::read(store.blob_path(&found.blob)).unwrap(), bytes);
        assert_eq!(store.receipt(&found.blob).unwrap().origins, [origin("react")]);
    }
    assert_eq!(stats(&store).unwrap().lower.map(|below| below.count), Some(4));
    let both = BlobId::of(b"both");
    std::fs::remove_file(first.blob(&both)).unwrap();
    assert_eq!(find(&open(), &sha512(b"both")).map(|found| found.blob), Some(both));
    second.damage(&BlobId::of(b"second"));
    let faults = verify(&store, 1, &|_| {}).unwrap().faults;
    let damaged: Vec<BlobId> = faults.iter().map(|fault: &Fault| fault.blob).collect();
    assert_eq!(damaged, [BlobId::of(b"second")]);
    // What is no store adds nothing, and what is one already is no part of itself.
    let nothing = tempfile::tempdir().unwrap();
    let store = first.open().over_another(nothing.path()).unwrap().over_another(&first.below()).unwrap();
    assert_eq!(stats(&store).unwrap().lower.map(|below| below.count), Some(1));
}

#[test]
fn who_claims_what_is_lower_finds_it_here() {
    let layers = Layers::new(&[b"below"]);
    let store = layers.open();
    let wanted = sha512(b"below");
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let claimed = DownloadLock::acquire(&lookup, &wanted, None, vec![origin("react")]).unwrap();
    assert!(matches!(claimed, DownloadLock::Present(found) if found.blob == BlobId::of(b"below")), "{claimed:?}");
}

#[test]
fn a_look_up_that_was_remembered_asks_for_the_file_below_too() {
    let layers = Layers::new(&[b"below"]);
    let wanted = sha512(b"below");
    let now = jiff::Timestamp::now();
    let find = || {
        let lookup = layers.open().lookup(std::slice::from_ref(&wanted), now).unwrap();
        (lookup.find(&wanted).is_some(), lookup.index_state())
    };
    assert!(find().0);
    assert_eq!(find(), (true, larder_store::index::IndexState::NotNeeded));
    std::fs::remove_file(layers.blob(&BlobId::of(b"below"))).unwrap();
    assert!(!find().0);
}

#[test]
fn a_damaged_blob_below_is_found_when_read_and_fetched_into_the_store_above() {
    let layers = Layers::new(&[b"below", b"sound"]);
    let blob = BlobId::of(b"below");
    layers.damage(&blob);
    let store = layers.open();
    let wanted = sha512(b"below");
    let found = find(&store, &wanted).expect("its length is right, and its bytes were not read");
    let faults = verify_blobs(&store, &[found, find(&store, &sha512(b"sound")).unwrap()], 2);
    let [Fault { kind: FaultKind::Lower { path, error: StoreError::DamagedBlob { actual, .. } }, .. }] = &faults[..]
    else {
        panic!("{faults:?}")
    };
    assert_eq!((path, actual), (&layers.blob(&blob), &BlobId::of(b"?????")));
    assert_eq!(find(&store, &wanted), None, "it counts as absent");
    assert_eq!(put(&store, b"below").blob, blob);
    assert_eq!(find(&store, &wanted), Some(found));
    assert_eq!(std::fs::read(store.blob_path(&blob)).unwrap(), b"below");
    assert!(verify_blobs(&store, &[found], 1).is_empty());
    drop(store);
    let again = layers.open();
    assert_eq!(std::fs::read(again.blob_path(&blob)).unwrap(), b"below", "what is above goes before what is below");
}

#[test]
fn a_damaged_blob_above_is_set_aside_and_the_sound_one_below_is_used() {
    let layers = Layers::new(&[b"both"]);
    let above = Store::open(&layers.above()).unwrap();
    let found = put(&above, b"both");
    overwrite(&above.blob_path(&found.blob));
    drop(above);
    let store = layers.open();
    let faults = verify_blobs(&store, &[found], 1);
    assert!(matches!(&faults[..], [Fault { kind: FaultKind::Damaged { set_aside: Some(_), .. }, .. }]), "{faults:?}");
    assert_eq!(find(&store, &sha512(b"both")), Some(found));
    assert_eq!(store.blob_path(&found.blob), layers.blob(&found.blob));
    assert!(verify_blobs(&store, &[found], 1).is_empty());
}

#[test]
fn damage_in_both_leaves_nothing() {
    let layers = Layers::new(&[b"both"]);
    let above = Store::open(&layers.above()).unwrap();
    let found = put(&above, b"both");
    overwrite(&above.blob_path(&found.blob));
    layers.damage(&found.blob);
    drop(above);
    let store = layers.open();
    assert_eq!(verify_blobs(&store, &[found], 1).len(), 1);
    assert_eq!(find(&store, &sha512(b"both")), None);
}

#[test]
fn a_truncated_blob_and_one_without_a_receipt_are_not_here() {
    let layers = Layers::new(&[b"short", b"unknown"]);
    let short = layers.blob(&BlobId::of(b"short"));
    std::fs::remove_file(&short).unwrap();
    std::fs::write(&short, b"sho").unwrap();
    std::fs::write(layers.receipt(&BlobId::of(b"unknown")), b"{}").unwrap();
    let store = layers.open();
    assert_eq!([b"short".as_slice(), b"unknown"].map(|bytes| find(&store, &sha512(bytes))), [None, None]);
}

#[test]
fn what_was_recorded_below_without_a_digest_cannot_come_back_as_other_bytes() {
    let layers = Layers::new(&[]);
    let wanted = Wanted::Identity("npm react@1.0.0".to_owned());
    let below = Store::open(&layers.below()).unwrap();
    let found = fetch(&below, &wanted, b"first").unwrap();
    drop(below);
    std::fs::remove_file(layers.blob(&found.blob)).unwrap();
    let store = layers.open();
    assert_eq!(store.lookup(std::slice::from_ref(&wanted), now()).unwrap().recorded(&wanted), Some(found.blob));
    fetch(&store, &wanted, b"other").unwrap_err();
    assert_eq!(fetch(&store, &wanted, b"first").unwrap(), found);
}

#[test]
fn the_store_below_is_all_there_is_where_none_can_be_made() {
    let layers = Layers::new(&[b"below"]);
    let wanted = sha512(b"below");
    let locked = layers.folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, Permissions::from_mode(0o555)).unwrap();
    // Root can write everywhere: for it, the same is shown with a store that is opened to be read.
    let store = match Store::open_over(&locked.join("store"), &layers.below()).unwrap() {
        store if store.root() == layers.below() => store,
        _ => Store::open_to_read(&layers.below()).unwrap().unwrap(),
    };
    assert!(!store.is_writable());
    assert!(find(&store, &wanted).is_some());
    let other = sha512(b"other");
    let lookup = store.lookup(std::slice::from_ref(&other), now()).unwrap();
    assert!(matches!(DownloadLock::acquire(&lookup, &other, None, vec![]), Err(StoreError::ReadOnly { .. })));
    drop((lookup, store));
    let present = Store::open_over_if_present(&layers.folder.path().join("none"), &layers.below()).unwrap().unwrap();
    assert!(find(&present, &wanted).is_some() && !present.is_writable());
    let itself = Store::open_over(&layers.below(), &layers.below()).unwrap();
    assert!(!itself.is_writable() && itself.lower_root().is_none());
}

#[test]
fn what_is_lower_and_no_store_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    assert!(Store::open_over_if_present(&above, &below).unwrap().is_none());
    assert_eq!(Store::open_over(&above, &below).unwrap().lower_root(), None);
    std::fs::write(below.join("meta.json"), b"{\"format\": 99, \"needs\": \"7.0.0\"}").unwrap();
    let error = Store::open_over(&above, &below).unwrap_err();
    assert!(matches!(&error, StoreError::NewerFormat { root, needs, .. } if *root == below && needs == "7.0.0"));
}

#[test]
fn a_survey_and_a_verification_know_both() {
    let layers = Layers::new(&[b"below", b"both"]);
    let store = layers.open();
    put(&Store::open(&layers.above()).unwrap(), b"both");
    put(&store, b"above");
    let found = stats(&store).unwrap();
    assert_eq!((found.blobs.count, found.lower.unwrap().count), (2, 2));
    assert!(found.index_is_in_step);
    let verified = verify(&store, 2, &|_| ()).unwrap();
    assert_eq!((verified.checked.count, verified.faults.len(), verified.index_is_in_step), (3, 0, true));
    assert_eq!(verified.without_receipt, []);
    layers.damage(&BlobId::of(b"below"));
    // Not read: the one above goes before it.
    layers.damage(&BlobId::of(b"both"));
    let verified = verify(&layers.open(), 2, &|_| ()).unwrap();
    let faulty: Vec<BlobId> = verified.faults.iter().map(|fault| fault.blob).collect();
    assert_eq!(faulty, [BlobId::of(b"below")]);
    assert_eq!(verified.faults[0].receipt.as_ref().unwrap().origins, [origin("react")]);
}

#[test]
fn what_is_lower_is_linked_or_copied_with_the_mode_of_a_blob() {
    let layers = Layers::new(&[b"below"]);
    let blob = BlobId::of(b"below");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for (stored, may_link) in [(0o444, true), (0o600, false), (0o755, false)] {
        std::fs::set_permissions(layers.blob(&blob), Permissions::from_mode(stored)).unwrap();
        let target = layers.folder.path().join(format!("{stored:o}"));
        let placed = Linker::new(&layers.open()).link(&blob, &target).unwrap();
        assert_eq!((mode(&target), std::fs::read(&target).unwrap()), (0o444, b"below".to_vec()));
        assert!(may_link || placed != Linked::HardLink, "{stored:o}: {placed:?}");
    }
}

#[test]
fn a_seed_can_become_a_store() {
    let layers = Layers::new(&[b"below"]);
    assert!(!layers.below().join("partial").exists());
    let store = Store::open(&layers.below()).unwrap();
    let added = put(&store, b"added");
    assert_eq!(find(&store, &sha512(b"added")), Some(added));
    assert!(find(&store, &sha512(b"below")).is_some());
}
