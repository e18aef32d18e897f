//! Optional packages: those that are gone, and those that a lockfile has no entry for.

use larder_test_server::Reply;

use crate::support::{Package, World, packages};

/// A lockfile of each format, by its name, that names `package-0`, and `gone` as optional.
fn lockfiles(some: &Package, gone: &Package) -> [(&'static str, String); 4] {
    let (one, two) = (some.integrity(), gone.integrity());
    [
        ("package-lock.json", crate::support::lockfile(&[some.clone(), gone.clone().with("optional", "true")])),
        (
            "pnpm-lock.yaml",
            format!(
                "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      package-0: {{specifier: ^1, version: 1.0.0}}\n    optionalDependencies:\n      gone: {{specifier: ^1, version: 1.0.0}}\npackages:\n  package-0@1.0.0:\n    resolution: {{integrity: {one}}}\n  gone@1.0.0:\n    resolution: {{integrity: {two}}}\nsnapshots:\n  package-0@1.0.0: {{}}\n  gone@1.0.0:\n    optional: true\n"
            ),
        ),
        (
            "bun.lock",
            format!(
                r#"{{"lockfileVersion": 1, "workspaces": {{"": {{"dependencies": {{"package-0": "^1"}}, "optionalDependencies": {{"gone": "^1"}}}}}}, "packages": {{"package-0": ["package-0@1.0.0", "", {{}}, "{one}"], "gone": ["gone@1.0.0", "", {{}}, "{two}"]}}}}"#
            ),
        ),
        (
            "yarn.lock",
            format!(
                "# yarn lockfile v1\n\n\npackage-0@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.example/package-0/-/package-0-1.0.0.tgz\"\n  integrity {one}\n\ngone@^1:\n  version \"1.0.0\"\n  resolved \"https://registry.example/gone/-/gone-1.0.0.tgz\"\n  integrity {two}\n"
            ),
        ),
    ]
}

#[test]
fn an_optional_package_that_is_gone_is_left_out_by_every_package_manager_and_remembered() {
    let (some, gone) = (packages(1).remove(0), Package::new("gone", "it was here once"));
    for (status, (name, text)) in [404, 410, 404, 410].into_iter().zip(lockfiles(&some, &gone)) {
        let world = World::new(std::slice::from_ref(&some));
        std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
        world.server.on(&gone.path(), Reply::status(status));
        world.write(name, &text);
        world.write("package.json", r#"{"dependencies": {"package-0": "^1"}, "optionalDependencies": {"gone": "^1"}}"#);
        let run = world.run(&["fetch", "--color", "never"]);
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        assert!(run.out.contains("= 0 already here + 1 fetched + 0 failed + 1 optional and gone\n"), "{name}: {run:?}");
        assert!(run.err.contains("warning: gone 1.0.0 is optional and gone, so it is left out: "), "{name}: {run:?}");
        assert!(run.err.contains(&format!("\n  wanted by {name}: ")), "{name}: {run:?}");

        world.server.forget();
        let run = world.run(&["run", "--offline", "--color", "never", "--", "echo", "started"]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), "started\n"), "{name}: {run:?}");
        assert!(run.err.contains("the registry did not have it when it was asked last"), "{name}: {run:?}");
        assert!(world.server.requests().is_empty());
        let run = world.run(&["view", "tarballs", "out", "--offline"]);
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        assert!(!world.project().join("out/gone-1.0.0.tgz").exists());

        // Whoever can ask asks again.
        world.server.on(&gone.path(), Reply::body(gone.bytes.clone()));
        let run = world.run(&["fetch", "--color", "never"]);
        assert!(run.out.contains("= 1 already here + 1 fetched + 0 failed\n"), "{name}: {run:?}");
        assert_eq!(std::fs::read_dir(world.store().join("gone")).unwrap().count(), 0, "it is forgotten");
    }
}

#[test]
fn later_yarns_say_themselves_what_is_optional() {
    let world = World::new(&[]);
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    let entry = |name: &str| format!("\"{name}@npm:^1\":\n  version: 1.0.0\n  resolution: \"{name}@npm:1.0.0\"\n\n");
    let text = [
        "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    gone: \"npm:^1\"\n    needed: \"npm:^1\"\n  dependenciesMeta:\n    gone:\n      optional: true\n\n".to_owned(),
        entry("gone"),
        entry("needed"),
    ];
    world.write("yarn.lock", &text.concat());
    for name in ["gone", "needed"] {
        world.server.on(&format!("/{name}"), Reply::status(404));
    }
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("2 artifacts = 0 already here + 0 fetched + 1 failed + 1 optional and gone\n"), "{run:?}");
    assert!(run.err.contains("warning: gone 1.0.0 is optional and gone"), "{run:?}");
    assert!(run.err.contains("error: needed 1.0.0: "), "{run:?}");
}

#[test]
fn what_is_needed_or_may_come_back_is_a_failure_as_before() {
    let some = packages(2);
    let world = World::new(&some);
    let optional = some[1].clone().with("optional", "true");
    world.lock(&[some[0].clone(), optional]);
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("npm_config_fetch_retries", "0");
        crate::support::finish(command)
    };
    world.server.on(&some[1].path(), Reply::status(503));
    assert_eq!(run(&["fetch"]).code, Some(3), "a server that is overloaded has it still");
    assert_eq!(run(&["fetch", "--offline"]).code, Some(1), "nobody said that it is gone");
    world.server.on(&some[1].path(), Reply::status(404));
    assert_eq!(run(&["fetch"]).code, Some(0));
    world.server.on(&some[1].path(), Reply::status(503));
    assert_eq!(run(&["fetch"]).code, Some(0), "it was gone when the registry answered last");
    world.lock(&some);
    assert_eq!(run(&["fetch", "--offline"]).code, Some(1), "it is needed now");
}

#[test]
fn a_lockfile_without_a_platforms_packages_is_told_at_plan_and_fetch() {
    let p = Package::new("p", "p").with(
        "optionalDependencies",
        r#"{"p-linux-x64": "1.0.0", "p-linux-arm64": "1.0.0", "p-darwin-arm64": "1.0.0"}"#,
    );
    let darwin = Package::new("p-darwin-arm64", "d")
        .with("optional", "true")
        .with("os", r#"["darwin"]"#)
        .with("cpu", r#"["arm64"]"#);
    let world = World::new(&[p.clone(), darwin.clone()]);
    let told =
        "warning: package-lock.json: p names p-linux-arm64 and p-linux-x64 as optional, and the lockfile has neither\n";
    for command in ["plan", "fetch"] {
        let run = world.run(&[command, "--color", "never"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.err.contains(told), "{run:?}");
        assert!(run.err.contains("`npm install` with neither node_modules nor the lockfile"), "{run:?}");
    }

    // Each of them is found where node would find it.
    let elsewhere = [
        p.clone(),
        darwin,
        Package::new("p/node_modules/p-linux-x64", "")
            .with("name", "\"p-linux-x64\"")
            .with("resolved", "")
            .with("inBundle", "true"),
        Package::new("p-linux-arm64", "").with("resolved", "").with("integrity", "").with("link", "true"),
    ];
    world.lock(&elsewhere);
    assert_eq!(world.run(&["plan"]).err, "");
}
