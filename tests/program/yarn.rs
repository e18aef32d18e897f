//! Projects with a `yarn.lock`.

use std::{fmt::Write as _, os::unix::fs::PermissionsExt as _};

use larder_store::digest::{Algorithm, Digest};
use larder_test_server::Reply;

use crate::support::{Package, World, finish, tarball};

/// Two packages, one of them scoped.
fn two() -> [Package; 2] {
    [Package::new("a", "bytes of a"), Package::new("@scope/b", "bytes of b")]
}

/// A world whose project has a `yarn.lock` and nothing else.
fn world(packages: &[Package], lockfile: &str) -> World {
    let world = World::new(packages);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    world.write("yarn.lock", lockfile);
    world
}

fn classic(packages: &[Package]) -> String {
    let mut text = "# yarn lockfile v1\n\n".to_owned();
    for package in packages {
        let sha1 = Digest::of(Algorithm::Sha1, &package.bytes).to_hex();
        let (name, path) = (&package.name, package.path());
        write!(
            text,
            "\n\"{name}@^1.0.0\":\n  version \"1.0.0\"\n  resolved \"https://registry.example{path}#{sha1}\"\n"
        )
        .unwrap();
    }
    text
}

fn berry(packages: &[Package]) -> String {
    let mut text = "__metadata:\n  version: 10\n  cacheKey: 10c0\n".to_owned();
    for Package { name, .. } in packages {
        write!(
            text,
            "\n\"{name}@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"{name}@npm:1.0.0\"\n  checksum: 10c0/00\n"
        )
        .unwrap();
    }
    text + "\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n"
}

/// A program called yarn, of this version: a shell script.
fn stand_in(world: &World, package: &str, version: &str, script: &str) -> String {
    let folder = world.folder.path().join("yarn");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(folder.join("package.json"), format!(r#"{{"name": "{package}", "version": "{version}"}}"#)).unwrap();
    let program = folder.join("bin/yarn");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.join("bin").display())
}

#[test]
fn yarn_1_finds_every_tarball_in_a_mirror_of_links() {
    let packages = two();
    let world = world(&packages, &classic(&packages));
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.out.starts_with(
            "2 entries in yarn.lock = 2 artifacts\nyarn.lock does not say what is optional, for development or for one platform: all of it is taken, as yarn 1 does\n2 artifacts = 0 already here + 2 fetched"
        ),
        "{run:?}"
    );
    assert!(!run.out.contains("without integrity"), "the sha1 of the address was taken: {run:?}");

    let script = "cd \"$npm_config_yarn_offline_mirror\" && ls -1 && cat ./*.tgz && readlink a-1.0.0.tgz && env | grep -c ^YARN_";
    let path = stand_in(&world, "yarn", "1.22.22", script);
    let mut command = world.command(&["run", "--offline", "--", "yarn"]);
    command.env("PATH", path);
    let run = finish(command);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[..2], ["@scope-b-1.0.0.tgz", "a-1.0.0.tgz"], "{run:?}");
    let blobs = world.store().join("blobs").display().to_string();
    assert!(lines[2].starts_with("bytes of bbytes of a") && lines[2].contains(&blobs), "{run:?}");
    assert_eq!(lines[3], "0", "later yarns refuse variables that they do not know");
}

#[test]
fn a_view_for_yarn_has_the_names_that_yarn_1_looks_for() {
    let packages = two();
    let world = world(&packages, &classic(&packages));
    let run = world.run(&["view", "tarballs", "mirror", "--for", "yarn"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (name, package) in [("a-1.0.0.tgz", &packages[0]), ("@scope-b-1.0.0.tgz", &packages[1])] {
        assert_eq!(std::fs::read(world.project().join("mirror").join(name)).unwrap(), package.bytes);
    }
}

#[test]
fn of_two_files_with_one_name_the_second_is_left_out_and_told() {
    let packages = [Package::new("a", tarball("a", "of a")), Package::new("b", tarball("b", "of b"))];
    let mut text = "# yarn lockfile v1\n".to_owned();
    for Package { name, .. } in &packages {
        write!(text, "\n\"{name}@x\":\n  version \"1.0.0\"\n  resolved \"https://registry.example/{name}/main.tgz\"\n")
            .unwrap();
    }
    let world = world(&packages, &text);
    for package in &packages {
        world.server.on(&format!("/{}/main.tgz", package.name), Reply::body(package.bytes.clone()));
    }
    let run = world.run(&["view", "tarballs", "mirror", "--for", "yarn"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(std::fs::read(world.project().join("mirror/main.tgz")).unwrap(), packages[0].bytes);
    let told =
        "warning: b 1.0.0 is left out of yarn's mirror: yarn 1 looks for it as main.tgz, which is another package's";
    assert!(run.err.contains(told), "{run:?}");
}

#[test]
fn later_yarns_are_led_to_the_registry_and_the_registrys_digests_are_kept() {
    let packages = two();
    let world = world(&packages, &berry(&packages));
    for package in &packages {
        let dist = format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, package.integrity());
        world.server.on(&format!("/{}", package.name.replace('/', "%2f")), Reply::body(dist));
    }
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("3 entries in yarn.lock = 2 artifacts + 1 project\n"), "{run:?}");
    assert!(run.out.contains("2 artifacts without integrity in the lockfile: the registry's was taken\n"), "{run:?}");
    world.server.forget();
    let run = world.run(&["fetch"]);
    assert!(run.out.contains("2 artifacts = 2 already here") && world.server.requests().is_empty(), "{run:?}");

    let script = "echo \"$YARN_NPM_REGISTRY_SERVER|$YARN_UNSAFE_HTTP_WHITELIST|$YARN_ENABLE_TELEMETRY|$npm_config_yarn_offline_mirror|$yarn_npm_registry_server\"";
    let path = stand_in(&world, "@yarnpkg/cli-dist", "4.18.1", script);
    let mut command = world.command(&["run", "--offline", "--", "yarn", "install", "--immutable"]);
    command.env("PATH", path).env("yarn_npm_registry_server", "https://other.example");
    let run = finish(command);
    let said: Vec<&str> = run.out.trim_end().split('|').collect();
    let port = said[0].strip_prefix("http://127.0.0.1:").unwrap();
    assert!(port.bytes().all(|byte| byte.is_ascii_digit()), "{run:?}");
    assert_eq!(said[1..], ["127.0.0.1", "0", "", ""]);
    assert!(!run.err.contains("YN0028"), "{run:?}");
}

#[test]
fn a_lockfile_that_this_yarn_refuses_is_told_before_it_starts() {
    let packages = two();
    let world = world(&packages, &classic(&packages));
    assert_eq!(world.run(&["fetch"]).code, Some(0));
    for (package, version, lockfile, told) in [
        ("yarn", "1.22.22", classic(&packages), None),
        (
            "@yarnpkg/cli-dist",
            "4.18.1",
            classic(&packages),
            Some("yarn 4.18.1 turns a yarn.lock of yarn 1 into its own form"),
        ),
        ("yarn", "1.22.22", berry(&[]), Some("yarn 1.22.22 does not understand a yarn.lock of yarn 2 or later")),
        (
            "@yarnpkg/cli-dist",
            "4.5.3",
            berry(&[]),
            Some("yarn 4.5.3 writes yarn.lock in version 8, this one has version 10"),
        ),
    ] {
        world.write("yarn.lock", &lockfile);
        let path = stand_in(&world, package, version, "exit 0");
        let mut command = world.command(&["run", "--offline", "--color", "never", "--", "sh", "-c", "yarn install"]);
        command.env("PATH", path);
        let run = finish(command);
        assert_eq!(run.code, Some(0), "{run:?}");
        match told {
            Some(told) => {
                assert!(
                    run.err.contains(&format!("warning: yarn.lock: {told}")) && run.err.contains("\nhint: "),
                    "{run:?}"
                );
            }
            None => assert!(!run.err.contains("yarn.lock"), "{run:?}"),
        }
    }
}
