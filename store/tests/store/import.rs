//! What comes from another store's folder is believed in nothing.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use larder_store::{
    Store, StoreError,
    digest::{Algorithm, BlobId, Digest, Integrity},
    import::{Identities, Imported, InvalidReceipt, RefusalReason, import},
    key::{BlobRef, Wanted},
    receipt::Receipt,
    stats::Tally,
    transfer::{Missing, export, inventory, missing},
    verify::verify,
};

use crate::support::{fetch, now, options, put, sha512, store};

type Damage = Box<dyn Fn(&Store, &BlobId)>;

fn take(store: &Store, from: &Path) -> Imported {
    import(store, from, options(Identities::Believed, 2, &|| false)).unwrap()
}

fn receipt_path(store: &Path, blob: &BlobId) -> PathBuf {
    let hex = blob.to_string();
    store.join(format!("receipts/{}/{}.json", &hex[..2], &hex[2..]))
}

fn found(store: &Store, wanted: &Wanted) -> Option<BlobRef> {
    let _ = fs::remove_dir_all(store.root().join("remembered"));
    store.lookup(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Changes a receipt and writes it back.
fn change(store: &Store, blob: &BlobId, change: impl FnOnce(&mut Receipt)) {
    let mut receipt = store.receipt(blob).unwrap();
    change(&mut receipt);
    fs::write(receipt_path(store.root(), blob), receipt.to_json()).unwrap();
}

#[test]
fn what_is_missing_is_taken_and_found_and_nothing_is_taken_twice() {
    let ((_there, theirs), (here, ours)) = (store(), store());
    let bodies = [&b"one"[..], b"two", b"three"];
    let blobs = bodies.map(|bytes| put(&theirs, bytes));
    put(&ours, b"one");
    let taken = take(&ours, theirs.root());
    assert_eq!((taken.imported, taken.already_here, taken.supplemented), (Tally { count: 2, bytes: 8 }, 1, 0));
    assert!(taken.refused.is_empty() && !taken.is_stopped, "{taken:?}");
    for (bytes, blob) in bodies.into_iter().zip(blobs) {
        assert_eq!(found(&ours, &sha512(bytes)), Some(blob));
        assert_eq!(fs::read(ours.blob_path(&blob.blob)).unwrap(), bytes);
        assert_eq!(fs::metadata(ours.blob_path(&blob.blob)).unwrap().permissions().mode() & 0o777, 0o444);
    }
    let (receipt, theirs_has) = (ours.receipt(&blobs[2].blob).unwrap(), theirs.receipt(&blobs[2].blob).unwrap());
    assert_eq!(receipt, theirs_has, "address and time come with it");
    let again = take(&ours, theirs.root());
    assert_eq!((again.imported, again.already_here), (Tally::default(), 3));
    let verification = verify(&ours, 1, &|_| ()).unwrap();
    assert!(verification.faults.is_empty() && verification.index_is_in_step);
    assert_eq!(crate::support::left_in_partial(here.path()), 0);
}

#[test]
fn what_is_damaged_is_named_and_does_not_enter() {
    let identity = |receipt: &mut Receipt, text: &str| receipt.origins[0].name = text.to_owned();
    let cases: [(&str, Damage); 13] = [
        ("its bytes are blake3", Box::new(|store, blob| overwrite(&store.blob_path(blob), b"tarbalL"))),
        ("it has 3 bytes, and its receipt says 7", Box::new(|store, blob| overwrite(&store.blob_path(blob), b"tar"))),
        (
            "it has 8 bytes, and its receipt says 7",
            Box::new(|store, blob| overwrite(&store.blob_path(blob), b"tarball!")),
        ),
        ("it has a receipt and no file", Box::new(|store, blob| fs::remove_file(store.blob_path(blob)).unwrap())),
        (
            "its file is a pipe",
            Box::new(|store, blob| {
                let path = store.blob_path(blob);
                fs::remove_file(&path).unwrap();
                assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            }),
        ),
        (
            "its file is a symbolic link",
            Box::new(|store, blob| {
                let path = store.blob_path(blob);
                fs::rename(&path, store.root().join("elsewhere")).unwrap();
                symlink(store.root().join("elsewhere"), path).unwrap();
            }),
        ),
        (
            "its receipt is damaged: not a receipt",
            Box::new(|store, blob| {
                fs::write(receipt_path(store.root(), blob), "{\"format\":1").unwrap();
            }),
        ),
        (
            "its receipt is damaged: it is of another blob",
            Box::new(|store, blob| {
                change(store, blob, |_| ());
                let other = put(store, b"other").blob;
                fs::copy(receipt_path(store.root(), &other), receipt_path(store.root(), blob)).unwrap();
            }),
        ),
        (
            "its receipt is damaged: a receipt of format 2",
            Box::new(|store, blob| {
                let path = receipt_path(store.root(), blob);
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.replace("\"format\":1", "\"format\":2")).unwrap();
            }),
        ),
        (
            "its receipt is damaged: it is not a file of at most",
            Box::new(|store, blob| {
                fs::File::create(receipt_path(store.root(), blob)).unwrap().set_len(5 << 20).unwrap();
            }),
        ),
        (
            "its receipt is damaged: a name in it has control characters",
            Box::new(move |store, blob| {
                change(store, blob, |receipt| identity(receipt, "\u{1b}[2Jreact"));
            }),
        ),
        // Another package's digest in place of the right one, and beside it: the index would give these bytes for that package.
        (
            "its receipt states digests that its bytes do not have",
            Box::new(|store, blob| {
                change(store, blob, |receipt| receipt.digests = Digest::of(Algorithm::Sha512, b"wanted").into());
            }),
        ),
        (
            "its receipt states digests that its bytes do not have",
            Box::new(|store, blob| {
                change(store, blob, |receipt| {
                    receipt.digests = receipt.digests.union(&Digest::of(Algorithm::Sha512, b"wanted").into());
                });
            }),
        ),
    ];
    for (why, damage) in cases {
        let ((_there, theirs), (here, ours)) = (store(), store());
        let (bad, good) = (put(&theirs, b"tarball"), put(&theirs, b"good"));
        damage(&theirs, &bad.blob);
        let taken = take(&ours, theirs.root());
        let [refusal] = taken.refused.as_slice() else { panic!("{why}: {taken:?}") };
        assert!(refusal.reason.to_string().starts_with(why), "{why}: {}", refusal.reason);
        assert_eq!(refusal.blob, Some(bad.blob), "{why}");
        let has_receipt = !matches!(refusal.reason, RefusalReason::Receipt(_));
        assert_eq!(refusal.package.as_deref(), has_receipt.then_some("react 1.0.0"), "{why}");
        assert!(!ours.blob_path(&bad.blob).exists() && ours.receipt(&bad.blob).is_none(), "{why}");
        for bytes in [&b"tarball"[..], b"tarbalL", b"wanted"] {
            assert_eq!(found(&ours, &sha512(bytes)), None, "{why}");
        }
        assert_eq!(found(&ours, &sha512(b"good")), Some(good), "{why}: it stops nothing else");
        assert_eq!(crate::support::left_in_partial(here.path()), 0, "{why}");
    }
}

#[test]
fn a_stranger_among_the_receipts_is_named() {
    let ((there, theirs), (_here, ours)) = (store(), store());
    put(&theirs, b"tarball");
    fs::create_dir_all(there.path().join("receipts/zz")).unwrap();
    fs::write(there.path().join("receipts/zz/notes"), "").unwrap();
    let taken = take(&ours, theirs.root());
    assert_eq!(taken.imported.count, 1);
    assert!(matches!(taken.refused[0].reason, RefusalReason::Receipt(InvalidReceipt::Name(_))), "{taken:?}");
}

#[test]
fn a_key_that_only_the_other_store_knows_is_taken_without_its_bytes() {
    let ((_there, theirs), (_here, ours)) = (store(), store());
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let sha1 = Wanted::Integrity(Digest::of(Algorithm::Sha1, b"tarball").into());
    let blob = put(&ours, b"tarball");
    fetch(&theirs, &commit, b"tarball").unwrap();
    change(&theirs, &blob.blob, |receipt| {
        receipt.digests = receipt.digests.union(&Digest::of(Algorithm::Sha1, b"tarball").into());
    });
    let (have, lacking) = (ours.receipt(&blob.blob).unwrap(), theirs.receipt(&blob.blob).unwrap());
    assert_eq!(missing(Some(&have), &lacking), Some(Missing::Keys));
    let carried = tempfile::tempdir().unwrap();
    export(&theirs, [(&lacking, Missing::Keys)], carried.path(), &|| false).unwrap();
    assert_eq!(fs::read_dir(carried.path().join("blobs")).unwrap().count(), 0);

    let taken = take(&ours, carried.path());
    assert_eq!((taken.supplemented, taken.imported.count, taken.refused.len()), (1, 0, 0), "{taken:?}");
    assert_eq!([found(&ours, &commit), found(&ours, &sha1)], [Some(blob); 2]);
    assert!(verify(&ours, 1, &|_| ()).unwrap().index_is_in_step);
    let have = ours.receipt(&blob.blob).unwrap();
    assert_eq!(missing(Some(&have), &lacking), None);
    assert_eq!(take(&ours, carried.path()).already_here, 1);
    // The same is refused where the bytes that are here do not prove it.
    change(&theirs, &blob.blob, |receipt| receipt.digests = Digest::of(Algorithm::Sha1, b"wanted").into());
    let taken = take(&ours, theirs.root());
    assert!(matches!(taken.refused[0].reason, RefusalReason::Digests { .. }), "{taken:?}");
    assert_eq!(found(&ours, &Wanted::Integrity(Digest::of(Algorithm::Sha1, b"wanted").into())), None);
}

#[test]
fn bytes_that_were_recorded_first_are_not_replaced_by_others_of_the_same_identity() {
    let ((_there, theirs), (_here, ours)) = (store(), store());
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let first = fetch(&ours, &commit, b"first").unwrap();
    fetch(&theirs, &commit, b"other").unwrap();
    for is_gone in [false, true] {
        if is_gone {
            fs::remove_file(ours.blob_path(&first.blob)).unwrap();
        }
        let taken = take(&ours, theirs.root());
        let RefusalReason::Conflict { recorded, .. } = &taken.refused[0].reason else { panic!("{taken:?}") };
        assert_eq!((*recorded, taken.imported.count), (first.blob, 0));
        assert_eq!(found(&ours, &commit), (!is_gone).then_some(first));
    }
}

#[test]
fn who_is_not_believed_about_identities_gives_bytes_and_no_more() {
    let ((_there, theirs), (_here, ours)) = (store(), store());
    let commit = |number: u32| Wanted::Identity(format!("git github owner/repository#{number:04}"));
    let same = fetch(&ours, &commit(1), b"known to both").unwrap();
    fetch(&theirs, &commit(1), b"known to both").unwrap();
    let other = fetch(&theirs, &commit(2), b"known there alone").unwrap();
    let known = |identities| import(&ours, theirs.root(), options(identities, 2, &|| false)).unwrap();
    for taken in [1, 0] {
        let outcome = known(Identities::Known);
        assert_eq!((outcome.imported.count, outcome.not_believed, outcome.refused.len()), (taken, 1, 0), "{outcome:?}");
        assert_eq!(found(&ours, &commit(1)), Some(same));
        assert_eq!(found(&ours, &commit(2)), None, "the bytes are here and are not those of the commit");
        assert_eq!(found(&ours, &sha512(b"known there alone")), Some(other));
    }
    // What this store recorded itself is no news, and what contradicts it is still refused.
    fetch(&ours, &commit(3), b"ours").unwrap();
    fetch(&theirs, &commit(3), b"theirs").unwrap();
    let outcome = known(Identities::Known);
    assert!(matches!(outcome.refused[..], [ref refusal] if matches!(refusal.reason, RefusalReason::Conflict { .. })));
    // The user's own store is believed.
    assert_eq!(known(Identities::Believed).not_believed, 0);
    assert_eq!(found(&ours, &commit(2)), Some(other));
}

#[test]
fn a_folder_that_is_no_store_or_of_a_newer_larder_is_refused_as_a_whole() {
    let ((there, theirs), (_here, ours)) = (store(), store());
    put(&theirs, b"tarball");
    let refused = |from: &Path| import(&ours, from, options(Identities::Believed, 1, &|| false)).unwrap_err();
    fs::write(there.path().join("meta.json"), r#"{"format": 2, "needs": "3.1.4"}"#).unwrap();
    assert!(matches!(refused(there.path()), StoreError::NewerFormat { format: 2, .. }));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(refused(empty.path()), StoreError::NotAStore { .. }));
    assert!(matches!(refused(&empty.path().join("none")), StoreError::NotAStore { .. }));
}

#[test]
fn stopped_at_any_piece_it_keeps_what_is_whole_and_goes_on_the_next_time() {
    let (_there, theirs) = store();
    for number in 0..20_u32 {
        put(&theirs, &number.to_le_bytes().repeat(50_000));
    }
    for most in [0, 1, 7, 23, 41] {
        let (here, ours) = store();
        let asked = AtomicUsize::new(0);
        let is_stopped = || asked.fetch_add(1, Ordering::Relaxed) >= most;
        let stopped = import(&ours, theirs.root(), options(Identities::Believed, 2, &is_stopped)).unwrap();
        assert!(stopped.is_stopped && stopped.imported.count < 20, "{most}: {stopped:?}");
        let verification = verify(&ours, 1, &|_| ()).unwrap();
        assert_eq!((verification.checked.count, verification.faults.len()), (stopped.imported.count, 0));
        assert_eq!(crate::support::left_in_partial(here.path()), 0, "{most}");
        let rest = take(&ours, theirs.root());
        assert_eq!(rest.imported.count + stopped.imported.count, 20, "{most}");
    }
}

#[test]
fn several_at_once_with_a_fetch_among_them_take_each_blob_once() {
    let ((_there, theirs), (here, _ours)) = (store(), store());
    let bodies: Vec<Vec<u8>> = (0..60_u32).map(|number| number.to_le_bytes().repeat(3000)).collect();
    for body in &bodies {
        put(&theirs, body);
    }
    let start = Barrier::new(4);
    let (taken, fetched) = thread::scope(|scope| {
        let takers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let store = Store::open(here.path()).unwrap();
                    start.wait();
                    take(&store, theirs.root())
                })
            })
            .collect();
        let fetcher = scope.spawn(|| {
            let store = Store::open(here.path()).unwrap();
            start.wait();
            crate::racing::run(&store, &bodies)
        });
        (takers.into_iter().map(|taker| taker.join().unwrap()).collect::<Vec<_>>(), fetcher.join().unwrap())
    });
    let sum: u64 = taken.iter().map(|taken| taken.imported.count).sum();
    assert_eq!(sum + fetched as u64, 60, "{taken:?}");
    assert!(taken.iter().all(|taken| taken.refused.is_empty()), "{taken:?}");
    let verification = verify(&Store::open(here.path()).unwrap(), 2, &|_| ()).unwrap();
    assert_eq!((verification.checked.count, verification.faults.len(), verification.index_is_in_step), (60, 0, true));
    assert_eq!(crate::support::left_in_partial(here.path()), 0);
}

#[test]
fn what_is_handed_out_is_what_was_named_and_no_more() {
    let (_there, theirs) = store();
    let blobs = [&b"one"[..], b"two", b"three"].map(|bytes| put(&theirs, bytes).blob);
    let all = inventory(&theirs).unwrap();
    assert!(all.is_sorted_by_key(|receipt| receipt.blob));
    assert_eq!(all.len(), 3);
    overwrite(&theirs.blob_path(&blobs[0]), b"on");
    fs::remove_file(theirs.blob_path(&blobs[1])).unwrap();
    let present = inventory(&theirs).unwrap();
    assert_eq!(present.iter().map(|receipt| receipt.blob).collect::<Vec<_>>(), [blobs[2]], "whole ones alone");

    let target = tempfile::tempdir().unwrap();
    let carried = target.path().join("new/store");
    let handed = export(&theirs, present.iter().map(|receipt| (receipt, Missing::Bytes)), &carried, &|| false).unwrap();
    assert_eq!(handed, Tally { count: 1, bytes: 5 });
    let copy = Store::open(&carried).unwrap();
    assert_eq!(inventory(&copy).unwrap(), present);
    assert_eq!(fs::read(copy.blob_path(&blobs[2])).unwrap(), b"three");
    let stated: Integrity = Digest::of(Algorithm::Sha512, b"three").into();
    assert_eq!(present[0].digests, stated);
}

#[test]
fn what_is_in_the_store_below_is_handed_out_too_and_once() {
    let ((below, lower), (above, upper)) = (store(), store());
    put(&lower, b"below");
    put(&lower, b"both");
    put(&upper, b"both");
    put(&upper, b"above");
    let store = Store::open_over(above.path(), below.path()).unwrap();
    let all = inventory(&store).unwrap();
    assert_eq!(all.len(), 3);
    let target = tempfile::tempdir().unwrap();
    export(&store, all.iter().map(|receipt| (receipt, Missing::Bytes)), target.path(), &|| false).unwrap();
    let (_here, ours) = crate::support::store();
    let taken = take(&ours, target.path());
    assert_eq!((taken.imported, taken.refused.len()), (Tally { count: 3, bytes: 14 }, 0));
}
