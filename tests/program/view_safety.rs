//! What larder did not write, `larder view` does not remove.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::support::{Run, World, packages};

/// A person's files in this folder.
fn settle_in(folder: &Path) {
    fs::create_dir_all(folder.join("sub")).unwrap();
    for name in ["thesis.txt", ".ssh", "sub/x"] {
        fs::write(folder.join(name), "mine").unwrap();
    }
}

fn is_settled(folder: &Path) -> bool {
    ["thesis.txt", ".ssh", "sub/x"]
        .iter()
        .all(|name| fs::read_to_string(folder.join(name)).is_ok_and(|it| it == "mine"))
}

fn tarballs(world: &World, folder: &str) -> Run {
    world.run(&["view", "tarballs", folder, "--color", "never"])
}

/// That it was refused, in these words.
fn assert_refused(run: &Run, words: &str) {
    assert!(run.code == Some(1) && run.err.contains(words) && run.out.is_empty(), "{words}: {run:?}");
}

#[test]
fn files_that_somebody_added_to_a_view_stay_and_are_named() {
    let some = packages(3);
    let world = World::new(&some);
    assert_eq!(tarballs(&world, "out").code, Some(0));
    let out = world.project().join("out");
    settle_in(&out);
    for lockfile in [&some[..], &some[1..]] {
        world.lock(lockfile);
        assert_refused(&tarballs(&world, "out"), "out holds what larder did not write: .ssh, sub/x, thesis.txt\n");
        assert!(is_settled(&out) && out.join("package-0-1.0.0.tgz").exists());
    }
    for name in ["a", "b"] {
        fs::write(out.join(name), "").unwrap();
    }
    let run = tarballs(&world, "out");
    assert_refused(&run, ".ssh, a, b, and 2 more\n\nhint: move that elsewhere, or name another folder");
    for name in ["thesis.txt", ".ssh", "sub/x", "a", "b"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    // A link is nothing that a view has, wherever it leads.
    let elsewhere = world.project().join("elsewhere");
    settle_in(&elsewhere);
    symlink(&elsewhere, out.join("link")).unwrap();
    assert_refused(&tarballs(&world, "out"), "did not write: link\n");
    fs::remove_file(out.join("link")).unwrap();
    // An empty folder has nothing to lose.
    assert_eq!(tarballs(&world, "out").code, Some(0));
    assert!(is_settled(&elsewhere) && !out.join("sub").exists() && !out.join("package-0-1.0.0.tgz").exists());
}

#[test]
fn a_persons_file_of_a_views_name_is_told_by_its_length() {
    let some = packages(2);
    let world = World::new(&some);
    assert_eq!(tarballs(&world, "out").code, Some(0));
    let file = world.project().join("out/package-0-1.0.0.tgz");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "my own package").unwrap();
    assert_refused(&tarballs(&world, "out"), "did not write: package-0-1.0.0.tgz\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "my own package");
    // What a power loss leaves, or a failing disk, is put right.
    for damaged in [Vec::new(), vec![7; some[0].bytes.len()]] {
        fs::remove_file(&file).unwrap();
        fs::write(&file, damaged).unwrap();
        assert_eq!(tarballs(&world, "out").code, Some(0));
        assert_eq!(fs::read(&file).unwrap(), some[0].bytes);
    }
}

#[test]
fn a_project_into_which_a_view_was_copied_is_not_replaced() {
    let world = World::new(&packages(2));
    assert_eq!(tarballs(&world, "out").code, Some(0));
    let app = world.project().join("app");
    settle_in(&app);
    for entry in fs::read_dir(world.project().join("out")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), app.join(entry.file_name())).unwrap();
    }
    assert_refused(&tarballs(&world, "app"), "app holds what larder did not write: .ssh, sub/x, thesis.txt\n");
    assert!(is_settled(&app));
}

#[test]
fn a_mark_that_larder_did_not_write_makes_no_view_of_a_folder() {
    let world = World::new(&packages(1));
    let folder = world.project().join("mine");
    settle_in(&folder);
    let mark = folder.join(".larder-view");
    let refused = |what: &str| {
        assert_refused(&tarballs(&world, "mine"), what);
        assert!(is_settled(&folder));
    };
    for text in ["", "tarballs", "notes\n", "tarballs\nthesis.txt\n"] {
        fs::write(&mark, text).unwrap();
        refused("mine holds something else and is not a view\n");
    }
    // The marker of an earlier larder lists no files, so only those of the new view are its.
    fs::write(&mark, "tarballs\n").unwrap();
    refused("mine has the marker of an earlier larder, which lists no files; it contains .ssh, sub/x, thesis.txt\n");
    fs::remove_file(&mark).unwrap();
    symlink("/nonexistent", &mark).unwrap();
    refused("is not a view\n");
    fs::remove_file(&mark).unwrap();
    fs::create_dir(&mark).unwrap();
    refused("is not a view\n");
    fs::remove_dir(&mark).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&mark).status().unwrap().success());
    refused("is not a view\n");
}

#[test]
fn a_view_of_an_earlier_larder_is_replaced_where_every_file_is_one_of_the_new_view() {
    let some = packages(3);
    let world = World::new(&some);
    world.lock(&some[..2]);
    assert_eq!(tarballs(&world, "out").code, Some(0));
    let mark = world.project().join("out/.larder-view");
    let now = fs::read(&mark).unwrap();
    fs::remove_file(&mark).unwrap();
    fs::write(&mark, "tarballs\n").unwrap();
    world.lock(&some);
    assert_eq!(tarballs(&world, "out").code, Some(0));
    assert!(fs::read(&mark).unwrap().starts_with(&now));
    fs::remove_file(&mark).unwrap();
    fs::write(&mark, "tarballs\n").unwrap();
    world.lock(&some[1..]);
    let run = tarballs(&world, "out");
    assert_refused(
        &run,
        "out has the marker of an earlier larder, which lists no files; it contains package-0-1.0.0.tgz\n",
    );
    assert!(run.err.contains("hint: remove the folder, if nothing in it is your own; nothing was changed"), "{run:?}");
    let left = fs::read_dir(world.project()).unwrap().count();
    assert_eq!(left, 2, "lockfile and view: nothing is left beside them");
}

#[test]
fn what_npm_wrote_into_its_cache_does_not_stop_the_next_view() {
    let world = World::new(&packages(2));
    let view = || world.run(&["view", "npm-cache", "cache", "--color", "never"]);
    assert_eq!(view().code, Some(0));
    let cache = world.project().join("cache");
    let of_npm =
        ["_logs/2026-01-01T00_00_00_000Z-debug-0.log", "_update-notifier-last-checked", "_cacache/index-v5/aa/bb/cc"];
    for path in of_npm {
        let path = cache.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "npm's").unwrap();
    }
    assert_eq!(view().code, Some(0));
    assert!(of_npm.iter().all(|path| !cache.join(path).exists()));
    fs::write(cache.join("_cacache/notes.txt"), "mine").unwrap();
    assert_refused(&view(), "did not write: _cacache/notes.txt\n");
}

#[test]
fn what_install_scripts_keep_in_npms_cache_goes_over_to_the_next_view() {
    let some = packages(3);
    let world = World::new(&some);
    let view = || world.run(&["view", "npm-cache", "cache", "--color", "never"]);
    world.lock(&some[..2]);
    assert_eq!(view().code, Some(0));
    let cache = world.project().join("cache");
    let kept = ["_prebuilds/a-b.tar.gz", "node-sass/9.0.0/binding.node", "_npx/0123456789abcdef/package.json"];
    for path in kept {
        let path = cache.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "downloaded").unwrap();
    }
    let is_kept = || kept.iter().all(|path| fs::read_to_string(cache.join(path)).is_ok_and(|it| it == "downloaded"));
    for lockfile in [&some[..2], &some[..], &some[1..]] {
        world.lock(lockfile);
        let run = view();
        assert_eq!((run.code, is_kept()), (Some(0), true), "{run:?}");
    }
    assert_eq!(fs::read_dir(world.project()).unwrap().count(), 2, "nothing is left beside the view");
    // A view of another kind is no cache, and takes nothing over.
    assert_refused(&tarballs(&world, "cache"), "cache holds what larder did not write: ");
    assert!(is_kept());
}

#[test]
fn a_file_that_yarn_put_into_its_mirror_does_not_stop_the_next_view_that_has_it() {
    let some = packages(2);
    let world = World::new(&some);
    world.lock(&some[..1]);
    assert_eq!(tarballs(&world, "out").code, Some(0));
    let added = world.project().join("out/package-1-1.0.0.tgz");
    fs::write(&added, &some[1].bytes).unwrap();
    assert_refused(&tarballs(&world, "out"), "did not write: package-1-1.0.0.tgz\n");
    world.lock(&some);
    let run = tarballs(&world, "out");
    assert_eq!(run.code, Some(0), "its bytes are those of the new view: {run:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&added).unwrap().permissions());
    assert_eq!((fs::read(&added).unwrap(), mode & 0o7777), (some[1].bytes.clone(), 0o444));
}

#[test]
fn no_view_goes_into_the_store_or_takes_the_place_of_a_store_a_project_or_a_home() {
    let world = World::new(&packages(1));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let store = world.store();
    symlink(store.join("blobs"), world.project().join("link")).unwrap();
    for inside in ["", "blobs", "partial", "new", "a/b"] {
        let inside = store.join(inside).display().to_string();
        assert_refused(&tarballs(&world, &inside), "lies in the store");
    }
    assert_refused(&tarballs(&world, "link/new"), "lies in the store");
    assert!(!store.join("new").exists() && !store.join("a").exists() && store.join("blobs").exists());
    // Empty, so that nothing else stands in the way.
    let apart = world.folder.path().join("apart");
    fs::create_dir(&apart).unwrap();
    let apart = apart.display().to_string();
    let run = world.run(&["--store", &format!("{apart}/store"), "view", "tarballs", &apart, "--color", "never"]);
    assert_refused(&run, "is, or holds, the store");
    let home = world.folder.path().join("home").display().to_string();
    assert_refused(&tarballs(&world, &home), "is, or holds, your home folder");
    for project in [".", ".."] {
        assert_refused(&tarballs(&world, project), "is, or holds, the ");
    }
    assert_refused(&tarballs(&world, "/"), "is, or holds, the ");
    assert_eq!(world.run(&["verify"]).code, Some(0));
}

#[test]
fn a_folder_of_a_scratch_folders_name_keeps_what_larder_did_not_write() {
    let world = World::new(&packages(1));
    let folders = [".out.larder-abcdefghijkl", ".out.larder-bbcdefghijkl", ".out.larder-cbcdefghijkl"]
        .map(|name| world.project().join(name));
    for folder in &folders {
        settle_in(folder);
    }
    fs::write(folders[1].join(".larder-view"), "tarballs\n1 a.tgz\n").unwrap();
    fs::write(folders[1].join("a.tgz"), "a").unwrap();
    fs::write(folders[2].join(".larder-scratch"), "").unwrap();
    assert_eq!(tarballs(&world, "out").code, Some(0));
    assert!(folders.iter().all(|folder| is_settled(folder)));
    assert!(!folders[1].join("a.tgz").exists(), "what the mark names goes");
}
