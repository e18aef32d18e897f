//! Rows that were recorded beside a lockfile.

use std::{
    fs,
    path::{Path, PathBuf},
};

use larder_store::{Rows, Store, digest::BlobId, seed};

fn lockfile(text: &str) -> BlobId {
    BlobId::of(text.as_bytes())
}

fn text(path: &Path, rows: &str) -> Rows {
    Rows::Text { path: path.to_owned(), text: rows.as_bytes().to_vec() }
}

/// Where a store in this folder has the rows of a lockfile.
fn place(root: &Path, lockfile: &BlobId) -> PathBuf {
    root.join(seed::rows(lockfile, b"").0)
}

/// A seed with these rows.
fn seed_of(root: &Path, rows: &[(&BlobId, &str)]) {
    fs::create_dir_all(root.join("rows")).unwrap();
    let (name, bytes) = seed::meta();
    fs::write(root.join(name), bytes).unwrap();
    for (lockfile, rows) in rows {
        let (name, bytes) = seed::rows(lockfile, rows.as_bytes());
        fs::write(root.join(name), bytes).unwrap();
    }
}

#[test]
fn rows_are_those_of_one_lockfile_until_others_or_none_take_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (one, other) = (lockfile("one"), lockfile("other"));
    assert_eq!(store.rows(&one), Rows::None);
    store.keep_rows(&one, None).unwrap();
    assert!(!Store::may_have_rows(store.root()));
    store.keep_rows(&one, Some(b"first")).unwrap();
    assert!(Store::may_have_rows(store.root()));
    store.keep_rows(&one, Some(b"second")).unwrap();
    assert_eq!((store.rows(&one), store.rows(&other)), (text(&place(store.root(), &one), "second"), Rows::None));
    drop(store);
    let store = Store::open(&folder.path().join("store")).unwrap();
    assert_eq!(store.rows(&one), text(&place(store.root(), &one), "second"));
    store.keep_rows(&one, None).unwrap();
    assert_eq!(store.rows(&one), Rows::None);
}

#[test]
fn a_seeds_rows_are_all_that_there_are_and_a_writable_stores_have_no_say_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let [root, below, beside] = ["store", "below", "beside"].map(|name| folder.path().join(name));
    let (one, other) = (lockfile("one"), lockfile("other"));
    let store = Store::open(&root).unwrap();
    store.keep_rows(&one, Some(b"planted")).unwrap();
    store.keep_rows(&other, Some(b"planted")).unwrap();
    drop(store);
    seed_of(&below, &[(&one, "the project's")]);
    seed_of(&beside, &[]);
    for (first, second) in [(&below, &beside), (&beside, &below)] {
        let store = Store::open_over(&root, first).unwrap().over_another(second).unwrap();
        assert_eq!((store.rows(&one), store.rows(&other)), (text(&place(&below, &one), "the project's"), Rows::None));
        // Where nothing can be written, the seed is the store.
        let store = Store::open_over(first, first).unwrap().over_another(second).unwrap();
        assert_eq!((store.rows(&one), store.rows(&other)), (text(&place(&below, &one), "the project's"), Rows::None));
    }
}

#[test]
fn what_is_not_as_it_was_written_or_another_lockfiles_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (one, other) = (lockfile("one"), lockfile("other"));
    store.keep_rows(&one, Some(b"rows")).unwrap();
    let path = |lockfile: &BlobId| place(store.root(), lockfile);
    fs::copy(path(&one), path(&other)).unwrap();
    assert_eq!(store.rows(&other), Rows::Damaged(path(&other)), "it has the name of another lockfile");
    let whole = fs::read(path(&one)).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(path(&one), flipped).unwrap();
        assert_eq!(store.rows(&one), Rows::Damaged(path(&one)), "byte {at}");
    }
    fs::write(path(&one), "").unwrap();
    assert_eq!(store.rows(&one), Rows::Damaged(path(&one)));
    store.keep_rows(&one, Some(b"rows")).unwrap();
    assert_eq!(store.rows(&one), text(&place(store.root(), &one), "rows"));
    fs::remove_file(path(&one)).unwrap();
    fs::write(folder.path().join("elsewhere"), whole).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), path(&one)).unwrap();
    assert_eq!(store.rows(&one), Rows::None, "a link is not followed");
}

#[test]
fn another_users_rows_are_not_believed_in_a_shared_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let one = lockfile("one");
    store.keep_rows(&one, Some(b"rows")).unwrap();
    let path = place(store.root(), &one);
    // Only root can give a file away.
    if std::os::unix::fs::chown(&path, Some(4711), None).is_ok() {
        assert_eq!(store.rows(&one), Rows::None);
        store.keep_rows(&one, Some(b"rows")).unwrap();
        assert_eq!(store.rows(&one), text(&place(store.root(), &one), "rows"));
    }
}

#[test]
fn the_rows_of_the_newest_lockfiles_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let rows = store.root().join("rows");
    fs::create_dir(&rows).unwrap();
    for number in 0..256_u64 {
        let old = fs::File::create(rows.join(format!("{number:064}"))).unwrap();
        old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(number)).unwrap();
    }
    let one = lockfile("one");
    store.keep_rows(&one, Some(b"rows")).unwrap();
    assert_eq!(fs::read_dir(&rows).unwrap().count(), 256);
    assert!(store.rows(&one) == text(&place(store.root(), &one), "rows") && !rows.join(format!("{:064}", 0)).exists());
}
