//! Notes that a package's file is gone.

use std::{fs, path::Path};

use larder_store::{
    Store,
    digest::{Algorithm, Digest, Integrity},
    key::Wanted,
    seed,
};

/// Where the note is in a store.
fn path(root: &Path, wanted: &Wanted, address: &str) -> std::path::PathBuf {
    root.join(seed::gone(wanted, address).0)
}

fn wanted(text: &str) -> Wanted {
    Wanted::Integrity(Integrity::from(Digest::of(Algorithm::Sha512, text.as_bytes())))
}

#[test]
fn a_note_is_about_one_file_at_one_address_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (one, identity) = (wanted("one"), Wanted::Identity("npm a 1.0.0".to_owned()));
    store.note_gone(&one, "https://registry.example/a.tgz");
    store.note_gone(&identity, "https://registry.example/a.tgz");
    assert!(store.is_noted_gone(&one, "https://registry.example/a.tgz"));
    assert!(store.is_noted_gone(&identity, "https://registry.example/a.tgz"));
    assert!(!store.is_noted_gone(&one, "https://other.example/a.tgz"));
    assert!(!store.is_noted_gone(&wanted("other"), "https://registry.example/a.tgz"));
    store.forget_gone(&one, "https://registry.example/a.tgz");
    store.forget_gone(&one, "https://registry.example/a.tgz");
    assert!(!store.is_noted_gone(&one, "https://registry.example/a.tgz"));
    assert!(store.is_noted_gone(&identity, "https://registry.example/a.tgz"));
}

#[test]
fn a_seeds_note_without_an_address_is_about_bytes_that_a_digest_names() {
    let folder = tempfile::tempdir().unwrap();
    let (folder_of_seed, one) = (folder.path().join("seed"), wanted("one"));
    drop(Store::open(&folder_of_seed).unwrap());
    let identity = Wanted::Identity("npm a 1.0.0".to_owned());
    let (name, bytes) = seed::gone_anywhere(&one).unwrap();
    fs::create_dir(folder_of_seed.join("gone")).unwrap();
    fs::write(folder_of_seed.join(name), bytes).unwrap();
    fs::write(path(&folder_of_seed, &identity, ""), "").unwrap();
    let store = Store::open_over(&folder.path().join("store"), &folder_of_seed).unwrap();
    assert!(store.is_noted_gone_anywhere(&one) && !store.is_noted_gone_anywhere(&wanted("other")));
    assert!(seed::gone_anywhere(&identity).is_none() && !store.is_noted_gone_anywhere(&identity));
}

#[test]
fn a_note_of_the_store_below_counts_and_a_link_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (above, below) = (folder.path().join("above"), folder.path().join("below"));
    let (one, address) = (wanted("one"), "https://registry.example/a.tgz");
    Store::open(&below).unwrap().note_gone(&one, address);
    let store = Store::open_over(&above, &below).unwrap();
    assert!(store.is_noted_gone(&one, address));
    let note = path(&below, &one, address);
    fs::remove_file(&note).unwrap();
    std::os::unix::fs::symlink("/dev/null", &note).unwrap();
    assert!(!store.is_noted_gone(&one, address));
}

#[test]
fn the_newest_thousand_notes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let notes = store.root().join("gone");
    fs::create_dir(&notes).unwrap();
    for number in 0..1000 {
        let old = fs::File::create(notes.join(format!("{number:064}"))).unwrap();
        old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64)).unwrap();
    }
    let one = wanted("one");
    store.note_gone(&one, "a");
    assert_eq!(fs::read_dir(&notes).unwrap().count(), 1000);
    assert!(store.is_noted_gone(&one, "a") && !notes.join(format!("{:064}", 0)).exists());
}

#[test]
fn a_store_that_cannot_be_written_gives_its_notes_and_takes_none() {
    let folder = tempfile::tempdir().unwrap();
    let (root, address) = (folder.path().join("store"), "https://registry.example/a.tgz");
    let (noted, other) = (wanted("noted"), wanted("other"));
    Store::open(&root).unwrap().note_gone(&noted, address);
    let store = Store::open_to_read(&root).unwrap().unwrap();
    assert!(!store.is_writable() && store.is_noted_gone(&noted, address));
    store.note_gone(&other, address);
    assert!(!store.is_noted_gone(&other, address) && !path(&root, &other, address).exists());
    assert_eq!(fs::read_dir(root.join("gone")).unwrap().count(), 1);
}
