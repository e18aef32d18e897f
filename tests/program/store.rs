//! `larder status`, and an index in any state.

use crate::support::{World, packages};

#[test]
fn status_says_what_is_here() {
    let world = World::new(&packages(4));
    let run = world.run(&["status"]);
    assert_eq!(run.code, Some(0));
    assert!(run.out.contains("there is no store yet"), "{run:?}");
    assert!(!world.store().exists(), "looking makes none");

    world.run(&["fetch"]);
    let run = world.run(&["status", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let bytes: usize = packages(4).iter().map(|package| package.bytes.len()).sum();
    assert_eq!(document["blobs"], serde_json::json!({"count": 4, "bytes": bytes}));
    assert_eq!(document["ecosystems"]["npm"], document["blobs"]);
    assert_eq!(document["index"], serde_json::json!({"state": "sled", "why": null, "in_step": true}));
    let run = world.run(&["status"]);
    assert!(run.out.contains("index      on disk, in step with the receipts"), "{run:?}");
}

#[test]
fn an_index_that_is_deleted_damaged_or_from_another_version_costs_no_request() {
    let world = World::new(&packages(10));
    world.run(&["fetch"]);
    world.server.forget();
    let index = world.store().join("index-sled-v1");
    let damages: [(&str, &dyn Fn()); 4] = [
        ("deleted", &|| std::fs::remove_dir_all(&index).unwrap()),
        ("garbage", &|| std::fs::write(index.join("db"), "garbage").unwrap()),
        ("half", &|| {
            let whole = std::fs::read(index.join("db")).unwrap();
            std::fs::write(index.join("db"), &whole[..whole.len() / 2]).unwrap();
        }),
        ("a file", &|| {
            std::fs::remove_dir_all(&index).unwrap();
            std::fs::write(&index, "").unwrap();
        }),
    ];
    for (case, damage) in damages {
        damage();
        std::fs::remove_dir_all(world.store().join("remembered")).unwrap();
        let run = world.run(&["fetch"]);
        assert_eq!(run.code, Some(0), "{case}: {run:?}");
        assert!(run.out.contains("10 already here"), "{case}: {run:?}");
        assert!(world.server.requests().is_empty(), "{case}");
    }
    assert_eq!(world.run(&["verify"]).code, Some(0));
}

#[test]
fn an_index_that_is_held_by_another_process_is_done_without() {
    let world = World::new(&packages(3));
    world.run(&["fetch"]);
    world.server.forget();
    let held = std::fs::File::open(world.store().join("index.lock")).unwrap();
    held.lock().unwrap();
    std::fs::remove_dir_all(world.store().join("remembered")).unwrap();
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("3 already here") && world.server.requests().is_empty(), "{run:?}");
}

#[test]
fn a_newer_store_names_the_larder_that_it_needs() {
    let world = World::new(&packages(1));
    world.run(&["fetch"]);
    std::fs::write(world.store().join("meta.json"), r#"{"format": 2, "needs": "3.1.4"}"#).unwrap();
    for command in ["fetch", "status", "verify"] {
        let run = world.run(&[command]);
        assert_eq!(run.code, Some(4), "{run:?}");
        assert!(run.err.contains("has format 2, which needs larder 3.1.4 or newer"), "{}", run.err);
    }
}

#[test]
fn the_file_of_the_format_can_be_removed_as_the_hint_says() {
    let world = World::new(&packages(2));
    world.run(&["fetch"]);
    world.server.forget();
    std::fs::write(world.store().join("meta.json"), "{").unwrap();
    let run = world.run(&["status", "--color", "never"]);
    assert_eq!(run.code, Some(4));
    assert!(
        run.err.contains("meta.json is damaged")
            && run.err.contains("hint: if the folder is a store, remove that file")
    );
    std::fs::remove_file(world.store().join("meta.json")).unwrap();
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    assert!(world.server.requests().is_empty());
}

#[test]
fn a_store_that_is_not_there_or_none_is_not_called_sound() {
    let world = World::new(&packages(1));
    let run = world.run(&["verify"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("there is no store at"), "{run:?}");
    for command in ["verify", "status"] {
        let run = world.run(&[command, "--store", "."]);
        assert_eq!(run.code, Some(4), "{run:?}");
        assert!(run.err.contains("is not a store"), "{run:?}");
    }
}

#[test]
fn a_repair_that_is_not_possible_is_no_success() {
    let some = packages(2);
    let world = World::new(&some);
    world.run(&["fetch"]);
    let blob = larder_store::digest::BlobId::of(&some[0].bytes).to_string();
    let receipt = world.store().join(format!("receipts/{}/{}.json", &blob[..2], &blob[2..]));
    let text = std::fs::read_to_string(&receipt).unwrap();
    let start = text.find(",\"address\"").unwrap();
    let end = start + text[start..].find('}').unwrap();
    std::fs::write(&receipt, format!("{}{}", &text[..start], &text[end..])).unwrap();
    std::fs::remove_file(world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let run = world.run(&["verify", "--repair"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("cannot be fetched again: its receipt names no address"), "{run:?}");
}
