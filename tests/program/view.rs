//! `larder view`.

use std::{
    collections::BTreeMap,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use larder_store::digest::BlobId;

use crate::support::{Package, World, can_unshare, in_mount_namespace, packages};

/// Every file below a folder: its path, mode and bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            let path = entry.path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
                all.insert(name, (mode, Vec::new()));
            } else {
                all.insert(name, (mode, std::fs::read(path).unwrap()));
            }
        }
    }
    all
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

#[test]
fn tarballs_have_npms_names_and_are_the_blobs_files() {
    let scoped = Package::new("@scope/name", "scoped");
    let clash = Package::new("scope-name", "plain");
    let world = World::new(&[scoped.clone(), clash.clone()]);
    let run = world.run(&["view", "tarballs", "out/tgz"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out, "out/tgz: 2 files = 0 kept + 2 shared with the store + 0 written\n");
    let blob = BlobId::of(&clash.bytes).to_string();
    let mark = format!("tarballs\n5 scope-name-1.0.0-{}.tgz\n6 scope-name-1.0.0.tgz\n", &blob[..8]);
    let expected = BTreeMap::from([
        (".larder-view".to_owned(), (0o644, mark.into_bytes())),
        ("scope-name-1.0.0.tgz".to_owned(), (0o444, scoped.bytes)),
        (format!("scope-name-1.0.0-{}.tgz", &blob[..8]), (0o444, clash.bytes)),
    ]);
    assert_eq!(files(&world.project().join("out/tgz")), expected);
}

#[test]
fn an_npm_cache_has_this_form() {
    let package = Package::new("a", "abc").with("dependencies", "{\"b\": \"1\"}");
    let world = World::new(std::slice::from_ref(&package));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    let view = world.project().join("cache");
    let mut command = world.command(&["view", "npm-cache", "cache", "--offline"]);
    command.env("npm_config_registry", "http://registry.example/");
    assert_eq!(crate::support::finish(command).code, Some(0));
    let files = files(&view);
    let names: Vec<&str> =
        files.iter().filter(|(_, (mode, _))| *mode != 0o755).map(|(name, _)| name.as_str()).collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    .larder-view
    _cacache/content-v2/sha512/d9/70/657e72de75d517398d45ee4cfe8a36f6a75e1c60f44462131c26fc8c02f937a6f2a4c9efed5cb38271a6dff42c18443cca4822d91b5aa7aa81c11e63bbca
    _cacache/content-v2/sha512/dd/af/35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
    _cacache/index-v5/17/04/c5cfb08a3842d5d6e141784d2b3bb97cd3bdb94b4d3bed70e8a8917187b8
    _cacache/index-v5/76/b5/daa49867294dfdb579da7af5629fd24647ebf7dfeee4963596bd63a37e21
    ");
    let text = |name: &str| String::from_utf8(files[name].1.clone()).unwrap();
    let index: Vec<String> = names.iter().filter(|name| name.contains("index-v5")).map(|name| text(name)).collect();
    insta::assert_snapshot!(index.concat().trim_start().replace('\t', " "), @r#"
    a9156db9dadd0c53fa8073d390e7784f00eeac47 {"key":"make-fetch-happen:request-cache:http://registry.example/a","integrity":"sha512-2XBlfnLeddUXOY1F7kz+ijb2p14cYPREYhMcJvyMAvk3pvKkye/tXLOCcabf9CwYRDzKSCLZG1qnqoHBHmO7yg==","time":499162500000,"size":302,"metadata":{"time":499162500000,"url":"http://registry.example/a","reqHeaders":{"accept":"application/json"},"resHeaders":{"content-type":"application/json"},"options":{"compress":true}}}
    a168a655779ae57dd9c1329a42cce49242824918 {"key":"make-fetch-happen:request-cache:http://registry.example/a","integrity":"sha512-2XBlfnLeddUXOY1F7kz+ijb2p14cYPREYhMcJvyMAvk3pvKkye/tXLOCcabf9CwYRDzKSCLZG1qnqoHBHmO7yg==","time":499162500000,"size":302,"metadata":{"time":499162500000,"url":"http://registry.example/a","reqHeaders":{"accept":"application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"},"resHeaders":{"content-type":"application/json"},"options":{"compress":true}}}
    b51b0c7cc5ba6f1db93d009fcec6f9cecdd0907a {"key":"make-fetch-happen:request-cache:http://registry.example/a/-/a-1.0.0.tgz","integrity":"sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==","time":499162500000,"size":3,"metadata":{"time":499162500000,"url":"http://registry.example/a/-/a-1.0.0.tgz","reqHeaders":{},"resHeaders":{"content-type":"application/octet-stream"},"options":{"compress":true}}}
    "#);
}

#[test]
fn an_npm_cache_has_the_projects_own_tarballs_too() {
    let mut local =
        Package::new("local", "bytes of a local tarball").with("resolved", "\"file:vendor/local-1.0.0.tgz\"");
    let world = World::new(&packages(1));
    world.lock(&[packages(1).remove(0), local.clone()]);
    world.write("vendor/local-1.0.0.tgz", "bytes of a local tarball");
    let run = world.run(&["view", "npm-cache", "cache"]);
    assert_eq!((run.code, run.err.contains("warning")), (Some(0), false), "{run:?}");
    let hex = larder_store::digest::Digest::of(larder_store::digest::Algorithm::Sha512, &local.bytes).to_hex();
    let content = format!("cache/_cacache/content-v2/sha512/{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..]);
    assert_eq!(std::fs::read(world.project().join(&content)).unwrap(), local.bytes);

    local.bytes = b"other bytes".to_vec();
    world.lock(&[packages(1).remove(0), local]);
    let run = world.run(&["view", "npm-cache", "cache", "--color", "never"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let warning = "warning: ./vendor/local-1.0.0.tgz: digest does not match package-lock.json";
    assert!(run.err.contains(warning) && !world.project().join(content).exists(), "{run:?}");
}

#[test]
fn a_view_is_the_same_on_two_machines_and_is_made_again_only_where_something_changed() {
    let some = packages(5);
    let world = World::new(&some);
    for kind in ["tarballs", "npm-cache"] {
        let view = world.project().join(kind);
        assert_eq!(world.run(&["view", kind, kind]).code, Some(0));
        let first = files(&view);
        let before = inode(&view);
        let run = world.run(&["view", kind, kind]);
        assert!(run.out.contains(" 0 shared with the store + 0 written"), "{run:?}");
        assert_eq!((files(&view), inode(&view)), (first.clone(), before), "{kind}: nothing was touched");

        let other = World::new(&some);
        let mut command = other.command(&["view", kind, "elsewhere", "--json"]);
        // The registry's address is part of npm's index.
        command.env("npm_config_registry", world.server.url("/"));
        assert_eq!(crate::support::finish(command).code, Some(0));
        assert_eq!(files(&other.project().join("elsewhere")), first, "{kind}");
    }

    world.lock(&some[1..]);
    let view = world.project().join("tarballs");
    let kept = inode(&view.join("package-3-1.0.0.tgz"));
    let run = world.run(&["view", "tarballs", "tarballs"]);
    assert_eq!(run.out, "tarballs: 4 files = 4 kept + 0 shared with the store + 0 written\n");
    assert!(!view.join("package-0-1.0.0.tgz").exists(), "what no lockfile names goes");
    assert_eq!(inode(&view.join("package-3-1.0.0.tgz")), kept);
}

#[test]
fn what_was_changed_in_a_view_is_put_right() {
    let some = packages(4);
    let world = World::new(&some);
    assert_eq!(world.run(&["view", "tarballs", "out"]).code, Some(0));
    let view = world.project().join("out");
    let first = files(&view);
    let path = |number: usize| view.join(format!("package-{number}-1.0.0.tgz"));
    std::fs::remove_file(path(0)).unwrap();
    // Another file of the same length: the blob itself is not touched.
    std::fs::remove_file(path(1)).unwrap();
    std::fs::write(path(1), vec![7; some[1].bytes.len()]).unwrap();
    std::fs::set_permissions(path(1), std::fs::Permissions::from_mode(0o444)).unwrap();
    std::fs::create_dir(view.join("stranger")).unwrap();
    let run = world.run(&["view", "tarballs", "out"]);
    assert_eq!(run.out, "out: 4 files = 2 kept + 2 shared with the store + 0 written\n");
    assert_eq!(files(&view), first);
    assert_eq!(
        std::fs::read_dir(world.project()).unwrap().count(),
        2,
        "lockfile and view: nothing is left beside them"
    );
}

#[test]
fn a_folder_that_is_no_view_is_not_touched() {
    let world = World::new(&packages(1));
    world.write("mine/precious", "data");
    let run = world.run(&["view", "tarballs", "mine", "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("mine holds something else and is not a view\n\nhint: name a folder that"), "{run:?}");
    assert_eq!(files(&world.project().join("mine")).len(), 1);
    world.write("file", "");
    let run = world.run(&["view", "tarballs", "file"]);
    assert!(run.code == Some(1) && run.err.contains("file is not a folder"), "{run:?}");
    std::fs::create_dir(world.project().join("empty")).unwrap();
    assert_eq!(world.run(&["view", "tarballs", "empty"]).code, Some(0));
}

#[test]
fn what_is_missing_or_damaged_leaves_the_view_as_it_was() {
    let some = packages(3);
    let world = World::new(&some);
    world.lock(&some[..2]);
    assert_eq!(world.run(&["view", "tarballs", "out"]).code, Some(0));
    let first = files(&world.project().join("out"));
    world.lock(&some);
    let run = world.run(&["view", "tarballs", "out", "--offline"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("package-2 1.0.0: not in the store"), "{run:?}");
    assert_eq!(files(&world.project().join("out")), first);
}

#[test]
fn a_view_on_another_filesystem_is_a_copy_and_a_full_one_is_said() {
    const MOUNT: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    if !can_unshare(&MOUNT, "a_view_on_another_filesystem") {
        return;
    }
    let some: Vec<Package> =
        (0..20).map(|number| Package::new(&format!("p{number}"), larder_test_server::noise(number, 50_000))).collect();
    let world = World::new(&some);
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    std::fs::create_dir(world.project().join("mount")).unwrap();
    let script = |size: &str| {
        format!(
            "mount -t tmpfs -o size={size} none mount
             \"$LARDER\" view tarballs mount/out --color never || echo \"exit $?\"
             ls -A mount | wc -l; cat mount/out/* 2>/dev/null | wc -c; stat -c %a mount/out/p0-1.0.0.tgz || true"
        )
    };
    let run = in_mount_namespace(&world, &script("20M"));
    let expected = "mount/out: 20 files = 0 kept + 0 shared with the store + 20 written\n1\n1000000\n444\n";
    assert_eq!(run.out, expected, "{run:?}");
    let run = in_mount_namespace(&world, &script("500k"));
    assert_eq!(run.out, "exit 1\n0\n0\n", "nothing half-written: {run:?}");
    assert!(run.err.contains("hint: make room; nothing was changed"), "{run:?}");
    let run = in_mount_namespace(
        &world,
        "mount -t tmpfs -o size=20M none mount; \"$LARDER\" view tarballs mount --color never || echo \"exit $?\"",
    );
    assert!(run.out.contains("exit 1") && run.err.contains("mount is a mount point"), "{run:?}");
}

#[test]
fn several_that_make_one_view_at_once_leave_one_of_theirs_whole() {
    let some = packages(12);
    let world = World::new(&some);
    world.write("other/package-lock.json", &crate::support::lockfile(&some[6..]));
    assert_eq!(world.run(&["fetch", ".", "other"]).code, Some(0));
    let one = |project: &str, folder: &str| world.command(&["view", "npm-cache", folder, project, "--quiet"]);
    let mut wholes = Vec::new();
    for project in [".", "other"] {
        assert_eq!(crate::support::finish(one(project, "alone")).code, Some(0));
        wholes.push(files(&world.project().join("alone")));
    }
    for round in 0..6 {
        let children: Vec<_> =
            (0..4).map(|number| one([".", "other"][number % 2], "shared").spawn().unwrap()).collect();
        for mut child in children {
            assert_eq!(child.wait().unwrap().code(), Some(0), "round {round}");
        }
        assert!(wholes.contains(&files(&world.project().join("shared"))), "round {round}: a mixture");
    }
    let left = std::fs::read_dir(world.project()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().contains(".larder-")).count(), 0);
}

#[test]
fn a_folder_of_an_earlier_layer_of_an_overlay_becomes_a_view() {
    const MOUNT: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    if !can_unshare(&MOUNT, "a_folder_of_an_earlier_layer") {
        return;
    }
    let world = World::new(&packages(2));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    std::fs::create_dir(world.project().join("overlay")).unwrap();
    let run = in_mount_namespace(
        &world,
        "mount -t tmpfs none overlay; mkdir -p overlay/lower/empty overlay/upper overlay/work overlay/merged
         mount -t overlay overlay -o userxattr,lowerdir=overlay/lower,upperdir=overlay/upper,workdir=overlay/work overlay/merged || { echo no overlay; exit 0; }
         \"$LARDER\" view tarballs overlay/merged/empty --quiet; ls overlay/merged/empty",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(["no overlay\n", "package-0-1.0.0.tgz\npackage-1-1.0.0.tgz\n"].contains(&&*run.out), "{run:?}");
}

#[test]
fn a_secret_in_an_address_is_not_in_a_view() {
    let package =
        Package::new("a", "abc").with("resolved", "\"https://registry.example/a/-/a-1.0.0.tgz?token=s3cret\"");
    let world = World::new(std::slice::from_ref(&package));
    assert_eq!(world.run(&["view", "npm-cache", "cache"]).code, Some(0));
    for (name, (_, bytes)) in files(&world.project().join("cache")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"), "{name}");
    }
}

#[test]
fn of_several_projects_the_worst_failure_decides_the_exit_code() {
    let some = packages(2);
    let world = World::new(&some);
    world.lock(&some[..1]);
    world.write("other/package-lock.json", &crate::support::lockfile(&some[1..]));
    world.server.on(&some[0].path(), larder_test_server::Reply::status(500));
    world.server.on(&some[1].path(), larder_test_server::Reply::status(404));
    for projects in [[".", "other"], ["other", "."]] {
        let run = world.run(&["view", "tarballs", "out", projects[0], projects[1]]);
        assert_eq!(run.code, Some(1), "{projects:?}: {run:?}");
    }
}
