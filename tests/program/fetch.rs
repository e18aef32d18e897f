//! `larder fetch`: what it has, asks for, and says.

use std::fs;

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{Reply, Server};

use crate::support::{Package, World, packages};

#[test]
fn everything_arrives_and_a_second_run_makes_no_request() {
    let some = packages(30);
    let world = World::new(&some);
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.out), @r###"
    31 entries in package-lock.json = 30 artifacts + 1 project
    30 artifacts = 0 already here + 30 fetched + 0 failed
    30 requests, 143.0 kB in [time]
    "###);
    assert!(some.iter().all(|package| world.server.count(&package.path()) == 1));

    let connections = world.server.connections();
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.out), @r###"
    31 entries in package-lock.json = 30 artifacts + 1 project
    30 artifacts = 30 already here + 0 fetched + 0 failed
    0 requests, 0 B in [time]
    "###);
    assert_eq!(world.server.connections(), connections);
    assert_eq!(world.run(&["verify"]).code, Some(0));
}

#[test]
fn one_changed_dependency_is_one_request() {
    let mut some = packages(20);
    let world = World::new(&some);
    world.run(&["fetch"]);
    world.server.forget();
    some[3] = Package::new("package-3", "another version").with("version", "\"1.0.1\"");
    world.server.on(&some[3].path(), Reply::body(some[3].bytes.clone()));
    world.lock(&some);
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (&document["already_here"], &document["fetched"], &document["requests"]),
        (&19.into(), &1.into(), &1.into())
    );
    assert_eq!(world.server.requests().len(), 1);
}

#[test]
fn one_failure_does_not_stop_the_others_and_all_are_listed() {
    let some = packages(6);
    let world = World::new(&some);
    world.server.on(&some[1].path(), Reply::status(404));
    world.server.on(&some[4].path(), Reply::body("other bytes"));
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(world.plain(&run.out), @r###"
    7 entries in package-lock.json = 6 artifacts + 1 project
    6 artifacts = 0 already here + 4 fetched + 2 failed
    8 requests, 11.8 kB in [time]
    "###);
    insta::assert_snapshot!(world.plain(&run.err), @r###"
    fetching 6 files
    package-4 1.0.0: trying again in 0 ms: [registry]/package-4/-/package-4-1.0.0.tgz: expected sha512-UNQxiX6knuODZHqZqT+iFwNQ0PAAwjK2yongPVWUxzsFdT8b7dwfY4YLKwYe3Uc089LrPotT4/umdA1zG3vldQ==, got sha512-YQlUpVedr81Cqp/g2YQ8+WZG8/4AZ0WlacTY8C70fYz4YWEnQOo/0IPecsiibzYlnWpYyHwpKa4av9YZR8/T4w==
    error: package-1 1.0.0: could not be fetched
      caused by: [registry]/package-1/-/package-1-1.0.0.tgz: 404 Not Found: the registry has no package of this name
      wanted by package-lock.json: node_modules/package-1
    error: package-4 1.0.0: digest does not match package-lock.json
      caused by: [registry]/package-4/-/package-4-1.0.0.tgz: expected sha512-UNQxiX6knuODZHqZqT+iFwNQ0PAAwjK2yongPVWUxzsFdT8b7dwfY4YLKwYe3Uc089LrPotT4/umdA1zG3vldQ==, got sha512-YQlUpVedr81Cqp/g2YQ8+WZG8/4AZ0WlacTY8C70fYz4YWEnQOo/0IPecsiibzYlnWpYyHwpKa4av9YZR8/T4w==
      wanted by package-lock.json: node_modules/package-4

    hint: the registry does not have it: is it the right registry, and was the version unpublished?
    hint: the file at that address is not the one that was locked; if it was published anew on purpose, lock it anew with npm
    "###);
    assert_eq!(world.server.count(&some[4].path()), 2, "wrong bytes are asked for once more");
    world.server.on(&some[1].path(), Reply::body(some[1].bytes.clone()));
    world.server.on(&some[4].path(), Reply::body(some[4].bytes.clone()));
    let (_, document) = world.fetch_json(&[]);
    assert_eq!((&document["already_here"], &document["fetched"]), (&4.into(), &2.into()));
}

#[test]
fn offline_makes_no_request_and_names_what_is_missing() {
    let some = packages(3);
    let world = World::new(&some);
    world.lock(&some[..2]);
    world.run(&["fetch"]);
    world.lock(&some);
    world.server.forget();
    let run = world.run(&["fetch", "--offline"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(world.plain(&run.err), @r###"
    error: package-2 1.0.0: not in the store, and --offline forbids fetching it
      wanted by package-lock.json: node_modules/package-2

    hint: run `larder fetch` with a network first, with the same --platform and --omit
    "###);
    assert!(world.server.requests().is_empty());
    world.lock(&some[..2]);
    assert_eq!(world.run(&["fetch", "--offline"]).code, Some(0));
}

#[test]
fn other_platforms_and_omitted_groups_are_left_out_and_said_so() {
    let optional = |name, os, cpu| Package::new(name, name).with("optional", "true").with("os", os).with("cpu", cpu);
    let some = [
        Package::new("always", "always"),
        Package::new("tool", "tool").with("dev", "true"),
        optional("native-linux-x64", "[\"linux\"]", "[\"x64\"]"),
        optional("native-linux-arm64", "[\"linux\"]", "[\"arm64\"]"),
        optional("native-win32-x64", "[\"win32\"]", "[\"x64\"]"),
    ];
    let world = World::new(&some);
    let run = world.run(&["fetch", "--platform", "linux/arm64", "--omit", "dev"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(world.plain(&run.out), @r###"
    6 entries in package-lock.json = 5 artifacts + 1 project
    left out: 2 for other platforms than linux/arm64; 1 of omitted groups
    2 artifacts = 0 already here + 2 fetched + 0 failed
    2 requests, 24 B in [time]
    "###);
    let asked = |name: &str| world.server.count(&format!("/{name}/-/{name}-1.0.0.tgz"));
    assert_eq!((asked("always"), asked("native-linux-arm64")), (1, 1));
    assert_eq!((asked("tool"), asked("native-linux-x64"), asked("native-win32-x64")), (0, 0, 0));
    let (_, document) = world.fetch_json(&["--all-platforms"]);
    assert_eq!((&document["artifacts"], &document["already_here"]), (&5.into(), &2.into()));

    let run = world.run(&["fetch", "--platform", "linux/amd46"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("linux/amd46") && run.err.contains("amd64"), "{}", run.err);
}

#[test]
fn a_missing_integrity_is_taken_from_the_registry_once() {
    let package = Package::new("@scope/bare", "bytes");
    let world = World::new(std::slice::from_ref(&package));
    world.lock(&[package.clone().with("integrity", "")]);
    let packument = format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, package.integrity());
    world.server.on("/@scope%2fbare", Reply::body(packument));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&document["integrity_from_registry"], &document["requests"]), (&1.into(), &2.into()));
    world.server.forget();
    let run = world.run(&["fetch"]);
    assert!(run.out.contains("1 already here"), "{run:?}");
    assert!(world.server.requests().is_empty(), "not even the packument");
}

/// The only receipt of the store.
fn receipt(world: &World) -> String {
    let shards = fs::read_dir(world.store().join("receipts")).unwrap().map(|shard| shard.unwrap().path());
    let files: Vec<_> =
        shards.flat_map(|shard| fs::read_dir(shard).unwrap()).map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    fs::read_to_string(&files[0]).unwrap()
}

#[test]
fn what_another_lockfile_states_by_another_digest_is_not_downloaded_again() {
    let package = Package::new("old", "bytes");
    let world = World::new(std::slice::from_ref(&package));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.server.forget();
    world.server.on(&package.path(), Reply::status(500));
    let packument = format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, package.integrity());
    world.server.on("/old", Reply::body(packument));

    let sha1 = Digest::of(Algorithm::Sha1, b"bytes");
    world.lock(&[package.clone().with("integrity", &format!("\"{sha1}\""))]);
    let run = world.run(&["fetch", "--offline"]);
    assert!(run.code == Some(0) && run.out.contains("1 already here"), "{run:?}");
    assert!(receipt(&world).contains(&sha1.to_string()), "it is noted");
    assert_eq!(world.server.connections(), 1, "that of the first fetch");

    world.lock(&[package.clone().with("integrity", "")]);
    for asked in [1, 0] {
        let (run, document) = world.fetch_json(&[]);
        assert_eq!((run.code, &document["already_here"]), (Some(0), &1.into()), "{run:?}");
        assert_eq!((&document["requests"], &document["integrity_from_registry"]), (&asked.into(), &asked.into()));
    }

    let other = Digest::of(Algorithm::Sha1, b"other");
    world.lock(&[package.with("integrity", &format!("\"{other}\""))]);
    assert_eq!(world.run(&["fetch", "--offline"]).code, Some(1));
}

#[test]
fn the_integrity_of_the_registry_is_enforced() {
    let package = Package::new("bare", "bytes").with("integrity", "");
    let world = World::new(&[package]);
    let other = Package::new("x", "other").integrity();
    world
        .server
        .on("/bare", Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{other}"}}}}}}}}"#)));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(1), &"mismatch".into()));
}

#[test]
fn a_required_integrity_that_is_missing_is_refused_before_any_request() {
    let world = World::new(&[Package::new("bare", "bytes").with("integrity", "")]);
    let (run, document) = world.fetch_json(&["--require-integrity"]);
    assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(1), &"no-integrity".into()));
    assert_eq!(world.server.connections(), 0);
}

#[test]
fn without_resolved_the_address_is_built_and_else_the_registry_is_asked() {
    let plain = Package::new("plain", "plain").with("resolved", "");
    let moved = Package::new("moved", "moved").with("resolved", "");
    let world = World::new(&[plain, moved.clone()]);
    world.server.on(&moved.path(), Reply::status(404));
    world.server.on("/files/moved.tgz", Reply::body("moved"));
    let tarball = world.server.url("/files/moved.tgz");
    world
        .server
        .on("/moved", Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"tarball": "{tarball}"}}}}}}}}"#)));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&document["fetched"], &document["requests"]), (&2.into(), &4.into()));
}

#[test]
fn two_packages_with_the_same_bytes_are_one_download() {
    let world = World::new(&[Package::new("one", "same"), Package::new("two", "same")]);
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (&document["artifacts"], &document["fetched"], &document["requests"]),
        (&2.into(), &2.into(), &1.into())
    );
}

#[test]
fn a_commit_at_a_forge_is_recorded_at_first_and_checked_ever_after() {
    let commit = "0123456789012345678901234567890123456789";
    let world = World::new(&[]);
    world.write(
        "package-lock.json",
        &format!(
            r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/tool": {{"version": "1.0.0",
            "resolved": "git+ssh://git@github.com/owner/tool.git#{commit}", "integrity": "{}"}}}}}}"#,
            Package::new("x", "what npm packed itself").integrity()
        ),
    );
    world.write("larder.toml", &format!("[forges]\ngithub = \"{}\"\n", world.server.url("/forge/")));
    let path = format!("/forge/owner/tool/tar.gz/{commit}");
    let archive = || Reply::body(crate::support::tarball("tool", "archive"));
    world.server.on(&path, archive());
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["recorded"]), (Some(0), &1.into()), "{run:?}");
    let (_, document) = world.fetch_json(&["--offline"]);
    assert_eq!(document["already_here"], 1);

    // The blob is lost, and the forge sends something else now.
    std::fs::remove_dir_all(world.store().join("blobs")).unwrap();
    world.server.on(&path, Reply::body(crate::support::tarball("tool", "another archive")));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(1), &"mismatch".into()), "{run:?}");
    world.server.on(&path, archive());
    assert_eq!(world.run(&["fetch"]).code, Some(0));
}

#[test]
fn several_projects_are_fetched_into_one_store() {
    let some = packages(4);
    let world = World::new(&some[..3]);
    world.write("web/package-lock.json", &crate::support::lockfile(&some[1..]));
    world.server.on(&some[3].path(), Reply::body(some[3].bytes.clone()));
    let run = world.run(&["fetch", ".", "web", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["projects"][0]["fetched"], 3);
    assert_eq!((&document["projects"][1]["already_here"], &document["projects"][1]["fetched"]), (&2.into(), &1.into()));
}

#[test]
fn quiet_prints_nothing_but_errors_and_json_one_document_alone() {
    let some = packages(2);
    let world = World::new(&some);
    let run = world.run(&["fetch", "--quiet"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    world.server.on("/none/-/none-1.0.0.tgz", Reply::status(404));
    world.lock(&[Package::new("none", "none")]);
    let run = world.run(&["fetch", "--quiet"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(run.err.starts_with("error: none 1.0.0: could not be fetched\n"), "{}", run.err);
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["failed"]), (Some(1), &1.into()));
}

#[test]
fn the_registry_of_another_host_is_not_replaced_by_default() {
    let elsewhere = Server::start();
    let package = Package::new("private", "private");
    elsewhere.on("/files/private.tgz", Reply::body("private"));
    let world = World::new(&[]);
    world.lock(&[package.with("resolved", &format!("\"{}\"", elsewhere.url("/files/private.tgz")))]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert_eq!((elsewhere.requests().len(), world.server.requests().len()), (1, 0));
}
