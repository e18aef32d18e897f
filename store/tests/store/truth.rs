//! What a store says of its blobs and is not so: false receipts, swapped indexes, look-ups of others.

use std::{
    fs,
    path::{Path, PathBuf},
};

use larder_store::{
    Store,
    digest::{Algorithm, Digest, Integrity},
    index::{Addition, Entry},
    key::{BlobRef, Wanted},
    receipt::{Origin, Receipt},
    verify::{Depth, FaultKind, repair, verify, verify_to, verify_wanted},
};

use crate::support::{fetch, fetch_as, put, sha512, store};

const GOOD: &[u8] = b"good";
const EVIL: &[u8] = b"evil";

fn receipt_path(store: &Path, found: &BlobRef) -> PathBuf {
    let hex = found.blob.to_string();
    store.join("receipts").join(&hex[..2]).join(format!("{}.json", &hex[2..]))
}

/// Makes the receipt of a blob state these digests, and nothing else.
fn forge(store: &Store, root: &Path, found: &BlobRef, digests: &[Digest]) {
    let digests = Integrity::new(digests.iter().copied()).unwrap();
    let receipt = Receipt { digests, ..store.receipt(&found.blob).unwrap() };
    fs::write(receipt_path(root, found), receipt.to_json()).unwrap();
    drop(fs::remove_dir_all(root.join("index-sled-v1")));
    drop(fs::remove_dir_all(root.join("remembered")));
}

fn find(store: &Store, wanted: &Wanted) -> Option<BlobRef> {
    // What is remembered counts on the day that it was written.
    store.lookup(std::slice::from_ref(wanted), jiff::Timestamp::now()).unwrap().find(wanted)
}

/// The one fault of a blob that is read for `wanted`.
fn misstated(store: &Store, found: BlobRef, wanted: &Wanted) -> Option<(String, bool)> {
    let mut faults = verify_wanted(store, &[(found, wanted, Depth::Digests)], 2);
    assert!(faults.len() <= 1, "{faults:?}");
    let unfit = faults.pop()?;
    assert_eq!(unfit.places, [0]);
    match unfit.fault.kind {
        FaultKind::Misstated { stated, is_set_right, .. } => Some((stated, is_set_right)),
        other => panic!("{other:?}"),
    }
}

fn of_good(algorithm: Algorithm) -> Digest {
    Digest::of(algorithm, GOOD)
}

#[test]
fn verify_names_a_receipt_that_states_what_its_bytes_do_not_have_and_repair_removes_that() {
    let (folder, store) = store();
    let evil = put(&store, EVIL);
    put(&store, b"innocent");
    forge(&store, folder.path(), &evil, &[of_good(Algorithm::Sha512), Digest::of(Algorithm::Sha1, EVIL)]);
    assert_eq!(find(&store, &sha512(GOOD)), Some(evil), "without its bytes, nothing tells");

    let found = verify(&store, 2, &|_| {}).unwrap();
    let [fault] = found.faults.as_slice() else { panic!("{found:?}") };
    let FaultKind::Misstated { stated, is_lower: false, .. } = &fault.kind else { panic!("{fault:?}") };
    assert_eq!((fault.blob, stated), (evil.blob, &of_good(Algorithm::Sha512).to_string()));
    assert!(
        verify_to(&store, 2, Depth::Names, &|_| {}).unwrap().faults.is_empty(),
        "the fast one looks at names alone"
    );

    assert_eq!(repair(&store, &found.faults).unwrap(), 1);
    assert_eq!(find(&store, &sha512(GOOD)), None);
    assert_eq!(find(&store, &sha512(EVIL)), Some(evil));
    let again = verify(&store, 2, &|_| {}).unwrap();
    assert!(again.faults.is_empty() && again.index_is_in_step, "{again:?}");
    let digests = store.receipt(&evil.blob).unwrap().digests;
    assert!(digests.agrees_with(&[Digest::of(Algorithm::Sha512, EVIL), Digest::of(Algorithm::Sha1, EVIL)]));
}

#[test]
fn two_digests_of_one_algorithm_are_one_too_many() {
    let (folder, store) = store();
    let evil = put(&store, EVIL);
    forge(&store, folder.path(), &evil, &[of_good(Algorithm::Sha512), Digest::of(Algorithm::Sha512, EVIL)]);
    let found = verify(&store, 2, &|_| {}).unwrap();
    assert_eq!(found.faults.len(), 1);
    repair(&store, &found.faults).unwrap();
    assert_eq!(store.receipt(&evil.blob).unwrap().digests, Digest::of(Algorithm::Sha512, EVIL).into());
}

#[test]
fn who_reads_for_a_lockfile_notices_a_false_receipt_and_sets_it_right() {
    for algorithm in [Algorithm::Sha512, Algorithm::Sha256, Algorithm::Sha1] {
        let (folder, store) = store();
        let evil = put(&store, EVIL);
        forge(&store, folder.path(), &evil, &[of_good(algorithm)]);
        let wanted = Wanted::Integrity(of_good(algorithm).into());
        let found = find(&store, &wanted).unwrap();
        assert_eq!(misstated(&store, found, &wanted), Some((of_good(algorithm).to_string(), true)));
        assert_eq!(find(&store, &wanted), None, "nothing leads from there to the blob any more");
        let sound = sha512(EVIL);
        assert_eq!(misstated(&store, find(&store, &sound).unwrap(), &sound), None);
    }
}

#[test]
fn a_receipt_that_others_take_a_sha512_from_is_checked_where_the_lockfile_states_none() {
    let (folder, store) = store();
    let evil = put(&store, EVIL);
    let sha1 = Digest::of(Algorithm::Sha1, EVIL);
    forge(&store, folder.path(), &evil, &[sha1, of_good(Algorithm::Sha512)]);
    let wanted = Wanted::Integrity(sha1.into());
    let found = find(&store, &wanted).unwrap();
    assert_eq!(misstated(&store, found, &wanted), Some((of_good(Algorithm::Sha512).to_string(), true)));
}

#[test]
fn who_tells_nobody_what_a_receipt_states_compares_what_is_wanted_alone() {
    let (folder, store) = store();
    let evil = put(&store, EVIL);
    forge(&store, folder.path(), &evil, &[Digest::of(Algorithm::Sha256, EVIL), of_good(Algorithm::Sha512)]);
    for (digest, faults) in [(Digest::of(Algorithm::Sha256, EVIL), 0), (of_good(Algorithm::Sha512), 1)] {
        let wanted = Wanted::Integrity(digest.into());
        assert_eq!(verify_wanted(&store, &[(evil, &wanted, Depth::Names)], 1).len(), faults, "{digest}");
    }
}

#[test]
fn a_remembered_look_up_of_something_else_leads_to_no_other_bytes() {
    let (folder, store) = store();
    let (good, evil) = (put(&store, GOOD), put(&store, EVIL));
    let remembered = |wanted: &Wanted| {
        drop(fs::remove_dir_all(folder.path().join("remembered")));
        find(&store, wanted);
        let mut files = fs::read_dir(folder.path().join("remembered")).unwrap();
        files.next().unwrap().unwrap().path()
    };
    let bytes = fs::read(remembered(&sha512(EVIL))).unwrap();
    fs::write(remembered(&sha512(GOOD)), bytes).unwrap();
    assert_eq!(find(&store, &sha512(GOOD)), Some(evil));
    assert!(misstated(&store, evil, &sha512(GOOD)).unwrap().1);
    assert_eq!(find(&store, &sha512(GOOD)), Some(good));
    assert!(verify(&store, 2, &|_| {}).unwrap().faults.is_empty(), "no receipt was false");
}

#[test]
fn a_swapped_index_leads_to_no_other_bytes() {
    let (folder, store) = store();
    let (good, evil) = (put(&store, GOOD), put(&store, EVIL));
    let swap = |wanted: &Wanted| {
        let keys = wanted.keys();
        let entry = Entry { size: evil.size, last_used: 1 };
        let addition = Addition { keys, blob: evil.blob, entry };
        store.with_index(|index| index.add(std::slice::from_ref(&addition))).unwrap();
        drop(fs::remove_dir_all(folder.path().join("remembered")));
    };
    swap(&sha512(GOOD));
    assert_eq!(find(&store, &sha512(GOOD)), Some(evil));
    assert!(misstated(&store, evil, &sha512(GOOD)).is_some());
    assert_eq!(find(&store, &sha512(GOOD)), Some(good));

    // What has no digest is believed from its receipt alone.
    let identity = Wanted::Identity("git+https://forge.example/a/b.git#1234".to_owned());
    let recorded = fetch(&store, &identity, b"recorded").unwrap();
    swap(&identity);
    assert_eq!(find(&store, &identity), None);
    repair(&store, &[]).unwrap();
    assert_eq!(find(&store, &identity), Some(recorded));
}

#[test]
fn a_store_below_that_lies_is_not_believed_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    let seed = Store::open(&below).unwrap();
    let evil = put(&seed, EVIL);
    forge(&seed, &below, &evil, &[of_good(Algorithm::Sha512)]);
    drop(seed);
    let before = fs::read(receipt_path(&below, &evil)).unwrap();

    let store = Store::open_over(&above, &below).unwrap();
    let found = verify(&store, 2, &|_| {}).unwrap();
    assert!(
        matches!(found.faults.as_slice(), [fault] if matches!(fault.kind, FaultKind::Misstated { is_lower: true, .. }))
    );
    let wanted = sha512(GOOD);
    assert_eq!(
        misstated(&store, find(&store, &wanted).unwrap(), &wanted),
        Some((of_good(Algorithm::Sha512).to_string(), true))
    );
    assert_eq!(find(&store, &wanted), None);
    let good = put(&store, GOOD);
    assert_eq!((find(&store, &wanted), misstated(&store, good, &wanted)), (Some(good), None));
    assert_eq!(fs::read(receipt_path(&below, &evil)).unwrap(), before, "below, nothing is written");
}

#[test]
fn many_files_of_any_length_are_compared_each_with_its_own() {
    let (_folder, store) = store();
    let bodies: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![number; usize::from(number) * 9_001]).collect();
    let found: Vec<BlobRef> = bodies.iter().map(|body| put(&store, body)).collect();
    let wanted: Vec<Wanted> = bodies.iter().map(|body| sha512(body)).collect();
    let pairs: Vec<_> =
        found.iter().copied().zip(&wanted).map(|(found, wanted)| (found, wanted, Depth::Names)).collect();
    for threads in [1, 3] {
        assert!(verify_wanted(&store, &pairs, threads).is_empty());
    }
    // Each with its neighbour's.
    let neighbours = wanted.iter().cycle().skip(1);
    let shifted: Vec<_> =
        found.iter().copied().zip(neighbours).map(|(found, wanted)| (found, wanted, Depth::Names)).collect();
    assert_eq!(verify_wanted(&store, &shifted, 2).len(), found.len());
}

#[test]
fn a_receipt_that_lied_is_no_witness_of_what_has_no_digest_either() {
    let (folder, store) = store();
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let evil = fetch(&store, &commit, EVIL).unwrap();
    forge(&store, folder.path(), &evil, &[of_good(Algorithm::Sha512)]);
    assert_eq!(find(&store, &commit), Some(evil));
    assert!(misstated(&store, evil, &commit).is_some_and(|(_, is_set_right)| is_set_right));
    assert_eq!(find(&store, &commit), None, "its identity went with the lie");
    assert_eq!(find(&store, &sha512(EVIL)), Some(evil));
}

#[test]
fn a_receipt_of_forty_thousand_packages_is_one_that_is_read_again() {
    let (folder, store) = store();
    let commit = Wanted::Identity("git github owner/repository#0123".to_owned());
    let good = fetch(&store, &commit, GOOD).unwrap();
    let mut receipt = store.receipt(&good.blob).unwrap();
    let one = receipt.origins[0].clone();
    let name = |number: u32| format!("{number:0100}");
    receipt.origins.extend((0..40_000).map(|number| Origin { name: name(number), identity: None, ..one.clone() }));
    let path = receipt_path(folder.path(), &good);
    fs::write(&path, receipt.to_json()).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 4 << 20);
    assert_eq!(store.receipt(&good.blob), None, "it is longer than a receipt may be");

    fs::remove_file(&path).unwrap();
    receipt.origins.truncate(1 + 12_000);
    fs::write(&path, receipt.to_json()).unwrap();
    // Another one comes, and more with it than fits.
    let part = receipt.origins.clone().into_iter().map(|origin| Origin { version: "2".repeat(200), ..origin });
    fetch_as(&store, &Wanted::Integrity(of_good(Algorithm::Sha1).into()), GOOD, part.collect()).unwrap();
    assert!(fs::metadata(&path).unwrap().len() <= 4 << 20);
    assert!(store.receipt(&good.blob).unwrap().origins.len() > 1_000);
    assert_eq!(find(&store, &commit), Some(good), "what it is found by is never left out");
}
