//! The choice of lockfiles: folders with lockfiles of several package managers, and folders of a workspace.

use std::{fmt::Write as _, os::unix::fs::PermissionsExt as _};

use larder_test_server::Reply;

use crate::support::{Package, Run, World, finish, lockfile, packages};

/// A `yarn.lock` of yarn 1.
fn yarn_lock(packages: &[Package]) -> String {
    let mut text = "# yarn lockfile v1\n\n".to_owned();
    for package in packages {
        let (name, path, integrity) = (&package.name, package.path(), package.integrity());
        write!(
            text,
            "\n{name}@^1.0.0:\n  version \"1.0.0\"\n  resolved \"https://registry.example{path}\"\n  integrity {integrity}\n"
        )
        .unwrap();
    }
    text
}

/// A package that no registry has.
fn left_over(world: &World) -> Package {
    let package = Package::new("left-over", "nobody has it");
    world.server.on(&package.path(), Reply::status(404));
    package
}

/// Runs larder with a program of this name that says what it is told.
fn run_with(world: &World, program: &str, arguments: &[&str]) -> Run {
    let bin = world.folder.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let path = bin.join(program);
    std::fs::write(&path, "#!/bin/sh\necho \"started, mirror=$npm_config_yarn_offline_mirror\"\n").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.command(&[&["run", "--color", "never", "--"], arguments].concat());
    command.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display()));
    finish(command)
}

#[test]
fn a_command_finds_the_lockfile_of_its_own_package_manager_whatever_others_are_left_over() {
    let some = packages(1);
    let world = World::new(&some);
    let gone = left_over(&world);
    world.write("package-lock.json", &lockfile(std::slice::from_ref(&gone)));
    world.write("yarn.lock", &yarn_lock(&some));
    for command in [&["yarn", "install"][..], &["sh", "-c", "cd . && yarn install"]] {
        let run = run_with(&world, "yarn", command);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.out.starts_with("started, mirror=/"), "{run:?}");
        assert!(run.err.contains("the command's is yarn.lock, and package-lock.json is left out"), "{run:?}");
        assert!(run.err.contains("`lockfiles = [\"yarn.lock\", \"package-lock.json\"]`"), "{run:?}");
    }

    world.write("package-lock.json", &lockfile(&some));
    world.write("yarn.lock", &yarn_lock(std::slice::from_ref(&gone)));
    let run = run_with(&world, "npm", &["npm", "ci"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "started, mirror=\n"), "{run:?}");
    assert_eq!(world.server.count(&gone.path()), 0, "nothing is asked for a lockfile that nobody reads");
}

#[test]
fn npm_is_not_told_of_yarns_mirror_where_larder_toml_lists_both_lockfiles() {
    let some = packages(2);
    let world = World::new(&some);
    world.lock(&some[..1]);
    world.write("yarn.lock", &yarn_lock(&some[1..]));
    world.write("larder.toml", "lockfiles = [\"package-lock.json\", \"yarn.lock\"]\n");
    let run = run_with(&world, "npm", &["npm", "ci"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "started, mirror=\n"), "{run:?}");
    assert!(!run.err.contains("several package managers"), "{run:?}");
    assert_eq!(world.server.count(&some[1].path()), 1, "both are fetched");
}

#[test]
fn elsewhere_package_json_says_whose_lockfile_counts() {
    let some = packages(1);
    let world = World::new(&some);
    let gone = left_over(&world);
    world.write("package-lock.json", &lockfile(std::slice::from_ref(&gone)));
    world.write("yarn.lock", &yarn_lock(&some));
    world.write("package.json", r#"{"name": "app", "packageManager": "yarn@1.22.22"}"#);
    for arguments in [&["plan"][..], &["fetch"], &["view", "tarballs", "out"]] {
        let run = world.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(
            run.err.contains("package.json names yarn as its `packageManager`, and package-lock.json is left out"),
            "{run:?}"
        );
    }

    world.write("package.json", r#"{"name": "app"}"#);
    let run = world.run(&["plan"]);
    assert!(run.out.starts_with("3 entries in package-lock.json and yarn.lock = 2 artifacts + 1 project\n"), "{run:?}");
    assert!(run.err.contains("names no `packageManager`, and all of them are read"), "{run:?}");
    assert!(run.err.contains("`lockfiles = [\"package-lock.json\"]`"), "{run:?}");
    world.write("package-lock.json", "{");
    let run = world.run(&["plan"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("package-lock.json is truncated") && run.err.contains("hint: delete the one"), "{run:?}");
    world.write("larder.toml", "lockfiles = [\"yarn.lock\"]\n");
    let run = world.run(&["fetch"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn an_empty_yarn_lock_is_a_project_without_packages() {
    let world = World::new(&[]);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    world.write("yarn.lock", "");
    let run = world.run(&["plan"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.out.starts_with("0 entries in yarn.lock = 0 artifacts\n"), "{run:?}");
    assert_eq!(run_with(&world, "yarn", &["yarn", "install"]).code, Some(0));
}

#[test]
fn the_binary_lockfile_of_bun_beside_another_is_said_by_every_command_and_stops_none() {
    let some = packages(1);
    let world = World::new(&some);
    world.write("bun.lockb", "#!/usr/bin/env bun\n");
    for run in
        [world.run(&["plan"]), world.run(&["view", "tarballs", "out"]), run_with(&world, "bun", &["bun", "install"])]
    {
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.err.contains("bun.lockb is ignored, since larder cannot read it"), "{run:?}");
    }
}

#[test]
fn in_a_folder_of_a_workspace_the_roots_lockfile_is_used_and_that_is_said() {
    let some = packages(1);
    let world = World::new(&some);
    world.write("package.json", r#"{"name": "root", "workspaces": ["packages/*"]}"#);
    world.write("packages/a/package.json", r#"{"name": "a"}"#);
    world.write("other/package.json", r#"{"name": "other"}"#);
    let at = |folder: &str, arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.current_dir(world.project().join(folder));
        finish(command)
    };
    for arguments in [&["fetch"][..], &["run", "--offline", "--", "true"], &["plan"]] {
        let run = at("packages/a", arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.err.starts_with(". is a package of a workspace: its root's lockfile is used, /"), "{run:?}");
    }
    let run = world.run(&["plan", "packages/a"]);
    assert!(run.out.starts_with("2 entries in package-lock.json = 1 artifact + 1 project\n"), "{run:?}");
    let run = at("other", &["fetch"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("hint: there is a lockfile above it: "), "no workspace lists it: {run:?}");
}

#[test]
fn several_projects_are_planned_as_they_are_fetched() {
    let some = packages(2);
    let world = World::new(&some);
    world.write("web/package-lock.json", &lockfile(&some[..1]));
    world.write("admin/package-lock.json", &lockfile(&some[1..]));
    let run = world.run(&["plan", "web", "admin"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let titles: Vec<&str> = run.out.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(titles, ["web:", "admin:"]);
    let digest = |project: &str| world.run(&["plan", project, "--digest"]).out;
    assert_eq!(world.run(&["plan", "web", "admin", "--digest"]).out, digest("web") + &digest("admin"));
    let document: serde_json::Value =
        serde_json::from_str(&world.run(&["plan", "web", "admin", "--json"]).out).unwrap();
    assert_eq!(document["projects"][1]["project"], "admin");
    assert_eq!(document["projects"][1]["artifacts"][0]["name"], "package-1");
}

#[test]
fn a_folder_without_a_lockfile_is_told_of_its_own_package_manager() {
    let world = World::new(&[]);
    world.write("web/package.json", r#"{"packageManager": "pnpm@9.0.0"}"#);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    let run = world.run(&["fetch", "web"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("hint: `pnpm install --lockfile-only` in web makes one"), "{run:?}");
}
