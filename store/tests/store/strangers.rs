//! A folder that is not a store's is left as it is, whatever its names are; and a store that lost `meta.json` is still one.

use std::{fs, path::Path, time::SystemTime};

use larder_store::{Store, StoreError, digest::BlobId};

use crate::support::{now, put, sha512, store};

/// Every file with its bytes.
fn all(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push((entry.path(), fs::read(entry.path()).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_with_names_of_a_store_and_somebody_elses_files_is_left_alone() {
    let hex = "0".repeat(64);
    for files in [
        &["partial/thesis.part"][..],
        &["partial/"],
        &["remembered/holidays.jpg"],
        &[&format!("remembered/{hex}")],
        &[&format!("partial/{hex}.part")],
        &["blobs/ab/mine"],
        &["blobs/", "partial/thesis.part"],
        &["blobs/", "lock"],
        &["blobs/", "damaged/mine"],
        &["blobs/", "receipts/ab/mine.json"],
        &["receipts/"],
        &["meta.json"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            if file.ends_with('/') {
                fs::create_dir(path).unwrap();
                continue;
            }
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // An empty meta.json alone says nothing of whose the folder is.
            fs::write(&path, if *file == "meta.json" { "" } else { "mine" }).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH;
            fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        let before = all(folder.path());
        for opened in [Store::open(folder.path()).map(|_| ()), Store::open_if_present(folder.path()).map(|_| ())] {
            assert!(matches!(opened, Err(StoreError::NotAStore { .. })), "{files:?}: {opened:?}");
        }
        assert_eq!(all(folder.path()), before, "{files:?}");
    }
}

#[test]
fn what_a_kill_leaves_of_a_store_that_is_made_becomes_one() {
    for made in [&["blobs"][..], &["blobs", "receipts"], &["blobs", "receipts", "partial", ".new-0123456789ab"]] {
        let folder = tempfile::tempdir().unwrap();
        for name in made {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let store = Store::open(folder.path()).unwrap();
        put(&store, b"tarball");
    }
}

#[test]
fn an_empty_meta_json_in_a_store_is_written_again() {
    for left in [&b""[..], &[0; 30]] {
        for makes in [true, false] {
            let (folder, store) = store();
            let found = put(&store, b"tarball");
            // Of every kind, something: a damaged blob, a broken index, a download under way.
            fs::create_dir(folder.path().join("damaged")).unwrap();
            fs::write(folder.path().join("damaged").join(BlobId::of(b"").to_string()), "x").unwrap();
            fs::create_dir(folder.path().join("index-sled-v1.broken")).unwrap();
            let name = format!("partial/{}.part", "1".repeat(64));
            fs::write(folder.path().join(name), "half").unwrap();
            drop(store);
            fs::write(folder.path().join("meta.json"), left).unwrap();
            let store = if makes {
                Store::open(folder.path()).unwrap()
            } else {
                Store::open_if_present(folder.path()).unwrap().unwrap()
            };
            let wanted = sha512(b"tarball");
            let lookup = store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
            assert_eq!(lookup.find(&wanted), Some(found));
            let written = fs::read_to_string(folder.path().join("meta.json")).unwrap();
            assert_eq!(written, r#"{"format":1,"needs":"0.1.0"}"#);
        }
    }
}

#[test]
fn only_files_of_their_own_form_are_swept() {
    let (folder, store) = store();
    let long_ago = SystemTime::now() - std::time::Duration::from_hours(30 * 24);
    let write = |name: String| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        path
    };
    let mine = [write("partial/thesis.part".to_owned()), write("remembered/mine".to_owned())];
    let swept = write(format!("partial/{}.part", "2".repeat(64)));
    let remembered: Vec<_> = (0..70).map(|number| write(format!("remembered/{number:064x}"))).collect();
    put(&store, b"tarball");
    let wanted = sha512(b"tarball");
    store.lookup(std::slice::from_ref(&wanted), now()).unwrap();
    assert!(mine.iter().all(|path| path.exists()));
    assert!(!swept.exists());
    assert_eq!(remembered.iter().filter(|path| path.exists()).count(), 63);
}
