//! Files that nobody states a digest of: what comes the first time must be a package, and of a forge's archive its content counts.

use std::fs;

use larder_store::{
    Store, commit::Committer, digest::BlobId, download_lock::DownloadLock, key::Wanted, receipt::Origin,
};
use larder_test_server::Reply;

use crate::support::{World, gzip, tar_of, tarball};

const COMMIT: &str = "0123456789012345678901234567890123456789";

fn git_path() -> String {
    format!("/forge/owner/tool/tar.gz/{COMMIT}")
}

/// A project with a dependency from git, whose forge is the world's server.
fn git_world() -> World {
    let world = World::new(&[]);
    world.write(
        "package-lock.json",
        &format!(
            r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/tool": {{"version": "1.0.0", "resolved": "git+ssh://git@github.com/owner/tool.git#{COMMIT}"}}}}}}"#
        ),
    );
    world.write("larder.toml", &format!("[forges]\ngithub = \"{}\"\n", world.server.url("/forge/")));
    world
}

/// A commit's archive as a forge packs it.
fn packed(top: &str, level: u32) -> Vec<u8> {
    let noise: String = larder_test_server::noise(3, 20_000).iter().map(|byte| char::from(32 + byte % 90)).collect();
    let files = [("package.json", r#"{"name": "tool", "version": "1.0.0"}"#), ("index.js", &*noise)];
    gzip(&tar_of(top, &files), level)
}

fn blobs(world: &World) -> Vec<Vec<u8>> {
    let store = Store::open(&world.store()).unwrap();
    let receipts = larder_store::transfer::inventory(&store).unwrap();
    receipts.iter().map(|receipt| fs::read(store.blob_path(&receipt.blob)).unwrap()).collect()
}

#[test]
fn what_is_no_package_is_named_and_not_kept_and_the_next_run_asks_again() {
    let whole = packed("owner-tool-0123456", 9);
    let half = whole[..whole.len() / 2].to_vec();
    let no_manifest = gzip(&tar_of("top", &[("README", "")]), 9);
    for (body, said, code) in [
        (b"<!doctype html><title>Sign in</title>".to_vec(), "it is an HTML page, and not a package", 3),
        (b"{\"message\": \"rate limit exceeded\"}".to_vec(), "it is JSON, and not a package", 3),
        (Vec::new(), "it is empty, and not a package", 3),
        (half, "the archive is cut off or damaged", 3),
        (no_manifest, "the archive has no package.json in its top folder", 1),
        (tarball("other", "1"), "its package.json names other, and not tool", 1),
    ] {
        let world = git_world();
        world.server.on(&git_path(), Reply::body(body).until_closed());
        let (run, document) = world.fetch_json(&["--color", "never"]);
        assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(code), &"not-a-package".into()), "{run:?}");
        let sent = format!("cannot keep what {} sent", world.server.url(&git_path()));
        for part in ["tool 1.0.0: what came is not a package", &*sent, said] {
            assert!(run.err.contains(part), "{part}: {}", run.err);
        }
        assert_eq!((blobs(&world).len(), world.left_in_partial()), (0, 0), "{said}");
        world.server.on(&git_path(), Reply::body(whole.clone()));
        let (run, document) = world.fetch_json(&[]);
        assert_eq!((run.code, &document["recorded"]), (Some(0), &1.into()), "{run:?}");
    }
}

#[test]
fn a_body_that_was_cut_is_asked_for_once_more() {
    let world = git_world();
    let whole = packed("owner-tool-0123456", 9);
    let half = Reply::body(whole[..whole.len() / 2].to_vec()).until_closed();
    world.server.script(&git_path(), [half, Reply::body(whole)]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert_eq!(world.server.count(&git_path()), 2);
}

#[test]
fn a_version_that_is_served_and_no_longer_listed_is_recorded_as_it_came() {
    let world = World::new(&[]);
    let entry = r#"{"version": "1.0.0", "resolved": "https://registry.example/lib/-/lib-1.0.0.tgz"}"#;
    world.write(
        "package-lock.json",
        &format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/lib": {entry}}}}}"#),
    );
    for described in [
        Reply::body(r#"{"versions": {"2.0.0": {"dist": {"integrity": "sha512-"}}}}"#),
        Reply::body(r#"{"versions": {"1.0.0": {"dist": {}}}}"#),
        Reply::status(404),
    ] {
        let _ = fs::remove_dir_all(world.store());
        world.server.on("/lib", described);
        world.server.on("/lib/-/lib-1.0.0.tgz", Reply::body("{\"error\": \"gone\"}"));
        let (run, document) = world.fetch_json(&[]);
        assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(3), &"not-a-package".into()), "{run:?}");
        world.server.on("/lib/-/lib-1.0.0.tgz", Reply::body(tarball("lib", "1")));
        let (run, document) = world.fetch_json(&[]);
        let counts = (&document["recorded"], &document["integrity_from_registry"]);
        assert_eq!((run.code, counts), (Some(0), (&1.into(), &0.into())), "{run:?}");
        assert_eq!(blobs(&world), [tarball("lib", "1")], "a registry's tarball is kept as it came");
        assert_eq!(world.fetch_json(&["--offline"]).1["already_here"], 1);
    }
}

#[test]
fn a_description_that_does_not_arrive_is_no_leave_to_take_what_comes() {
    let world = World::new(&[]);
    world.write(
        "package-lock.json",
        r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/lib": {"version": "1.0.0"}}}"#,
    );
    world.server.on("/lib/-/lib-1.0.0.tgz", Reply::body(tarball("lib", "1")));
    world.server.on("/lib", Reply::status(403));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code.is_some_and(|code| code != 0), &document["recorded"]), (true, &0.into()), "{run:?}");
}

#[test]
fn yarns_archive_url_leaves_the_registrys_digest_in_force() {
    let world = World::new(&[]);
    let address = world.server.url("/dl/lib.tgz").replace(':', "%3A").replace('/', "%2F");
    world.write("yarn.lock", &format!("__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"lib@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"lib@npm:1.0.0::__archiveUrl={address}\"\n  checksum: 10c0/00\n  languageName: node\n  linkType: hard\n"));
    let good = tarball("lib", "good");
    let integrity = larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, &good);
    world
        .server
        .on("/lib", Reply::body(format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{integrity}"}}}}}}}}"#)));
    world.server.on("/dl/lib.tgz", Reply::body(tarball("lib", "evil")));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(1), &"mismatch".into()), "{run:?}");
    world.server.on("/dl/lib.tgz", Reply::body(good));
    let (run, document) = world.fetch_json(&[]);
    assert_eq!((run.code, &document["integrity_from_registry"]), (Some(0), &1.into()), "{run:?}");
}

#[test]
fn a_commit_that_is_packed_anew_is_the_same_on_every_machine_and_after_a_loss() {
    let (one, other) = (git_world(), git_world());
    one.server.on(&git_path(), Reply::body(packed("owner-tool-0123456", 9)));
    other.server.on(&git_path(), Reply::body(packed("tool-renamed-0123456789", 1)));
    for world in [&one, &other] {
        assert_eq!(world.run(&["fetch"]).code, Some(0));
    }
    let first = blobs(&one);
    assert_eq!(first, blobs(&other));
    // The blob is lost, and the forge packs it anew.
    one.server.on(&git_path(), Reply::body(packed("tool-renamed-0123456789", 1)));
    for cure in [&["fetch"][..], &["verify", "--repair"]] {
        fs::remove_dir_all(one.store().join("blobs")).unwrap();
        let run = one.run(cure);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(blobs(&one), first, "{cure:?}");
    }
    // Other content is other content.
    fs::remove_dir_all(one.store().join("blobs")).unwrap();
    let files = [("package.json", r#"{"name": "tool", "version": "1.0.0"}"#), ("index.js", "other")];
    one.server.on(&git_path(), Reply::body(gzip(&tar_of("top", &files), 9)));
    let (run, document) = one.fetch_json(&[]);
    assert_eq!((run.code, &document["failures"][0]["kind"]), (Some(1), &"mismatch".into()), "{run:?}");
    assert!(run.err.contains("`larder forget NAME@VERSION` drops what was recorded"), "{}", run.err);
    assert_eq!(one.run(&["forget", "tool@1.0.0"]).code, Some(0));
    assert_eq!(one.run(&["fetch"]).code, Some(0));
    assert_ne!(blobs(&one), first);
}

/// Records bytes under an identity, as a larder did that kept a forge's archive as it came.
fn record(world: &World, identity: &str, bytes: &[u8]) {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let store = Store::open(&world.store()).unwrap();
    let wanted = Wanted::Identity(identity.to_owned());
    let look_up = store.lookup(std::slice::from_ref(&wanted), now).unwrap();
    let origin = Origin {
        ecosystem: "npm".to_owned(),
        name: "tool".to_owned(),
        version: "1.0.0".to_owned(),
        address: None,
        identity: Some(identity.to_owned()),
    };
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&look_up, &wanted, None, vec![origin]).unwrap() else {
        panic!("it is not here")
    };
    part.begin(0, None).unwrap();
    part.write(bytes).unwrap();
    let receipt = part.finish().unwrap();
    let committer = Committer::start(&look_up, now);
    committer.submit(0, part.seal(receipt));
    assert!(committer.finish().published[0].1.is_ok());
}

#[test]
fn an_archive_that_an_earlier_larder_kept_as_it_came_stays_good() {
    let world = git_world();
    let raw = packed("owner-tool-0123456", 9);
    record(&world, &format!("git github owner/tool#{COMMIT} {}", world.server.url(&git_path())), &raw);
    assert_eq!(world.fetch_json(&["--offline"]).1["already_here"], 1);
    // It is lost, and the forge still sends the same bytes.
    fs::remove_dir_all(world.store().join("blobs")).unwrap();
    world.server.on(&git_path(), Reply::body(raw.clone()));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert_eq!(blobs(&world), std::slice::from_ref(&raw));
    // Now it packs them anew. What the lost bytes had in them, nobody knows any more.
    fs::remove_dir_all(world.store().join("blobs")).unwrap();
    world.server.on(&git_path(), Reply::body(packed("owner-tool-0123456", 1)));
    let run = world.run(&["fetch"]);
    assert!(run.code == Some(1) && run.err.contains("larder forget"), "{run:?}");
    assert_eq!(world.run(&["forget", "tool"]).code, Some(0));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert!(blobs(&world) != [raw] && blobs(&world).len() == 1);
}

#[test]
fn what_is_forgotten_is_gone_from_everything_that_names_it() {
    let some = crate::support::packages(3);
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let id = |number: usize| BlobId::of(&some[number].bytes);
    let run = world.run(&["forget", "package-0@1.0.0", &format!("blake3:{}", id(1)), "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let mut rows: Vec<_> =
        document["forgotten"].as_array().unwrap().iter().map(|row| row["packages"][0]["name"].clone()).collect();
    rows.sort_by_key(ToString::to_string);
    assert_eq!(rows, ["package-0", "package-1"]);
    assert_eq!(document["bytes"], some[0].bytes.len() + some[1].bytes.len());
    let (_, document) = world.fetch_json(&["--offline"]);
    assert_eq!((&document["already_here"], &document["failed"]), (&1.into(), &2.into()), "the third stays");
    let verified = world.run(&["verify"]);
    assert!(verified.code == Some(0) && verified.out.contains("the index is in step"), "{verified:?}");
    world.server.forget();
    assert_eq!(world.fetch_json(&[]).1["fetched"], 2);
    assert_eq!(world.server.requests().len(), 2);
    let by_digest = world.run(&["forget", &some[2].integrity()]);
    assert!(by_digest.code == Some(0) && by_digest.out.starts_with("forgot package-2 1.0.0: blake3:"), "{by_digest:?}");
    let nothing = world.run(&["forget", "package-0@2.0.0", "none", "--color", "never"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing.err.contains("error: none: the store at ") && nothing.out == "0 blobs forgotten, 0 B\n",
        "{nothing:?}"
    );
}

#[test]
fn a_store_that_is_in_use_is_not_emptied() {
    let some = crate::support::packages(1);
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let in_use = Store::open(&world.store()).unwrap();
    let run = world.run(&["forget", "package-0", "--color", "never"]);
    assert!(run.code == Some(4) && run.err.contains("other processes use the store"), "{run:?}");
    assert_eq!(world.fetch_json(&["--offline"]).1["already_here"], 1);
    drop(in_use);
    assert_eq!(world.run(&["forget", "package-0"]).code, Some(0));
}

#[test]
fn an_archive_without_a_digest_that_a_server_compresses_is_decompressed() {
    let world = git_world();
    let archive = packed("owner-tool-0123456", 9);
    world.server.on(&git_path(), Reply::body(gzip(&archive, 6)).header("content-encoding", "gzip"));
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let compressed = blobs(&world);
    fs::remove_dir_all(world.store()).unwrap();
    world.server.on(&git_path(), Reply::body(archive));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert_eq!(blobs(&world), compressed, "it is what came without");
}
