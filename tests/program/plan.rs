//! `larder plan`.

use std::process::Command;

use crate::support::{Package, World, finish, lockfile, packages};

#[test]
fn the_sum_and_the_digest_are_printed() {
    let world = World::new(&[
        Package::new("react", "react"),
        Package::new("@scope/name", "scoped"),
        Package::new("react/node_modules/inside", "").with("inBundle", "true").with("resolved", ""),
    ]);
    let run = world.run(&["plan"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let (sum, digest) = run.out.split_once('\n').unwrap();
    assert_eq!(sum, "4 entries in package-lock.json = 2 artifacts + 1 bundled + 1 project");
    let digest = digest.trim_end().strip_prefix("plan digest ").unwrap();
    assert_eq!(world.run(&["plan", "--digest"]).out.trim_end(), digest);
}

#[test]
fn the_digest_depends_on_nothing_but_the_lockfile_and_larder_toml() {
    let some = packages(20);
    let first = World::new(&some);
    let expected = first.run(&["plan", "--digest"]).out;
    assert!(expected.starts_with("blake3:") && expected.len() == 72, "{expected}");

    // Another folder, environment, configuration, order of entries, time and mode of the file.
    let mut reversed = some.clone();
    reversed.reverse();
    let second = World::new(&reversed);
    second.write(".npmrc", "registry=https://other.example/\n");
    let path = second.project().join("package-lock.json");
    std::fs::File::open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = second.command(&["plan", "--digest", "--store", "elsewhere"]);
    command.env("BUILD_HASH", "0123").env("TZ", "Asia/Tokyo").env("LC_ALL", "tr_TR.UTF-8").env("CI", "true");
    assert_eq!(finish(command).out, expected);
    assert_eq!(second.run(&["plan", "--digest", "../project/package-lock.json"]).out, expected, "named by its file");

    // One byte of one integrity.
    let mut changed = some;
    changed[7].bytes.push(0);
    let third = World::new(&changed);
    assert_ne!(third.run(&["plan", "--digest"]).out, expected);
}

#[test]
fn the_digest_of_a_known_lockfile_never_changes() {
    let world = World::new(&[]);
    let text = lockfile(&[Package::new("react", "react"), Package::new("left", "left").with("optional", "true")]);
    world.write("package-lock.json", &text);
    insta::assert_snapshot!(world.run(&["plan", "--digest"]).out, @"blake3:f7c54ab1b21562e3af77a4a33b1a0a8d8900b4ffd5ca0ae933496742d806dfef");
}

#[test]
fn the_json_has_every_artifact() {
    let world = World::new(&[Package::new("react", "react").with("os", "[\"linux\"]").with("optional", "true")]);
    let run = world.run(&["plan", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let artifact = &document["artifacts"][0];
    assert_eq!(artifact["name"], "react");
    assert_eq!(artifact["address"], "https://registry.example/react/-/react-1.0.0.tgz");
    assert_eq!(artifact["os"], serde_json::json!(["linux"]));
    assert_eq!(artifact["optional"], true);
    assert_eq!(artifact["entries"], serde_json::json!(["package-lock.json: node_modules/react"]));
    assert_eq!(document["entries"]["entries"], 2);
}

#[test]
fn nothing_is_written_and_nothing_asked_for() {
    let world = World::new(&packages(3));
    assert_eq!(world.run(&["plan"]).code, Some(0));
    assert!(!world.store().exists());
    assert_eq!(world.server.connections(), 0);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::new(&packages(3000));
    let mut command = Command::new("sh");
    let output = command
        .args(["-c", "\"$LARDER\" plan --json | head -n 1; exit ${PIPESTATUS:-0}"])
        .env("LARDER", crate::support::program())
        .current_dir(world.project())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\n");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
