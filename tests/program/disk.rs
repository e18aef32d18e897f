//! Disks that are full, and stores that cannot be written.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use crate::support::{Package, World, can_unshare, finish, in_mount_namespace, packages};

const MOUNT: [&str; 3] = ["--user", "--map-root-user", "--mount"];

#[test]
fn a_full_disk_is_said_and_leaves_a_store_that_goes_on_when_there_is_room() {
    if !can_unshare(&MOUNT, "a_full_disk") {
        return;
    }
    let some: Vec<Package> =
        (0..40).map(|number| Package::new(&format!("p{number}"), larder_test_server::noise(number, 100_000))).collect();
    let world = World::new(&some);
    std::fs::create_dir(world.store()).unwrap();
    let run = in_mount_namespace(
        &world,
        "mount -t tmpfs -o size=2500k none $STORE
         \"$LARDER\" fetch --jobs 2 --color never && exit 99 || echo \"exit $?\"
         \"$LARDER\" verify --json >/dev/null || echo \"verify $?\"
         mount -o remount,size=20M $STORE
         \"$LARDER\" fetch; \"$LARDER\" verify",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("exit 4\n"), "{run:?}");
    assert!(!run.out.contains("verify 4"), "no damaged blob: {run:?}");
    assert!(run.err.contains("error: no space is left for ") && run.err.contains("hint: make room"), "{}", run.err);
    assert!(run.out.contains("+ 0 failed"), "{run:?}");
    let again = some.iter().filter(|package| world.server.count(&package.path()) > 1).count();
    assert!(again <= 2, "only what was under way is fetched again: {again} were");
}

#[test]
fn a_store_on_a_read_only_mount_serves_what_it_has_and_says_why_it_takes_nothing() {
    if !can_unshare(&MOUNT, "a_read_only_mount") {
        return;
    }
    let some = packages(5);
    let world = World::new(&some);
    world.lock(&some[..4]);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.server.forget();
    let read_only = "mount --bind $STORE $STORE; mount -o remount,bind,ro $STORE; ";
    let run =
        in_mount_namespace(&world, &format!("{read_only} \"$LARDER\" fetch; \"$LARDER\" status; \"$LARDER\" verify"));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("4 already here") && run.out.contains("(read-only)"), "{run:?}");
    assert!(run.out.contains("the store cannot be written"), "{run:?}");
    assert!(world.server.requests().is_empty());

    world.lock(&some);
    let run = in_mount_namespace(&world, &format!("{read_only} \"$LARDER\" fetch --color never"));
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("cannot be written\n\nhint: it is on a read-only place"), "{}", run.err);
}

#[test]
fn a_store_that_cannot_be_made_is_said() {
    let world = World::new(&packages(1));
    std::fs::write(world.folder.path().join("file"), "").unwrap();
    let run = world.run(&["fetch", "--store", "../file/store"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("../file/store"), "{}", run.err);

    let run = world.run(&["fetch", "--store", "."]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(
        run.err.contains("holds something else and is not a store\n\nhint: name an empty or new folder"),
        "{}",
        run.err
    );
}

#[test]
fn a_flipped_byte_is_named_set_aside_and_repaired() {
    let some = packages(8);
    let world = World::new(&some);
    world.run(&["fetch"]);
    let blob = larder_store::digest::BlobId::of(&some[2].bytes).to_string();
    let path = world.store().join(format!("blobs/{}/{}", &blob[..2], &blob[2..]));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = some[2].bytes.clone();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();

    let run = world.run(&["verify", "--color", "never"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains(&format!("error: package-2 1.0.0: blob {blob} is damaged\n")), "{}", run.err);
    assert_eq!(std::fs::read(world.store().join("damaged").join(&blob)).unwrap(), bytes);
    let run = world.run(&["fetch", "--offline"]);
    assert_eq!(run.code, Some(1), "it counts as missing: {run:?}");
    world.server.forget();
    let run = world.run(&["verify", "--repair"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.server.requests().len(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), some[2].bytes);
    assert_eq!(world.run(&["fetch", "--offline"]).code, Some(0));
}

#[test]
fn a_thousand_files_are_fetched_with_few_of_them_open() {
    let some: Vec<Package> =
        (0..3000).map(|number| Package::new(&format!("p{number}"), format!("{number}").into_bytes())).collect();
    let world = World::new(&some);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 700; exec \"$0\" fetch --json"]).arg(crate::support::program());
    let template = world.command(&[]);
    let environment = template.get_envs().filter_map(|(key, value)| Some((key, value?)));
    command.env_clear().envs(environment).current_dir(world.project());
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{}", &run.err[..run.err.len().min(2000)]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["projects"][0]["fetched"], 3000);
}
