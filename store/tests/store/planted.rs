//! What lies in a store may have been put there by anybody: no link is followed, no pipe is waited for, and nothing outside changes.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use larder_store::{
    Store, StoreError,
    digest::BlobId,
    download_lock::DownloadLock,
    import::{Identities, import},
    key::{BlobRef, Wanted},
    link::Linker,
    stats::stats,
    unfit::Unfit,
    verify::{FaultKind, verify},
};
use rustix::fs::{CWD, FileType, Mode};

use crate::support::{fetch, now, options, origin, put, sha512};

/// Longer than any of these takes, and no test waits for it unless something hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const THESIS: &str = "my thesis, the only copy";

/// Everything that can have a file's name without being the store's file.
const KINDS: [&str; 8] = ["link", "dangling link", "hard link", "pipe", "folder", "full folder", "socket", "zeros"];

struct Planted {
    folder: tempfile::TempDir,
}

impl Planted {
    /// A store with one blob, beside a file and a folder of the user's.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis"), THESIS).unwrap();
        fs::set_permissions(folder.path().join("thesis"), Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        fs::write(folder.path().join("notes/one"), "a note").unwrap();
        let planted = Self { folder };
        put(&planted.open().unwrap(), b"here before");
        planted
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.root())
    }

    fn plant(&self, kind: &str, name: &str) {
        let path = self.root().join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path).unwrap(),
            Ok(_) => fs::remove_file(&path).unwrap(),
            Err(_) => fs::create_dir_all(path.parent().unwrap()).unwrap(),
        }
        let link = |target: &Path| std::os::unix::fs::symlink(target, &path).unwrap();
        match kind {
            "link" => link(&self.folder.path().join("thesis")),
            "dangling link" => link(&self.folder.path().join("made")),
            "linked folder" => link(&self.folder.path().join("notes")),
            "zeros" => link(Path::new("/dev/zero")),
            "hard link" => fs::hard_link(self.folder.path().join("thesis"), &path).unwrap(),
            "pipe" => rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap(),
            "folder" => fs::create_dir(&path).unwrap(),
            "full folder" => {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("kept"), "kept").unwrap();
            }
            "socket" => drop(bind(&path)),
            other => unreachable!("{other}"),
        }
    }

    /// That what is outside is as it was.
    fn assert_untouched(&self, what: &str) {
        let outside = self.folder.path();
        assert_eq!(fs::read_to_string(outside.join("thesis")).unwrap(), THESIS, "{what}");
        let mode = fs::metadata(outside.join("thesis")).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{what}");
        assert!(!outside.join("made").exists(), "{what}");
        let notes: Vec<_> =
            fs::read_dir(outside.join("notes")).unwrap().map(|note| note.unwrap().file_name()).collect();
        assert_eq!(notes, ["one"], "{what}");
    }
}

/// A socket's address has a bound that a path in the store may exceed: it is made elsewhere and moved.
fn bind(path: &Path) -> UnixListener {
    let short = tempfile::tempdir_in("/tmp").unwrap();
    let listener = UnixListener::bind(short.path().join("s")).unwrap();
    fs::rename(short.path().join("s"), path).unwrap();
    listener
}

/// What `work` gives, unless it hangs.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn shard_and_rest(blob: &BlobId) -> (String, String) {
    let hex = blob.to_string();
    (hex[..2].to_owned(), hex[2..].to_owned())
}

fn blob_name(bytes: &[u8]) -> String {
    let (shard, rest) = shard_and_rest(&BlobId::of(bytes));
    format!("blobs/{shard}/{rest}")
}

fn receipt_name(bytes: &[u8]) -> String {
    let (shard, rest) = shard_and_rest(&BlobId::of(bytes));
    format!("receipts/{shard}/{rest}.json")
}

fn partial_name(bytes: &[u8], extension: &str) -> String {
    format!("partial/{}.{extension}", blake3::hash(sha512(bytes).keys()[0].as_bytes()).to_hex())
}

fn find(store: &Store, wanted: &Wanted) -> Option<BlobRef> {
    store.lookup(std::slice::from_ref(wanted), now()).unwrap().find(wanted)
}

/// Everything that a command does with a store: look, fetch a file, stats, verify.
fn use_all(root: &Path, bytes: &'static [u8]) -> Result<BlobRef, StoreError> {
    let store = Store::open(root)?;
    let found = find(&store, &sha512(bytes)).unwrap_or_else(|| put(&store, bytes));
    assert_eq!(fs::read(store.blob_path(&found.blob)).unwrap(), bytes);
    assert!(fs::symlink_metadata(store.blob_path(&found.blob)).unwrap().is_file());
    stats(&store).unwrap();
    verify(&store, 1, &|_| ()).unwrap();
    Ok(found)
}

#[test]
fn whatever_has_the_name_of_a_file_that_can_be_lost_is_moved_out_of_the_way() {
    const BYTES: &[u8] = b"tarball";
    let places = [
        partial_name(BYTES, "part"),
        partial_name(BYTES, "json"),
        "partial/journal".to_owned(),
        "index.lock".to_owned(),
        "lock".to_owned(),
        "index-sled-v1".to_owned(),
        "index-sled-v1/db".to_owned(),
        "index-sled-v1/conf".to_owned(),
        "index-sled-v1.broken".to_owned(),
        receipt_name(BYTES),
        blob_name(BYTES),
    ];
    for place in &places {
        for kind in KINDS {
            let what = format!("{place}: {kind}");
            let planted = Planted::new();
            planted.plant(kind, place);
            let root = planted.root();
            let found = in_time(&what, move || use_all(&root, BYTES));
            assert_eq!(found.unwrap().blob, BlobId::of(BYTES), "{what}");
            planted.assert_untouched(&what);
        }
    }
}

#[test]
fn a_linked_folder_of_what_can_be_lost_is_replaced_and_one_of_blobs_is_refused() {
    const BYTES: &[u8] = b"tarball";
    for kind in ["linked folder", "link", "dangling link", "pipe"] {
        for place in ["partial", "remembered", "gone", "rows", "damaged", "index-sled-v1"] {
            let what = format!("{place}: {kind}");
            let planted = Planted::new();
            planted.plant(kind, place);
            let root = planted.root();
            in_time(&what, move || use_all(&root, BYTES)).unwrap();
            planted.assert_untouched(&what);
        }
        let shard = |name: String| name.rsplit_once('/').unwrap().0.to_owned();
        let places = ["blobs".to_owned(), "receipts".to_owned(), shard(blob_name(BYTES)), shard(receipt_name(BYTES))];
        for place in &places {
            let what = format!("{place}: {kind}");
            let planted = Planted::new();
            planted.plant(kind, place);
            let (root, path) = (planted.root(), planted.root().join(place));
            let error = in_time(&what, move || use_all(&root, BYTES)).unwrap_err();
            assert!(matches!(&error, StoreError::Unfit { path: named, .. } if *named == path), "{what}: {error}");
            planted.assert_untouched(&what);
            // Below another one, and to be taken in, it is refused as well.
            let above = planted.folder.path().join("above");
            let error = Store::open_over(&above, &planted.root()).unwrap_err();
            assert!(matches!(error, StoreError::Unfit { .. }), "{what}: {error}");
            let error =
                import(&Store::open(&above).unwrap(), &planted.root(), options(Identities::Known, 1, &|| false))
                    .unwrap_err();
            assert!(matches!(error, StoreError::Unfit { .. }), "{what}: {error}");
        }
    }
}

#[test]
fn a_meta_json_that_is_no_file_is_named_at_once() {
    for (kind, expected) in [
        ("link", Unfit::Link),
        ("dangling link", Unfit::Link),
        ("zeros", Unfit::Link),
        ("pipe", Unfit::Pipe),
        ("folder", Unfit::Folder),
        ("socket", Unfit::Socket),
    ] {
        let planted = Planted::new();
        planted.plant(kind, "meta.json");
        let root = planted.root();
        let error = in_time(kind, move || Store::open(&root)).unwrap_err();
        let StoreError::Unfit { path, unfit } = &error else { panic!("{kind}: {error}") };
        assert_eq!((path, *unfit), (&planted.root().join("meta.json"), expected));
        assert!(error.to_string().ends_with("which no store has there: remove it"), "{error}");
        fs::remove_file(path).or_else(|_| fs::remove_dir(path)).unwrap();
        assert!(find(&planted.open().unwrap(), &sha512(b"here before")).is_some(), "{kind}: that is the way out");
    }
    let planted = Planted::new();
    let file = fs::File::create(planted.root().join("meta.json")).unwrap();
    file.set_len(3 << 30).unwrap();
    assert!(matches!(planted.open(), Err(StoreError::Unfit { unfit: Unfit::Long(_), .. })));
}

#[test]
fn a_blob_that_is_no_file_is_absent_and_passes_into_nothing() {
    for kind in KINDS.into_iter().filter(|kind| *kind != "hard link") {
        let planted = Planted::new();
        let wanted = sha512(b"here before");
        let store = planted.open().unwrap();
        let found = find(&store, &wanted).unwrap();
        planted.plant(kind, &blob_name(b"here before"));
        assert_eq!(find(&store, &wanted), None, "{kind}");
        let target = planted.folder.path().join("placed");
        let (root, path) = (planted.root(), target.clone());
        let placed = in_time(kind, move || Linker::new(&Store::open(&root).unwrap()).link(&found.blob, &path));
        assert!(matches!(placed, Err(StoreError::Unfit { .. })), "{kind}: {placed:?}");
        assert!(fs::symlink_metadata(&target).is_err(), "{kind}");
        let root = planted.root();
        let opened = in_time(kind, move || Store::open(&root).unwrap().open_blob(&found.blob));
        assert!(matches!(opened, Err(StoreError::Unfit { .. })), "{kind}: {opened:?}");

        let verification = verify(&store, 1, &|_| ()).unwrap();
        let [fault] = verification.faults.as_slice() else { panic!("{kind}: {:?}", verification.faults) };
        assert!(matches!(fault.kind, FaultKind::InTheWay(_)), "{kind}: {fault:?}");
        assert_eq!(fault.receipt.as_ref().unwrap().origins, [origin("react")], "it is known what to fetch again");
        let verification = verify(&store, 1, &|_| ()).unwrap();
        assert!(matches!(verification.faults[0].kind, FaultKind::Missing), "{kind}: its name is free");
        assert_eq!(put(&store, b"here before"), found);
        planted.assert_untouched(kind);
    }
}

#[test]
fn a_receipt_that_is_no_file_is_named_by_a_verification_and_moved_out_of_the_way() {
    for kind in KINDS.into_iter().filter(|kind| *kind != "hard link") {
        let planted = Planted::new();
        planted.plant(kind, &receipt_name(b"here before"));
        let root = planted.root();
        let verification = in_time(kind, move || verify(&Store::open(&root).unwrap(), 1, &|_| ()).unwrap());
        let [fault] = verification.faults.as_slice() else { panic!("{kind}: {:?}", verification.faults) };
        assert!(matches!(fault.kind, FaultKind::InTheWay(_)), "{kind}: {fault:?}");
        let store = planted.open().unwrap();
        assert!(verify(&store, 1, &|_| ()).unwrap().faults.is_empty(), "{kind}");
        larder_store::verify::repair(&store, &[]).unwrap();
        put(&store, b"here before");
        planted.assert_untouched(kind);
    }
}

#[test]
fn what_was_in_a_folder_that_was_in_the_way_is_kept() {
    let planted = Planted::new();
    planted.plant("full folder", &partial_name(b"tarball", "part"));
    put(&planted.open().unwrap(), b"tarball");
    let aside = fs::read_dir(planted.root().join("damaged")).unwrap().next().unwrap().unwrap().path();
    let inside = fs::read_dir(&aside).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read(inside.join("kept")).unwrap(), b"kept");
}

#[test]
fn a_store_that_a_link_leads_to_is_used() {
    let planted = Planted::new();
    let link = planted.folder.path().join("link");
    std::os::unix::fs::symlink(planted.root(), &link).unwrap();
    let store = Store::open(&link).unwrap();
    assert!(find(&store, &sha512(b"here before")).is_some());
    put(&store, b"tarball");
    assert!(planted.root().join(blob_name(b"tarball")).is_file());
}

#[test]
fn a_store_whose_files_a_backup_links_to_is_used() {
    let planted = Planted::new();
    let store = planted.open().unwrap();
    for name in ["meta.json".to_owned(), blob_name(b"here before"), receipt_name(b"here before")] {
        fs::hard_link(planted.root().join(&name), planted.folder.path().join(name.replace('/', "-"))).unwrap();
    }
    fs::remove_dir_all(planted.root().join("index-sled-v1")).unwrap();
    let _ = fs::remove_dir_all(planted.root().join("remembered"));
    drop(store);
    assert!(find(&planted.open().unwrap(), &sha512(b"here before")).is_some());
}

#[test]
fn a_part_that_loses_its_name_is_not_published() {
    let planted = Planted::new();
    let store = planted.open().unwrap();
    let wanted = sha512(b"tarball");
    let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    let DownloadLock::Acquired(mut part) =
        DownloadLock::acquire(&lookup, &wanted, None, vec![origin("react")]).unwrap()
    else {
        panic!()
    };
    part.begin(0, None).unwrap();
    part.write(b"tarball").unwrap();
    let receipt = part.finish().unwrap();
    planted.plant("link", &partial_name(b"tarball", "part"));
    let committer = larder_store::commit::Committer::start(&lookup, now());
    committer.submit(1, part.seal(receipt));
    let outcome = committer.finish().published.remove(0).1;
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(fs::symlink_metadata(planted.root().join(blob_name(b"tarball"))).is_err());
    planted.assert_untouched("replaced while it was downloaded");
    fetch(&store, &wanted, b"tarball").unwrap();
}
