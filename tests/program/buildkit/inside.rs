//! What runs in the build, killed at any moment and on a full disk.

use std::{fs, path::PathBuf, thread, time::Duration};

use larder_store::{
    Store,
    transfer::{Missing, export, inventory},
};

use super::Bench;
use crate::support::{Package, World, can_unshare, in_mount_namespace, packages};

/// A request with everything that the world's store has; its folder, and the one for the answer.
fn request(world: &World) -> (PathBuf, PathBuf) {
    let request = world.folder.path().join("request");
    let store = Store::open(&world.store()).unwrap();
    let receipts = inventory(&store).unwrap();
    let carried = receipts.iter().map(|receipt| (receipt, Missing::Bytes));
    export(&store, carried, &request.join("store"), &|| false).unwrap();
    (request, world.folder.path().join("answer"))
}

#[test]
fn killed_at_any_moment_the_mount_is_valid_and_the_next_seed_completes_it() {
    let some: Vec<Package> =
        (0..60).map(|number| Package::new(&format!("p{number}"), larder_test_server::noise(number, 60_000))).collect();
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let (request, answer) = request(&world);
    let mount = world.folder.path().join("mount");
    let mount_text = mount.to_str().unwrap();
    let take_in =
        ["--store", mount_text, "buildkit", "inside", "take-in", request.to_str().unwrap(), answer.to_str().unwrap()];
    let (mut kills, mut most) = (0, 0);
    while kills < 25 {
        let mut child = world.command(&take_in).spawn().unwrap();
        // Not a sleep for luck: the moment of the kill is what is varied.
        thread::sleep(Duration::from_micros(3000 + 4111 * (kills % 17)));
        let was_running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        if !was_running {
            fs::remove_dir_all(&mount).unwrap();
            most = 0;
            kills += 1;
            continue;
        }
        kills += 1;
        let has = Bench::blobs(&mount).len();
        assert!(has >= most, "kill {kills}: something that was whole is lost");
        most = has;
        if mount.join("meta.json").exists() {
            let run = world.run(&["verify", "--store", mount_text, "--json"]);
            assert_eq!(run.code, Some(0), "kill {kills}: {run:?}");
        }
    }
    let run = world.run(&take_in);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(Bench::blobs(&mount), Bench::blobs(&world.store()));
    let run = world.run(&["fetch", "--offline", "--store", mount_text]);
    assert!(run.out.contains("60 artifacts = 60 already here"), "{run:?}");
}

#[test]
fn a_full_disk_is_told_by_the_report_and_leaves_a_mount_that_goes_on_when_there_is_room() {
    if !can_unshare(&["--user", "--map-root-user", "--mount"], "a_full_disk_is_told_by_the_report") {
        return;
    }
    let some: Vec<Package> =
        (0..30).map(|number| Package::new(&format!("p{number}"), larder_test_server::noise(number, 100_000))).collect();
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let (request, answer) = request(&world);
    let (request, answer, mount) = (request.display(), answer.display(), world.folder.path().join("mount"));
    fs::create_dir(&mount).unwrap();
    let mount = mount.display();
    let script = format!(
        "mount -t tmpfs -o size=1500k none {mount}
         \"$LARDER\" --store {mount} buildkit inside take-in {request} {answer}; cat {answer}/report.json; echo
         \"$LARDER\" --store {mount} verify --quiet || echo \"verify $?\"
         mount -o remount,size=20M {mount}
         \"$LARDER\" --store {mount} buildkit inside take-in {request} {answer}; cat {answer}/report.json; echo
         \"$LARDER\" --store {mount} verify"
    );
    let run = in_mount_namespace(&world, &script);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.out.lines().collect();
    let full: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert!(full["failure"]["causes"][0].as_str().unwrap().starts_with("no space is left for "), "{run:?}");
    assert_eq!(full["failure"]["hint"], "make room for the builder; what was taken in stays");
    let rest: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!((&rest["failure"], &rest["refused"]), (&serde_json::Value::Null, &serde_json::json!([])));
    assert_eq!(rest["carried"].as_u64().unwrap() + rest["already_there"].as_u64().unwrap(), 30, "{run:?}");
}

#[test]
fn a_request_that_is_none_is_told_by_the_report() {
    let world = World::new(&packages(1));
    let answer = world.folder.path().join("answer");
    for job in ["ask", "take-in", "hand-out"] {
        let run = world.run(&["buildkit", "inside", job, "none", answer.to_str().unwrap()]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "a step that fails exports nothing: {run:?}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(answer.join("report.json")).unwrap()).unwrap();
        assert!(report["failure"]["causes"][0].as_str().is_some(), "{job}: {report}");
    }
    let run = world.run(&["buildkit", "inside", "ask", "none", "/dev/null/answer"]);
    assert_eq!(run.code, Some(1), "{run:?}");
}
