//! Stores with a planted link or pipe, stores that two users share, and stores without a `meta.json`.

use std::{
    fs::Permissions,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
};

use larder_test_server::{Reply, noise};

use crate::support::{Package, Run, World, can_unshare, finish, packages, program, skipped};

#[test]
fn a_fetch_writes_nothing_outside_and_waits_for_no_pipe() {
    let package = Package::new("big", noise(1, 600_000));
    for kind in ["link", "hard link", "pipe", "folder"] {
        for of in ["part", "json", "journal"] {
            let what = format!("{of}: {kind}");
            let world = World::new(std::slice::from_ref(&package));
            let thesis = world.folder.path().join("thesis");
            std::fs::write(&thesis, "my thesis").unwrap();
            let cut = Reply::body(package.bytes.clone()).etag("\"v1\"").cut_after(400_000);
            world.server.script(&package.path(), [cut, Reply::body(package.bytes.clone()).etag("\"v1\"")]);
            world.write(".npmrc", "fetch-retries=0\n");
            assert_ne!(world.run(&["fetch"]).code, Some(0), "its download breaks off");
            let partial = world.store().join("partial");
            let mut names = std::fs::read_dir(&partial).unwrap().map(|entry| entry.unwrap().path());
            let part = names.find(|path| path.extension().is_some_and(|extension| extension == "part")).unwrap();
            let planted = if of == "journal" { partial.join("journal") } else { part.with_extension(of) };
            let _ = std::fs::remove_file(&planted);
            match kind {
                "link" => std::os::unix::fs::symlink(&thesis, &planted).unwrap(),
                "hard link" => std::fs::hard_link(&thesis, &planted).unwrap(),
                "folder" => std::fs::create_dir(&planted).unwrap(),
                _ => rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &planted,
                    rustix::fs::FileType::Fifo,
                    rustix::fs::Mode::from_raw_mode(0o666),
                    0,
                )
                .unwrap(),
            }
            let run = finish(world.command_through(&["timeout", "60"], &["fetch"]));
            assert_eq!(run.code, Some(0), "{what}: {run:?}");
            assert_eq!(std::fs::read_to_string(&thesis).unwrap(), "my thesis", "{what}");
            assert_eq!(world.run(&["verify"]).code, Some(0), "{what}");
        }
    }
}

#[test]
fn a_folder_or_a_pipe_in_a_blobs_place_is_mended_by_a_repair() {
    let world = World::new(&packages(2));
    // A repair asks where the file came from.
    world.write(".npmrc", "replace-registry-host=always\n");
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let shards = std::fs::read_dir(world.store().join("blobs")).unwrap();
    let blobs: Vec<_> = shards
        .flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap())
        .map(|blob| blob.unwrap().path())
        .collect();
    std::fs::remove_file(&blobs[0]).unwrap();
    std::fs::create_dir_all(blobs[0].join("inside")).unwrap();
    std::fs::remove_file(&blobs[1]).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &blobs[1]).unwrap();
    let run = world.run(&["verify"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.err.contains("is a folder, which no store has there"), "{run:?}");
    assert!(run.err.contains("is a symbolic link, which no store has there"), "{run:?}");
    assert_eq!(world.run(&["verify", "--repair"]).code, Some(0));
    assert_eq!(world.run(&["verify"]).code, Some(0));
    assert!(blobs.iter().all(|blob| std::fs::symlink_metadata(blob).unwrap().is_file()));
}

#[test]
fn two_users_who_may_both_write_a_store_share_it() {
    if !rustix::process::geteuid().is_root() {
        return skipped("two_users", "only root can be another user");
    }
    if !can_unshare(&["--mount"], "two_users") {
        return;
    }
    let package = Package::new("big", noise(1, 600_000));
    let world = World::new(&[package.clone(), packages(1).remove(0)]);
    let cut = Reply::body(package.bytes.clone()).etag("\"v1\"").cut_after(400_000);
    world.server.script(&package.path(), [cut, Reply::body(package.bytes.clone()).etag("\"v1\"")]);
    world.write(".npmrc", "fetch-retries=0\n");
    std::fs::set_permissions(world.folder.path(), Permissions::from_mode(0o755)).unwrap();
    let copy = world.folder.path().join("larder");
    std::fs::copy(program(), &copy).unwrap();
    std::fs::create_dir(world.store()).unwrap();
    std::fs::set_permissions(world.store(), Permissions::from_mode(0o777)).unwrap();
    // The second's umask lets nobody write what he makes.
    let fetch = |user: u32, umask: &str| -> Run {
        let script = format!("umask {umask}; exec {} fetch", copy.display());
        let mut command = world.command_through(&["sh", "-c", &script], &[]);
        command.uid(user).gid(user).env("HOME", "/nonexistent");
        finish(command)
    };
    assert_ne!(fetch(1001, "000").code, Some(0), "the download breaks off");
    let run = fetch(1002, "022");
    assert_eq!(run.code, Some(0), "what the first has left is replaced: {run:?}");
    let others = packages(30);
    for package in &others {
        world.server.on(&package.path(), Reply::body(package.bytes.clone()));
    }
    world.lock(&others[..20]);
    assert_eq!(fetch(1002, "022").code, Some(0));
    world.lock(&others);
    let run = fetch(1001, "022");
    assert_eq!(run.code, Some(0), "the folders that the second has made are for both: {run:?}");
    assert_eq!(fetch(1002, "022").code, Some(0));
    assert_eq!(world.run(&["verify"]).code, Some(0));
}

#[test]
fn a_store_that_lost_its_meta_json_in_a_power_loss_goes_on() {
    let world = World::new(&packages(3));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    world.server.forget();
    std::fs::write(world.store().join("meta.json"), "").unwrap();
    let run = world.run(&["verify"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    std::fs::write(world.store().join("meta.json"), "").unwrap();
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("3 already here") && world.server.requests().is_empty(), "{run:?}");
}
