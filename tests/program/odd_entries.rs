//! Entries that larder does not understand or cannot fetch: one entry, not the whole lockfile, and no reason to keep a command from starting that can get it itself.

use larder_test_server::Reply;

use crate::support::{Package, World};

/// A world whose project has this lockfile alone.
fn world(name: &str, text: &str, good: &Package) -> World {
    let world = World::new(std::slice::from_ref(good));
    std::fs::remove_file(world.project().join("package-lock.json")).unwrap();
    world.write(name, text);
    let dist = format!(r#"{{"versions": {{"1.0.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, good.integrity());
    world.server.on("/good", Reply::body(dist));
    world
}

/// Of each format a lockfile with a good entry and an odd one, and what is said of the odd one.
fn odd(good: &Package) -> [(&'static str, String, &'static str); 6] {
    let integrity = good.integrity();
    let npm = |odd: &str| {
        let entry = r#""version": "1.0.0", "resolved": "https://registry.example/good/-/good-1.0.0.tgz""#;
        format!(
            r#"{{"lockfileVersion": 3, "packages": {{"node_modules/good": {{{entry}, "integrity": "{integrity}"}}, "node_modules/odd": {odd}}}}}"#
        )
    };
    [
        (
            "package-lock.json",
            npm(r#"{"version": "1.0.0", "resolved": "https://registry.example/odd/-/odd-1.0.0.tgz", "integrity": "md5-1B2M2Y8AsgTpgAmY7PhCfg=="}"#),
            "node_modules/odd: odd: integrity: `md5-1B2M2Y8AsgTpgAmY7PhCfg==` has no sha512, sha384, sha256 or sha1 digest",
        ),
        (
            "npm-shrinkwrap.json",
            npm(r#"{"version": "1.0.0", "resolved": "odd:thing"}"#),
            "node_modules/odd: odd: an address with the scheme `odd`, which larder does not fetch from",
        ),
        (
            "pnpm-lock.yaml",
            format!(
                "lockfileVersion: '9.0'\npackages:\n  good@1.0.0:\n    resolution: {{integrity: {integrity}}}\n  odd@1.0.0: {{}}\n"
            ),
            "odd@1.0.0: odd: `resolution` is missing",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\n\"good@npm:1\":\n  version: 1.0.0\n  resolution: \"good@npm:1.0.0\"\n\n\"odd@plug:x\":\n  version: 1.0.0\n  resolution: \"odd@plug:x\"\n".to_owned(),
            "odd@plug:x: odd 1.0.0: `plug:` is the protocol of a yarn plugin, and only yarn with that plugin can fetch it",
        ),
        (
            "yarn.lock",
            format!(
                "# yarn lockfile v1\n\ngood@1:\n  version \"1.0.0\"\n  resolved \"https://registry.example/good/-/good-1.0.0.tgz\"\n  integrity {integrity}\n\nodd@1:\n  version \"1 0\"\n"
            ),
            "odd@1: odd: the version \"1 0\" has a character that no version has",
        ),
        (
            "bun.lock",
            format!(
                r#"{{"lockfileVersion": 1, "workspaces": {{}}, "packages": {{"good": ["good@1.0.0", "", {{}}, "{integrity}"], "odd": 5}}}}"#
            ),
            "odd: odd: not a list",
        ),
    ]
}

#[test]
fn an_entry_that_is_not_understood_is_one_entry_in_every_format() {
    let good = Package::new("good", "the good one");
    for (name, text, told) in odd(&good) {
        let world = world(name, &text, &good);
        let run = world.run(&["plan", "--color", "never"]);
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        assert!(run.out.contains(" = 1 artifact + "), "{name}: {run:?}");
        assert!(run.out.contains(" + 1 that cannot be fetched\n"), "{name}: {run:?}");
        assert!(run.err.contains(&format!("warning: {name}: {told}\n")), "{name}: {run:?}");

        let run = world.run(&["fetch", "--color", "never"]);
        assert_eq!(run.code, Some(1), "{name}: {run:?}");
        assert!(run.out.contains("1 artifact = 0 already here + 1 fetched + 0 failed\n"), "{name}: {run:?}");
        assert!(run.err.contains("error: odd: cannot be fetched\n"), "{name}: {run:?}");
    }
}

#[test]
fn a_command_that_may_ask_the_network_starts_without_what_larder_cannot_fetch() {
    let good = Package::new("good", "the good one");
    for (name, text, _) in odd(&good) {
        let world = world(name, &text, &good);
        let run = world.run(&["run", "--color", "never", "--", "echo", "started"]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), "started\n"), "{name}: {run:?}");
        assert!(run.err.contains("warning: odd cannot be fetched by larder: "), "{name}: {run:?}");
        assert!(run.err.contains("; the command may get it itself\n"), "{name}: {run:?}");

        let run = world.run(&["run", "--offline", "--color", "never", "--", "echo", "started"]);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{name}: {run:?}");
        assert!(run.err.contains("error: odd: cannot be fetched\n"), "{name}: {run:?}");
        assert_eq!(world.run(&["view", "tarballs", "out"]).code, Some(1), "a view is whole or none");
    }
}

#[test]
fn an_entry_without_an_address_is_left_to_the_command_that_may_know_it() {
    let good = Package::new("good", "the good one");
    let integrity = good.integrity();
    let text = format!(
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      good: {{specifier: ^1, version: 1.0.0}}\n      odd: {{specifier: 'work:odd@^1', version: 'work:odd@1.0.0'}}\npackages:\n  good@1.0.0:\n    resolution: {{integrity: {integrity}}}\n  odd@work:1.0.0:\n    resolution: {{integrity: {integrity}}}\n    version: 1.0.0\nsnapshots:\n  good@1.0.0: {{}}\n  odd@work:1.0.0: {{}}\n"
    );
    let world = world("pnpm-lock.yaml", &text, &good);
    let run = world.run(&["run", "--color", "never", "--", "echo", "started"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "started\n"), "{run:?}");
    assert!(run.err.contains("the named registry `work` is not known"), "{run:?}");
    assert!(run.err.contains("; the command may get it itself\n"), "{run:?}");
    let run = world.run(&["run", "--offline", "--color", "never", "--", "echo", "started"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
}

#[test]
fn of_many_odd_entries_ten_are_told_and_how_many_more_there_are() {
    let world = World::new(&[]);
    let entries: Vec<String> = (0..30).map(|number| format!(r#""node_modules/odd{number}": 5"#)).collect();
    world.write("package-lock.json", &format!(r#"{{"lockfileVersion": 3, "packages": {{{}}}}}"#, entries.join(", ")));
    let run = world.run(&["plan", "--color", "never"]);
    assert_eq!((run.code, run.err.lines().count()), (Some(0), 11), "{run:?}");
    assert!(run.err.ends_with("warning: and 20 more like that\n"), "{run:?}");
}
