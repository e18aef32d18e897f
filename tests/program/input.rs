//! Input that is wrong: a message that names the file, the entry and the way out.

use crate::support::{Package, World, packages};

fn error_of(lockfile: &str) -> (Option<i32>, String) {
    let world = World::new(&[]);
    world.write("package-lock.json", lockfile);
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.out, "");
    assert!(!world.store().exists(), "nothing is made for a project that cannot be read");
    assert_eq!(world.server.connections(), 0);
    (run.code, world.plain(&run.err))
}

#[test]
fn each_kind_of_bad_lockfile_is_named() {
    let cases = [
        (r#"{"lockfileVersion": 3, "packages": {"node_mod"#.to_owned(), vec!["package-lock.json", "line 1"]),
        ("not json at all".to_owned(), vec!["package-lock.json"]),
        (r#"{"lockfileVersion": 9, "packages": {}}"#.to_owned(), vec!["package-lock.json", "9"]),
        ("{}".to_owned(), vec!["package-lock.json", "lockfileVersion"]),
        ("{\n<<<<<<< HEAD\n  \"lockfileVersion\": 3\n=======\n}".to_owned(), vec!["merge-conflict", "npm install"]),
        (
            r#"{"lockfileVersion": 1, "dependencies": "#.to_owned() + &"{\"a\":{\"dependencies\":".repeat(5000),
            vec!["package-lock.json"],
        ),
    ];
    for (lockfile, parts) in cases {
        let (code, error) = error_of(&lockfile);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.starts_with("error: "), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
    }
}

#[test]
fn an_entry_that_makes_no_sense_is_named_and_leads_nowhere() {
    for (fields, part) in [
        (r#""version": "1.0.0", "integrity": "sha512-AAAA""#, "instead of 64"),
        (r#""version": "1.0.0", "resolved": "ftp://x.example/a.tgz""#, "ftp"),
        (r#""version": "1.0.0", "name": "../../etc""#, "../../etc"),
        (r#""version": "1.0.0", "name": "a\u0000b""#, "a\\0b"),
    ] {
        let world = World::new(&[]);
        world.write(
            "package-lock.json",
            &format!(r#"{{"lockfileVersion": 3, "packages": {{"node_modules/a": {{{fields}}}}}}}"#),
        );
        let run = world.run(&["fetch", "--color", "never"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("wanted by package-lock.json: node_modules/a\n"), "{run:?}");
        assert!(run.err.contains(part), "{part:?} is missing in: {run:?}");
        assert_eq!(world.server.connections(), 0);
    }
}

#[test]
fn entries_that_contradict_each_other_are_both_named() {
    let package = Package::new("twice", "one");
    let other = Package::new("x", "two").integrity();
    let entry = |integrity: &str| {
        format!(
            r#"{{"version": "1.0.0", "resolved": "https://registry.example/twice/-/twice-1.0.0.tgz", "integrity": "{integrity}"}}"#
        )
    };
    let (code, error) = error_of(&format!(
        r#"{{"lockfileVersion": 3, "packages": {{"node_modules/twice": {}, "node_modules/a/node_modules/twice": {}}}}}"#,
        entry(&package.integrity()),
        entry(&other)
    ));
    assert_eq!(code, Some(1));
    for part in ["node_modules/twice", "node_modules/a/node_modules/twice", &package.integrity(), &other] {
        assert!(error.contains(part), "{part:?} is missing in: {error}");
    }
}

#[test]
fn a_folder_without_a_lockfile_says_where_one_is() {
    let world = World::new(&packages(1));
    let run = world.run(&["fetch", "..", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("has no npm-shrinkwrap.json, no package-lock.json, no pnpm-lock.yaml, no yarn.lock"),
        "{}",
        run.err
    );
    assert!(run.err.contains("hint: there are lockfiles below it: ../project/package-lock.json"), "{}", run.err);
    let run = world.run(&["fetch", "nowhere"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.starts_with("error: nowhere does not exist\n\nhint: name the project's folder"), "{}", run.err);
}

#[test]
fn an_unknown_key_of_larder_toml_names_the_nearest_one() {
    let world = World::new(&packages(1));
    world.write("larder.toml", "[fetch]\nretrys = 3\n");
    let run = world.run(&["fetch"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("larder.toml") && run.err.contains("retrys") && run.err.contains("retries"),
        "{}",
        run.err
    );
}

#[test]
fn wrong_usage_is_exit_code_2_with_the_way_out() {
    let world = World::new(&[]);
    for arguments in [&["fetsh"][..], &["fetch", "--platfrom", "x"], &["fetch", "--jobs", "0"], &[]] {
        let run = world.run(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
    }
    assert!(world.run(&["fetch", "--help"]).out.contains("Examples:\n  larder fetch"));
}

#[test]
fn an_entry_that_cannot_be_fetched_fails_the_fetch_and_the_others_arrive() {
    let some = packages(2);
    let world = World::new(&some);
    let mut all = some.clone();
    all.push(
        Package::new("odd", "")
            .with("resolved", "\"git+https://git.example/x.git#0123456789012345678901234567890123456789\"")
            .with("integrity", ""),
    );
    world.lock(&all);
    let run = world.run(&["fetch", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("= 2 artifacts + 1 project + 1 that cannot be fetched\n"), "{run:?}");
    assert!(run.out.contains("2 artifacts = 0 already here + 2 fetched + 0 failed\n"), "{run:?}");
    assert!(run.err.contains("node_modules/odd") && run.err.contains("git.example"), "{}", run.err);
}

#[test]
fn a_lockfile_of_many_entries_is_read_and_everything_in_it_counted() {
    let world = World::new(&[]);
    world.lock(&packages(20_000));
    let run = world.run(&["plan"]);
    assert_eq!(run.code, Some(0));
    assert!(run.out.starts_with("20,001 entries in package-lock.json = 20,000 artifacts + 1 project\n"), "{}", run.out);
}

#[test]
fn a_platform_of_larder_toml_that_is_none_names_the_file() {
    let world = World::new(&packages(1));
    world.write("larder.toml", "platforms = [\"linux/foo\"]\n");
    for command in ["plan", "fetch"] {
        let run = world.run(&[command]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("larder.toml: `platforms`") && run.err.contains("linux/foo"), "{}", run.err);
    }
}

#[test]
fn a_broken_lockfile_of_another_folder_is_named_with_its_folder() {
    let world = World::new(&packages(1));
    world.write("web/package-lock.json", "{");
    let run = world.run(&["fetch", ".", "web", "--color", "never"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.starts_with("error: web/package-lock.json is truncated"), "{}", run.err);
    assert!(run.err.contains("\n\nhint: `git checkout -- FILE`"), "{}", run.err);
}
