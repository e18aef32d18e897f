//! kill -9 and Ctrl-C at any moment.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use larder_store::{Store, digest::Integrity, key::Wanted};
use larder_test_server::Reply;

use crate::support::{Package, World, packages, rounds};

/// Names of the packages whose bytes are all in the store, published or not.
fn complete(world: &World, some: &[Package]) -> BTreeSet<String> {
    let Some(store) = Store::open_if_present(&world.store()).unwrap() else { return BTreeSet::new() };
    some.iter().filter(|package| is_complete(&store, package)).map(|package| package.name.clone()).collect()
}

fn is_complete(store: &Store, package: &Package) -> bool {
    let blob = larder_store::digest::BlobId::of(&package.bytes);
    if store.receipt(&blob).is_some() {
        return true;
    }
    // Complete and not yet published: docs/store-format.md, "Blobs".
    let wanted = Wanted::Integrity(package.integrity().parse::<Integrity>().unwrap());
    let key = blake3::hash(wanted.keys()[0].as_bytes()).to_hex();
    let part = std::fs::read(store.root().join(format!("partial/{key}.part")));
    let published = || std::fs::read(store.blob_path(&blob));
    part.is_ok_and(|bytes| bytes == package.bytes) || published().is_ok_and(|bytes| bytes == package.bytes)
}

fn requests(world: &World, package: &Package) -> usize {
    world.server.count(&package.path())
}

#[test]
fn killed_at_many_moments_the_store_is_valid_and_nothing_complete_is_asked_for_again() {
    let wanted = rounds(50, 656);
    let some = packages(150);
    let world = World::new(&some);
    for (number, package) in some.iter().enumerate() {
        let pause = Duration::from_millis(u64::try_from(number % 7).unwrap());
        world.server.on(&package.path(), Reply::body(package.bytes.clone()).trickling(4000, pause));
    }
    let mut kills = 0;
    let mut asked_before = vec![0; some.len()];
    let mut known: BTreeSet<String> = BTreeSet::new();
    while kills < wanted {
        let mut child = world.command(&["fetch", "--quiet", "--jobs", "4"]).spawn().unwrap();
        // Not a sleep for luck: the moment of the kill is what is varied.
        thread::sleep(Duration::from_micros(1000 + 2111 * (kills % 23)));
        let was_running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        if !was_running {
            // All is here: start over with an empty store.
            std::fs::remove_dir_all(world.store()).unwrap();
            world.server.forget();
            asked_before.fill(0);
            known.clear();
            continue;
        }
        kills += 1;
        for (package, before) in some.iter().zip(&mut asked_before) {
            let now = requests(&world, package);
            assert!(!known.contains(&package.name) || now == *before, "kill {kills}: {} was complete", package.name);
            *before = now;
        }
        let complete = complete(&world, &some);
        assert!(complete.is_superset(&known), "kill {kills}: something complete was lost");
        known = complete;
        if world.store().join("meta.json").exists() {
            let run = world.run(&["verify", "--json"]);
            let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
            assert_eq!((run.code, &document["faults"]), (Some(0), &serde_json::json!([])), "kill {kills}: {run:?}");
        }
    }
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (package, before) in some.iter().zip(&asked_before) {
        assert!(!known.contains(&package.name) || requests(&world, package) == *before, "{}", package.name);
    }
    assert_eq!(world.run(&["verify"]).code, Some(0));
    assert_eq!(world.left_in_partial(), 0, "nothing is left lying about");
}

#[test]
fn ctrl_c_stops_at_once_and_keeps_what_has_come() {
    let some = packages(3);
    let world = World::new(&some);
    let large = Package::new("large", larder_test_server::noise(9, 4_000_000));
    world.server.on(&large.path(), Reply::body(large.bytes.clone()).etag("\"1\"").stall_after(3_000_000));
    world.lock(&[some.as_slice(), std::slice::from_ref(&large)].concat());
    let child = world.command(&["fetch"]).spawn().unwrap();
    wait_for_bytes(&world.store().join("partial"), 2_000_000);
    let start = Instant::now();
    let code = interrupt(child);
    assert_eq!(code, Some(130));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    world.server.on(&large.path(), Reply::body(large.bytes.clone()).etag("\"1\""));
    world.server.forget();
    let (run, document) = world.fetch_json(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests().len(), 1, "the small ones were complete");
    assert!(
        document["bytes"].as_u64().unwrap() <= 2_000_000 + 10_000,
        "the large one went on where it was: {document}"
    );
}

fn interrupt(mut child: Child) -> Option<i32> {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    child.wait().unwrap().code()
}

fn wait_for_bytes(folder: &Path, bytes: u64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        let sizes = entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len());
        if sizes.max() >= Some(bytes) {
            return;
        }
        assert!(Instant::now() < deadline, "the download does not begin");
        thread::sleep(Duration::from_millis(5));
    }
}
