//! Whatever is not a blob or a receipt may vanish at any time, under a running process too: it costs at most the download that was under way.

use std::{
    fs,
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, SystemTime},
};

use larder_store::{
    Store,
    commit::Committer,
    digest::{Algorithm, BlobId, Digest},
    key::Wanted,
    verify::verify,
};

use crate::support::{begun, fetch, fetch_as, now, origin, put, sha512, store};

const DERIVED: [&str; 7] = ["partial", "lock", "index.lock", "remembered", "index-sled-v1", "gone", "rows"];

fn remove(root: &Path, name: &str) {
    let path = root.join(name);
    drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) });
}

#[test]
fn a_folder_that_vanishes_before_a_download_is_made_again() {
    for name in DERIVED {
        let (folder, store) = store();
        put(&store, b"before");
        store.lookup(&[sha512(b"before")], jiff::Timestamp::now()).unwrap();
        let wanted = sha512(b"after");
        let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
        remove(folder.path(), name);
        let committer = Committer::start(&lookup, now());
        let mut part = begun(&lookup, &wanted, vec![origin("a")]);
        part.write(b"after").unwrap();
        let receipt = part.finish().unwrap();
        committer.submit(0, part.seal(receipt));
        let published = committer.finish().published;
        assert!(published[0].1.is_ok(), "{name}: {published:?}");
        for bytes in [&b"before"[..], b"after"] {
            let found = store.lookup(&[sha512(bytes)], now()).unwrap().find(&sha512(bytes));
            assert_eq!(found.map(|found| found.blob), Some(BlobId::of(bytes)), "{name}");
        }
    }
}

#[test]
fn one_that_vanishes_under_a_download_costs_that_download_at_most() {
    for name in DERIVED {
        let (folder, store) = store();
        let wanted = sha512(b"tarball");
        let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
        let committer = Committer::start(&lookup, now());
        let mut part = begun(&lookup, &wanted, vec![origin("a")]);
        part.write(b"tar").unwrap();
        remove(folder.path(), name);
        part.write(b"ball").unwrap();
        let receipt = part.finish().unwrap();
        committer.submit(0, part.seal(receipt));
        let published = committer.finish().published;
        assert_eq!(published[0].1.is_ok(), name != "partial", "{name}: {published:?}");
        // The same process goes on.
        if name == "partial" {
            fetch(&store, &wanted, b"tarball").unwrap();
        }
        let found = store.lookup(std::slice::from_ref(&wanted), now()).unwrap().find(&wanted);
        assert_eq!(found.map(|found| found.blob), Some(BlobId::of(b"tarball")), "{name}");
        assert!(verify(&store, 1, &|_| {}).unwrap().faults.is_empty(), "{name}");
    }
}

#[test]
fn a_part_unmodified_for_7_days_is_deleted_by_the_next_run_that_commits_files() {
    let (folder, store) = store();
    let age = |name: &str, days: u64| {
        let path = folder.path().join("partial").join(name);
        fs::write(&path, "bytes").unwrap();
        let modified = SystemTime::now() - Duration::from_hours(24 * days);
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        path
    };
    let (old, young, held) = ("0".repeat(64), "1".repeat(64), "2".repeat(64));
    let state = age(&format!("{old}.json"), 8);
    let old = age(&format!("{old}.part"), 8);
    let young = age(&format!("{young}.part"), 6);
    let held = age(&format!("{held}.part"), 8);
    let lock = fs::File::open(&held).unwrap();
    lock.lock().unwrap();
    store.lookup(&[sha512(b"tarball")], now()).unwrap();
    assert!(old.exists(), "a run that commits nothing deletes nothing");
    put(&store, b"tarball");
    assert!(!old.exists() && !state.exists());
    assert!(young.exists() && held.exists(), "one is younger, and one is somebody's");
}

#[test]
fn two_that_write_one_receipt_at_once_lose_nothing_of_each_other() {
    let (folder, _store) = store();
    for round in 0..12_u8 {
        let bytes = [round; 40];
        let commit = Wanted::Identity(format!("git github owner/repository#{round:040}"));
        let sha1 = Wanted::Integrity(Digest::of(Algorithm::Sha1, &bytes).into());
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for (wanted, name) in [(&commit, "one"), (&sha1, "two")] {
                let (start, bytes, folder) = (&start, &bytes, &folder);
                scope.spawn(move || {
                    // Each its own store, opened like a process does.
                    let store = Store::open(folder.path()).unwrap();
                    let identity = match wanted {
                        Wanted::Identity(identity) => Some(identity.clone()),
                        Wanted::Integrity(_) => None,
                    };
                    let origins = vec![larder_store::receipt::Origin { identity, ..origin(name) }];
                    start.wait();
                    fetch_as(&store, wanted, bytes, origins).unwrap();
                });
            }
        });
        let store = Store::open(folder.path()).unwrap();
        let receipt = store.receipt(&BlobId::of(&bytes)).unwrap();
        let names: Vec<&str> = receipt.origins.iter().map(|origin| origin.name.as_str()).collect();
        assert_eq!(names, ["one", "two"], "round {round}");
        let both = [commit, sha1];
        let lookup = store.lookup(&both, now()).unwrap();
        assert!(both.iter().all(|wanted| lookup.find(wanted).is_some()), "round {round}");
    }
}
