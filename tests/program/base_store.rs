//! A base store: read below the one that is written, and never written itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use larder_test_server::Reply;

use crate::{
    support::{Package, Run, World, can_unshare, finish, gzip, in_mount_namespace, packages, program, tar_of, tarball},
    view::files,
};

fn base(world: &World) -> PathBuf {
    world.folder.path().join("base")
}

/// A world whose base store has these packages, whose store is not there yet, and whose server was asked nothing.
fn based(packages: &[Package]) -> World {
    let world = World::new(packages);
    let run = world.run(&["fetch", "--store", "../base"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    world.server.forget();
    world
}

fn two() -> [Package; 2] {
    ["one", "two"].map(|name| Package::new(name, tarball(name, "module.exports = 1")))
}

fn blobs(store: &Path) -> usize {
    files(&store.join("blobs")).values().filter(|(_, bytes)| !bytes.is_empty()).count()
}

/// Puts other bytes into the file of a package's blob.
fn damage(store: &Path, package: &Package) {
    let all = files(&store.join("blobs"));
    let (name, _) = all.iter().find(|(_, (_, bytes))| *bytes == package.bytes).unwrap();
    let path = store.join("blobs").join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = package.bytes.clone();
    bytes[12] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Takes all rights to write from a folder and what is in it, or gives them back.
fn set_writable(folder: &Path, is_writable: bool) {
    let script = if is_writable { "u+w" } else { "a-w" };
    assert!(std::process::Command::new("chmod").args(["-R", script]).arg(folder).status().unwrap().success());
}

fn with_variable(world: &World, value: &str, arguments: &[&str]) -> Run {
    let mut command = world.command(arguments);
    command.env("LARDER_OVER", value);
    finish(command)
}

#[test]
fn what_the_base_store_has_is_neither_asked_for_nor_copied() {
    let world = based(&two());
    let before = files(&base(&world));
    let run = world.run(&["fetch", "--over", "../base"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.out.contains("2 artifacts = 2 already here + 0 fetched + 0 failed"), "{run:?}");
    let run = world.run(&["view", "tarballs", "out", "--offline", "--over", "../base"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read_dir(world.project().join("out")).unwrap().count(), 3, "two tarballs and larder's mark");
    assert_eq!((world.server.requests().len(), blobs(&world.store())), (0, 0));
    assert!(files(&base(&world)) == before, "the base store has changed");
}

#[test]
fn without_it_again_the_store_has_what_was_fetched_for_it_alone() {
    let world = based(&two());
    for _ in 0..2 {
        assert_eq!(world.run(&["fetch", "--offline", "--over", "../base"]).code, Some(0));
    }
    let run = world.run(&["fetch", "--offline"]);
    assert!(run.out.contains("2 artifacts = 0 already here + 0 fetched + 2 failed"), "{run:?}");
    let run = world.run(&["fetch"]);
    assert!(run.out.contains("2 artifacts = 0 already here + 2 fetched + 0 failed"), "{run:?}");
    assert_eq!(blobs(&world.store()), 2);
}

#[test]
fn what_it_lacks_is_fetched_into_the_store() {
    let [one, two] = two();
    let world = based(std::slice::from_ref(&one));
    world.server.on(&two.path(), Reply::body(two.bytes.clone()));
    world.lock(&[one, two]);
    let run = with_variable(&world, "../base", &["fetch"]);
    assert!(run.out.contains("2 artifacts = 1 already here + 1 fetched + 0 failed"), "{run:?}");
    assert_eq!((world.server.requests().len(), blobs(&world.store()), blobs(&base(&world))), (1, 1, 1));
}

#[test]
fn larder_toml_names_it_relative_to_itself() {
    let world = based(&packages(1));
    world.write("larder.toml", "[store]\nover = \"../base\"\n");
    for (folder, arguments) in [("project", &["fetch", "--offline"][..]), ("", &["fetch", "project", "--offline"])] {
        let mut command = world.command(arguments);
        command.current_dir(world.folder.path().join(folder));
        let run = finish(command);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    }
    assert_eq!(world.server.requests().len(), 0);
    world.write("larder.toml", "[store]\nover = \"\"\n");
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("store.over"), "{run:?}");
}

#[test]
fn what_is_typed_wins() {
    let world = based(&packages(1));
    let offline = ["fetch", "--offline"];
    world.write("larder.toml", "[store]\nover = \"nowhere\"\n");
    assert_eq!(world.run(&offline).code, Some(1));
    let run = with_variable(&world, "../base", &offline);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let run = with_variable(&world, "nowhere", &[&offline[..], &["--over", "../base"]].concat());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn a_base_store_that_is_missing_is_an_error_if_it_was_typed_and_else_a_warning() {
    let world = World::new(&packages(1));
    world.write("folder/file", "of somebody");
    fs::write(world.project().join("file"), "").unwrap();
    for unfit in ["nowhere", "folder", "file"] {
        let run = world.run(&["fetch", "--over", unfit]);
        assert_eq!((run.code, run.out.as_str(), world.server.requests().len()), (Some(4), "", 0), "{run:?}");
        assert!(
            run.err.starts_with(&format!("error: the base store {}", world.project().join(unfit).display())),
            "{run:?}"
        );
    }
    insta::assert_snapshot!(world.plain(&world.run(&["status", "--over", "nowhere"]).err), @r"
    error: the base store [folder]/project/nowhere: there is no store

    hint: mount it, or make it with `larder fetch --store [folder]/project/nowhere`; without --over, larder does without one
    ");
    world.write("larder.toml", "[store]\nover = \"nowhere\"\n");
    let run = world.run(&["fetch"]);
    assert_eq!((run.code, world.server.requests().len()), (Some(0), 1), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.err), @r"
    warning: the base store [folder]/project/nowhere: there is no store, and larder does without it
    fetching 1 file
    ");
    let run = with_variable(&world, "elsewhere", &["fetch"]);
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(world.plain(&run.err), @"warning: the base store [folder]/project/elsewhere: there is no store, and larder does without it");
}

#[test]
fn a_damaged_or_newer_one_is_said_to_be_that() {
    let world = based(&packages(1));
    fs::write(base(&world).join("meta.json"), r#"{"format": 7, "needs": "9.0.0"}"#).unwrap();
    let run = world.run(&["fetch", "--over", "../base"]);
    assert_eq!(run.code, Some(4));
    assert!(run.err.contains("has format 7, which needs larder 9.0.0 or newer"), "{run:?}");
    let run = with_variable(&world, "../base", &["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.starts_with("warning: the base store ") && run.err.contains("format 7"), "{run:?}");
}

#[test]
fn the_machine_that_fills_it_has_the_same_settings() {
    let world = World::new(&packages(1));
    world.write("larder.toml", "[store]\nover = \"../store\"\n");
    for _ in 0..2 {
        let run = world.run(&["fetch"]);
        assert_eq!((run.code, blobs(&world.store())), (Some(0), 1), "{run:?}");
        assert!(!run.err.contains("warning"), "{run:?}");
    }
    let run = world.run(&["fetch", "--over", "../store"]);
    assert_eq!(run.code, Some(4));
    assert!(run.err.contains(" is the store itself\n"), "{run:?}");
}

#[test]
fn what_is_damaged_in_it_is_fetched_anew_into_the_store() {
    let world = based(&two());
    damage(&base(&world), &two()[0]);
    let before = files(&base(&world));
    let run = world.run(&["view", "tarballs", "out", "--over", "../base"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("one 1.0.0: its blob was damaged, and was fetched again"), "{run:?}");
    assert_eq!((world.server.requests().len(), blobs(&world.store())), (1, 1));
    assert!(files(&base(&world)) == before, "the base store has changed");
    let run = world.run(&["view", "tarballs", "out", "--offline", "--over", "../base"]);
    assert_eq!((run.code, world.server.requests().len()), (Some(0), 1), "{run:?}");
}

#[test]
fn one_that_nobody_may_write_serves_as_well() {
    let world = based(&two());
    set_writable(&base(&world), false);
    let offline = ["fetch", "--offline", "--over", "../base"];
    let run = world.run(&offline);
    let verified = world.run(&["verify", "--over", "../base"]);
    set_writable(&base(&world), true);
    assert_eq!((run.code, verified.code), (Some(0), Some(0)), "{run:?} {verified:?}");
    assert_eq!(world.server.requests().len(), 0);
}

#[test]
fn one_on_a_read_only_mount_serves_as_well() {
    if !can_unshare(&["--user", "--map-root-user", "--mount"], "one_on_a_read_only_mount_serves_as_well") {
        return;
    }
    let world = based(&two());
    let script = "mount --bind ../base ../base && mount -o remount,bind,ro ../base && ! touch ../base/new 2>/dev/null
        \"$LARDER\" fetch --offline --over ../base && \"$LARDER\" view tarballs out --offline --over ../base";
    let run = in_mount_namespace(&world, script);
    assert_eq!((run.code, run.err.as_str(), world.server.requests().len()), (Some(0), "", 0), "{run:?}");
}

#[test]
fn one_without_a_lock_file_or_an_index_serves_as_well() {
    let world = based(&two());
    fs::remove_file(base(&world).join("lock")).unwrap();
    fs::remove_dir_all(base(&world).join("index-sled-v1")).unwrap();
    let run = world.run(&["fetch", "--offline", "--over", "../base"]);
    assert_eq!((run.code, blobs(&world.store())), (Some(0), 0), "{run:?}");
    assert!(!base(&world).join("lock").exists());
}

#[test]
fn status_and_verify_say_what_they_look_at() {
    let [one, two] = two();
    let world = based(std::slice::from_ref(&one));
    world.server.on(&two.path(), Reply::body(two.bytes.clone()));
    world.lock(std::slice::from_ref(&two));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.write("larder.toml", "[store]\nover = \"../base\"\n");
    let status = world.plain(&world.run(&["status"]).out);
    let lines: Vec<&str> = status.lines().take(3).collect();
    let sizes = [two.bytes.len(), one.bytes.len()];
    assert_eq!(
        lines,
        [
            "[folder]/store".to_owned(),
            format!("blobs      1 file, {} B", sizes[0]),
            format!("below      1 file, {} B, in [folder]/project/../base, which is only read", sizes[1]),
        ]
    );
    let document: serde_json::Value = serde_json::from_str(&world.run(&["status", "--json"]).out).unwrap();
    assert_eq!(document["below_in"], serde_json::json!([world.project().join("../base")]));
    let verified = world.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let lines = world.plain(&verified.out);
    assert_eq!(lines.lines().next().unwrap(), "[folder]/store and [folder]/project/../base, which is only read:");
    assert!(lines.lines().nth(1).unwrap().starts_with("2 blobs read, "), "{lines}");
    damage(&base(&world), &one);
    let verified = world.run(&["verify"]);
    assert_eq!(verified.code, Some(4), "{verified:?}");
    assert!(verified.err.contains("one 1.0.0"), "{verified:?}");
    world.write("larder.toml", "no-such-key = 1\n");
    let run = world.run(&["status"]);
    assert_eq!(run.code, Some(0));
    assert!(run.err.starts_with("warning: ") && run.err.contains("no-such-key"), "{run:?}");
}

#[test]
fn a_seed_beside_the_binary_is_read_as_well() {
    let [one, two] = two();
    let world = based(std::slice::from_ref(&one));
    world.server.on(&two.path(), Reply::body(two.bytes.clone()));
    world.lock(std::slice::from_ref(&two));
    let beside = world.folder.path().join("beside");
    assert_eq!(world.run(&["fetch", "--store", beside.join("store").to_str().unwrap()]).code, Some(0));
    let larder = beside.join("bin/larder");
    fs::create_dir(larder.parent().unwrap()).unwrap();
    // The same file by another name: what runs is found beside that.
    if fs::hard_link(program(), &larder).is_err() {
        fs::copy(program(), &larder).unwrap();
    }
    world.server.forget();
    world.lock(&[one, two]);
    let mut command = std::process::Command::new(larder);
    let prepared = world.command(&[]);
    command.env_clear().envs(prepared.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.current_dir(world.project());
    command.args(["fetch", "--offline", "--over", "../base"]);
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("2 artifacts = 2 already here"), "{run:?}");
}

#[test]
fn a_bill_of_materials_reads_it_without_a_store() {
    let app = Package::new("app", gzip(&tar_of("package", &[("package.json", r#"{"license": "MIT"}"#)]), 6));
    let world = based(&[app]);
    let run = world.run(&["sbom", "--over", "../base"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), "1 component = 1 with a licence\n"), "{run:?}");
    assert!(!world.store().exists());
}
