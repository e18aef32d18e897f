//! A fixture for each kind of damage.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use larder_store::{Store, download_lock::DownloadLock, index::IndexState, key::Wanted, verify::FaultKind};

use crate::support::{fetch, now, put, sha512, store};

fn is_found(store: &Store, wanted: &Wanted) -> (bool, IndexState) {
    // What is remembered would need no index.
    let _ = fs::remove_dir_all(store.root().join("remembered"));
    let lookup = store.lookup(std::slice::from_ref(wanted), now()).unwrap();
    (lookup.find(wanted).is_some(), lookup.index_state())
}

fn make_writable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

#[test]
fn a_deleted_index_is_made_again() {
    let (folder, store) = store();
    put(&store, b"tarball");
    fs::remove_dir_all(folder.path().join("index-sled-v1")).unwrap();
    assert_eq!(is_found(&store, &sha512(b"tarball")), (true, IndexState::Rebuilt("there was none".to_owned())));
    assert_eq!(is_found(&store, &sha512(b"tarball")), (true, IndexState::Sled));
}

#[test]
fn an_index_that_does_not_open_is_set_aside_and_made_again() {
    for damage in ["garbage", ""] {
        let (folder, store) = store();
        put(&store, b"tarball");
        let index = folder.path().join("index-sled-v1");
        fs::write(index.join("db"), damage).unwrap();
        fs::write(index.join("conf"), damage).unwrap();
        let (found, state) = is_found(&store, &sha512(b"tarball"));
        assert!(found, "{damage:?}");
        assert!(matches!(state, IndexState::Rebuilt(_)), "{damage:?}: {state:?}");
        assert!(folder.path().join("index-sled-v1.broken").is_dir());
        assert_eq!(is_found(&store, &sha512(b"tarball")), (true, IndexState::Sled));
    }
}

#[test]
fn an_index_damaged_anywhere_never_hides_or_invents_a_blob() {
    let (folder, store) = store();
    for number in 0..200_u32 {
        put_without_look_up(&store, &number.to_le_bytes());
    }
    let index = folder.path().join("index-sled-v1");
    let whole = fs::read(index.join("db")).unwrap();
    // sled 0.34 finds damage when it reads a record, not when it opens: each place shows in its own way.
    for place in (0..whole.len()).step_by(whole.len() / 24) {
        let mut damaged = whole.clone();
        let end = (place + 4096).min(damaged.len());
        damaged[place..end].fill(0);
        fs::write(index.join("db"), damaged).unwrap();
        let _ = fs::remove_dir_all(store.root().join("remembered"));
        let wanted: Vec<Wanted> = (0..200_u32).map(|number| sha512(&number.to_le_bytes())).collect();
        let lookup = store.lookup(&wanted, now()).unwrap();
        let found = wanted.iter().filter(|wanted| lookup.find(wanted).is_some()).count();
        assert_eq!(found, 200, "zeroed from byte {place} on: {:?}", lookup.index_state());
    }
}

fn put_without_look_up(store: &Store, bytes: &[u8]) {
    // Through the receipts alone, as a rebuild reads them: 200 runs of sled would take seconds.
    let receipt = larder_store::receipt::Receipt {
        blob: larder_store::digest::BlobId::of(bytes),
        size: bytes.len() as u64,
        digests: larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, bytes).into(),
        origins: vec![crate::support::origin("react")],
        fetched: Some(now()),
    };
    let blob = store.blob_path(&receipt.blob);
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    fs::write(&blob, bytes).unwrap();
    let beside = blob.to_str().unwrap().replace("/blobs/", "/receipts/") + ".json";
    fs::create_dir_all(Path::new(&beside).parent().unwrap()).unwrap();
    fs::write(beside, receipt.to_json()).unwrap();
    store.with_index(|index| index.add(&[larder_store::index::Addition::of(&receipt, 1)])).unwrap();
}

#[test]
fn an_index_that_another_process_holds_is_done_without() {
    let (folder, store) = store();
    put(&store, b"tarball");
    let holder = sled_config(&folder.path().join("index-sled-v1")).open().unwrap();
    let (found, state) = is_found(&store, &sha512(b"tarball"));
    assert_eq!((found, state), (true, IndexState::Memory("another process holds it".to_owned())));
    drop(holder);
}

fn sled_config(path: &Path) -> sled::Config {
    sled::Config::new().path(path).cache_capacity(16 << 20).flush_every_ms(None)
}

#[test]
fn a_flipped_byte_is_found_set_aside_and_the_blob_fetched_again() {
    let (folder, store) = store();
    let found = put(&store, b"tarball");
    put(&store, b"another");
    let path = store.blob_path(&found.blob);
    make_writable(&path);
    fs::write(&path, b"tarbalL").unwrap();

    let verification = larder_store::verify::verify(&store, 2, &|_| {}).unwrap();
    assert_eq!(verification.checked.count, 2);
    let [fault] = verification.faults.as_slice() else { panic!("{:?}", verification.faults) };
    assert_eq!(fault.blob, found.blob);
    assert_eq!(fault.receipt.as_ref().unwrap().origins[0].name, "react");
    let FaultKind::Damaged { set_aside: Some(place), .. } = &fault.kind else { panic!("{fault:?}") };
    assert_eq!(fs::read(place).unwrap(), b"tarbalL");
    assert!(place.starts_with(folder.path().join("damaged")));
    assert!(!path.exists());

    assert!(!is_found(&store, &sha512(b"tarball")).0, "it counts as absent");
    assert_eq!(put(&store, b"tarball"), found);
    assert!(larder_store::verify::verify(&store, 2, &|_| {}).unwrap().faults.is_empty());
}

#[test]
fn a_truncated_or_deleted_blob_counts_as_absent() {
    let (_folder, store) = store();
    let found = put(&store, b"tarball");
    let path = store.blob_path(&found.blob);
    make_writable(&path);
    fs::write(&path, b"tar").unwrap();
    assert!(!is_found(&store, &sha512(b"tarball")).0);
    fs::remove_file(&path).unwrap();
    assert!(!is_found(&store, &sha512(b"tarball")).0);
    let verification = larder_store::verify::verify(&store, 1, &|_| {}).unwrap();
    assert!(matches!(verification.faults[0].kind, FaultKind::Missing));
}

#[test]
fn a_damaged_receipt_counts_as_absent_and_its_blob_is_named() {
    let (folder, store) = store();
    let found = put(&store, b"tarball");
    let hex = found.blob.to_string();
    let receipt = folder.path().join(format!("receipts/{}/{}.json", &hex[..2], &hex[2..]));
    fs::write(&receipt, &fs::read(&receipt).unwrap()[..40]).unwrap();
    assert!(store.receipt(&found.blob).is_none());
    let verification = larder_store::verify::verify(&store, 1, &|_| {}).unwrap();
    assert_eq!(verification.without_receipt, [found.blob]);
    assert!(!verification.index_is_in_step);
    larder_store::verify::repair(&store, &[]).unwrap();
    assert!(!is_found(&store, &sha512(b"tarball")).0);
    assert_eq!(put(&store, b"tarball"), found);
}

#[test]
fn a_blob_whose_run_was_killed_before_the_receipt_is_taken_over_without_a_byte() {
    let (folder, store) = store();
    let found = put(&store, b"tarball");
    let hex = found.blob.to_string();
    fs::remove_file(folder.path().join(format!("receipts/{}/{}.json", &hex[..2], &hex[2..]))).unwrap();
    fs::remove_dir_all(folder.path().join("index-sled-v1")).unwrap();
    let wanted = sha512(b"tarball");
    let key = blake3::hash(wanted.keys()[0].as_bytes());
    let record = [key.as_bytes().as_slice(), found.blob.as_bytes()].concat();
    let journal = folder.path().join("partial/journal");
    // Behind it, what a full disk cut off.
    fs::write(&journal, [record.as_slice(), b"cut"].concat()).unwrap();

    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    assert_eq!(lookup.find(&wanted), None);
    let claimed = DownloadLock::acquire(&lookup, &wanted, None, vec![crate::support::origin("react")]).unwrap();
    let DownloadLock::Present(adopted) = claimed else { panic!("the bytes are all there") };
    assert_eq!(adopted, found);
    assert_eq!(is_found(&store, &wanted), (true, IndexState::Sled));
    assert_eq!(crate::support::left_in_partial(folder.path()), 0, "the index knows it now");
}

#[test]
fn what_is_published_and_not_in_the_index_is_found_by_the_journal() {
    let (folder, store) = store();
    let first = sha512(b"first");
    let lookup = store.lookup(std::slice::from_ref(&first), now()).unwrap();
    // Another process publishes it, and is killed before it tells the index.
    let found = put(&store, b"first");
    fs::remove_dir_all(folder.path().join("index-sled-v1")).unwrap();
    fs::remove_file(folder.path().join("index.lock")).unwrap();
    let key = blake3::hash(first.keys()[0].as_bytes());
    let record = [key.as_bytes().as_slice(), found.blob.as_bytes()].concat();
    fs::write(folder.path().join("partial/journal"), record).unwrap();
    let claimed = DownloadLock::acquire(&lookup, &first, None, vec![]).unwrap();
    assert!(matches!(claimed, DownloadLock::Present(here) if here == found), "{claimed:?}");
}

#[test]
fn a_part_is_complete_only_if_its_bytes_are_those_that_were() {
    let (folder, store) = store();
    let wanted = Wanted::Identity("git github owner/repository#0123".to_owned());
    let key = blake3::hash(wanted.keys()[0].as_bytes()).to_hex().to_string();
    let state = format!(r#"{{"complete":"{}"}}"#, larder_store::digest::BlobId::of(b"whole"));
    for (bytes, is_complete) in [("whole", true), ("who", false)] {
        // What a power loss or a kill can leave: the state of the whole beside a part of it.
        fs::write(folder.path().join(format!("partial/{key}.part")), bytes).unwrap();
        fs::write(folder.path().join(format!("partial/{key}.json")), &state).unwrap();
        let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
        let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, vec![]).unwrap() else {
            panic!("nobody has published it")
        };
        assert_eq!(part.kept().unwrap().unwrap().is_complete, is_complete, "{bytes}");
    }
}

#[test]
fn a_record_whose_key_no_receipt_knows_yet_stays_in_the_journal() {
    let (folder, store) = store();
    let found = put(&store, b"tarball");
    // Somebody is publishing the same bytes under another key.
    let identity = Wanted::Identity("git github owner/repository#0123".to_owned());
    let key = blake3::hash(identity.keys()[0].as_bytes());
    let record = [key.as_bytes().as_slice(), found.blob.as_bytes()].concat();
    let journal = folder.path().join("partial/journal");
    fs::write(&journal, &record).unwrap();
    is_found(&store, &sha512(b"tarball"));
    assert_eq!(fs::read(&journal).unwrap(), record);
}

#[test]
fn a_journal_of_garbage_costs_nothing() {
    let (folder, store) = store();
    put(&store, b"tarball");
    fs::write(folder.path().join("partial/journal"), [7; 200]).unwrap();
    assert_eq!(is_found(&store, &sha512(b"tarball")), (true, IndexState::Sled));
    assert_eq!(crate::support::left_in_partial(folder.path()), 0);
    fetch(&store, &sha512(b"another"), b"another").unwrap();
}
