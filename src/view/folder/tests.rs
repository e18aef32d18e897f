//! Tests of publishing a view: a stopped build, and a file that is added during the swap.

use std::cell::Cell;

use super::*;

#[test]
fn a_view_that_is_stopped_leaves_what_was_there_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let parent = folder.path().join("views");
    let target = parent.join("view");
    let layout = |text: &str| {
        let mut layout = Layout::default();
        for number in 0..9 {
            layout.insert(format!("folder/{number}"), Content::Bytes(text.as_bytes().to_vec()));
        }
        layout
    };
    publish(&store, layout("before"), "tarballs", &target, &|| false).unwrap();
    for at in 0..9 {
        let asked = Cell::new(0);
        let is_stopped = || asked.replace(asked.get() + 1) == at;
        let stopped = publish(&store, layout("after"), "tarballs", &target, &is_stopped);
        assert!(matches!(stopped, Err(ViewError::Interrupted)), "{at}: {stopped:?}");
        assert_eq!(fs::read_to_string(target.join("folder/8")).unwrap(), "before");
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    }
    publish(&store, layout("after"), "tarballs", &target, &|| false).unwrap();
    assert_eq!(fs::read_to_string(target.join("folder/8")).unwrap(), "after");
}

#[test]
fn a_file_that_comes_into_a_view_while_it_is_replaced_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let target = folder.path().join("views/view");
    let layout = |text: &str| {
        let mut layout = Layout::default();
        layout.insert("a/b".to_owned(), Content::Bytes(text.as_bytes().to_vec()));
        layout
    };
    publish(&store, layout("before"), "tarballs", &target, &|| false).unwrap();
    let comes = || {
        fs::write(target.join("a/thesis"), "mine").unwrap();
        false
    };
    let Err(ViewError::LeftOver { aside, .. }) = publish(&store, layout("after"), "tarballs", &target, &comes) else {
        panic!("it is said");
    };
    assert_eq!(fs::read_to_string(aside.join("a/thesis")).unwrap(), "mine");
    assert!(!aside.join("a/b").exists(), "what larder wrote is gone");
    assert_eq!(fs::read_to_string(target.join("a/b")).unwrap(), "after");
    // The next view finds it beside its own, and leaves it.
    publish(&store, layout("later"), "tarballs", &target, &|| false).unwrap();
    assert_eq!(fs::read_to_string(aside.join("a/thesis")).unwrap(), "mine");
}
