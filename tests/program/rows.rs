//! What `larder.lock` recorded, in build steps that have the lockfile and not `larder.lock`: a context and a seeded mount carry it.

use std::{fs, path::Path, process::Command};

use crate::{
    buildkit::Bench,
    context::view,
    pyodide::sha256,
    support::{Package, Run, World, finish, lockfile, packages, program, skipped},
    view::files,
};

/// A `larder.lock` with a small answer at each of these paths.
fn rows(answers: &[(&str, &str)]) -> String {
    let row = |(path, body): &(&str, &str)| {
        let (sha256, size) = (sha256(body.as_bytes()), body.len());
        format!(
            "\n[[download]]\nurl = \"https://files.example/{path}\"\nsha256 = \"{sha256}\"\nsize = {size}\nby = [\"script:fetch\"]\ntrust = \"first-use\"\nbody = \"{body}\"\n"
        )
    };
    format!("version = 2\n{}", answers.iter().map(row).collect::<String>())
}

/// Whether there is a client that asks the run's proxy.
fn can_ask(test: &str) -> bool {
    let can = Command::new("curl").arg("--version").output().is_ok_and(|run| run.status.success());
    if !can {
        skipped(test, "curl is not installed");
    }
    can
}

/// Prints what the run's proxy is, if there is one, and what it answers at these paths.
fn script(paths: &[&str]) -> String {
    let ask = |path: &&str| {
        format!("curl -sS -o /dev/stdout -w ' %{{http_code}}\\n' https://files.example/{path} 2>/dev/null || true\n")
    };
    format!("echo ${{HTTPS_PROXY:+proxy}}\n{}", paths.iter().map(ask).collect::<String>())
}

/// What an install in a step gets of these paths, where larder is this program, and the folder has this lockfile and these other files.
fn step(world: &World, larder: &Path, lockfile: &str, others: &[(&str, &str)], paths: &[&str]) -> Run {
    let folder = world.folder.path().join("step");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    for (name, text) in [("package-lock.json", lockfile)].iter().chain(others) {
        fs::write(folder.join(name), text).unwrap();
    }
    let prepared = world.command(&[]);
    let mut command = Command::new(larder);
    command.args(["run", "--offline", "--allow-refused", "--", "sh", "-c", &script(paths)]).current_dir(folder);
    command.env_clear().envs(prepared.get_envs().filter_map(|(key, value)| Some((key, value?))));
    finish(command)
}

/// Makes a context of the project, and puts it where its larder is the one under test; the program.
fn context_of(world: &World) -> std::path::PathBuf {
    let run = view(world, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let beside = world.folder.path().join("beside");
    let _ = fs::remove_dir_all(&beside);
    fs::rename(world.project().join("out"), &beside).unwrap();
    fs::remove_file(beside.join("bin/larder")).unwrap();
    fs::copy(program(), beside.join("bin/larder")).unwrap();
    beside.join("bin/larder")
}

#[test]
fn a_step_with_the_lockfile_alone_knows_the_rows_from_the_context() {
    if !can_ask("a_step_with_the_lockfile_alone_knows_the_rows_from_the_context") {
        return;
    }
    let (mine, other) = (packages(2), packages(1));
    let world = World::new(&mine);
    world.write("larder.lock", &rows(&[("a", "one")]));
    let larder = context_of(&world);
    fs::remove_dir_all(world.store()).unwrap();
    let run = step(&world, &larder, &lockfile(&mine), &[], &["a", "b"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("proxy\none 200\n") && run.out.ends_with(" 404\n"), "{run:?}");
    // Another lockfile is another project, and what it recorded is not known.
    let run = step(&world, &larder, &lockfile(&other), &[], &["a"]);
    assert_eq!((run.code, run.out.lines().next()), (Some(0), Some("")), "{run:?}");
    // Where larder.lock is, it has the word; where nothing of it is named, nothing counts.
    let own = rows(&[("a", "another")]);
    let run = step(&world, &larder, &lockfile(&mine), &[("larder.lock", &own)], &["a"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "proxy\nanother 200\n"), "{run:?}");
}

#[test]
fn a_step_with_a_lockfile_that_is_not_read_knows_the_rows_of_its_packages() {
    if !can_ask("a_step_with_a_lockfile_that_is_not_read_knows_the_rows_of_its_packages") {
        return;
    }
    let mine = packages(1);
    let world = World::new(&mine);
    let unread = ("bun.lockb", "#!/usr/bin/env bun\n");
    world.write(unread.0, unread.1);
    world.write("larder.lock", &rows(&[("a", "one")]).replace("script:fetch", "native@1.0.0"));
    let larder = context_of(&world);
    let run = step(&world, &larder, &lockfile(&mine), &[unread], &["a"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "proxy\none 200\n"), "{run:?}");
}

#[test]
fn the_part_for_the_install_depends_on_the_rows_alone() {
    let world = World::new(&packages(2));
    let store = |text: Option<&str>| {
        match text {
            Some(text) => world.write("larder.lock", text),
            None => fs::remove_file(world.project().join("larder.lock")).unwrap(),
        }
        context_of(&world);
        files(&world.folder.path().join("beside/store"))
    };
    let first = store(Some(&rows(&[("a", "one"), ("b", "two")])));
    // In another order, with a comment and a setting that a later larder may write.
    let turned = rows(&[("b", "two"), ("a", "one")]).replacen("version = 2", "# Merged.\nversion = 2\nlater = 1", 1);
    assert_eq!(store(Some(&turned)), first);
    assert_ne!(store(Some(&rows(&[("a", "other")]))), first);
    let without = store(None);
    assert!(!without.keys().any(|name| name.starts_with("rows")), "{without:?}");
    assert_eq!(first.len(), without.len() + 2, "a folder and a file");
}

#[test]
fn two_projects_keep_their_rows_apart_and_those_with_one_lockfile_may_not_contradict() {
    if !can_ask("two_projects_keep_their_rows_apart_and_those_with_one_lockfile_may_not_contradict") {
        return;
    }
    let (mine, other) = (packages(2), packages(1));
    let world = World::new(&mine);
    world.write("larder.lock", &rows(&[("a", "one")]));
    world.write("more/package-lock.json", &lockfile(&other));
    world.write("more/larder.lock", &rows(&[("a", "two")]));
    let both = |world: &World| view(world, &[".", "more"]);
    let run = both(&world);
    assert_eq!(run.code, Some(0), "{run:?}");
    let larder = {
        let beside = world.folder.path().join("beside");
        fs::rename(world.project().join("out"), &beside).unwrap();
        fs::remove_file(beside.join("bin/larder")).unwrap();
        fs::copy(program(), beside.join("bin/larder")).unwrap();
        beside.join("bin/larder")
    };
    for (packages, answer) in [(&mine, "one"), (&other, "two")] {
        let run = step(&world, &larder, &lockfile(packages), &[], &["a"]);
        assert_eq!((run.code, run.out), (Some(0), format!("proxy\n{answer} 200\n")));
    }
    world.write("more/package-lock.json", &lockfile(&mine));
    let run = both(&world);
    assert_eq!(run.code, Some(1), "{run:?}");
    insta::assert_snapshot!(run.err, @r"
    error: larder.lock and more/larder.lock record different things of https://files.example/a, and their package-lock.json are equal: a build step cannot tell them apart

    hint: make one of them at a time, or let one of the projects record anew what the other one has
    ");
    world.write("more/larder.lock", &rows(&[("a", "one"), ("b", "two")]));
    assert_eq!(both(&world).code, Some(0), "they do not contradict each other");
}

#[test]
fn a_seeded_mount_has_the_rows_and_a_context_leaves_it_no_word() {
    if !can_ask("a_seeded_mount_has_the_rows_and_a_context_leaves_it_no_word") {
        return;
    }
    let mine = packages(2);
    let bench = Bench::new(&mine);
    let world = &bench.world;
    let in_mount = |larder: &Path, paths: &[&str]| {
        fs::remove_dir_all(world.store()).unwrap_or_default();
        fs::create_dir_all(world.store()).unwrap();
        let copied = Command::new("cp").arg("-a").arg(bench.mount().join(".")).arg(world.store()).status().unwrap();
        assert!(copied.success());
        step(world, larder, &lockfile(&mine), &[], paths)
    };
    world.write("larder.lock", &rows(&[("a", "one")]));
    assert_eq!(bench.run(&["seed"]).code, Some(0));
    let run = in_mount(program(), &["a"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "proxy\none 200\n"), "{run:?}");

    world.write("larder.lock", &rows(&[("a", "newer")]));
    assert_eq!(bench.run(&["seed"]).code, Some(0));
    assert_eq!(in_mount(program(), &["a"]).out, "proxy\nnewer 200\n");

    // A context says everything, and so that there is nothing.
    fs::remove_file(world.project().join("larder.lock")).unwrap();
    let larder = context_of(world);
    assert_eq!(in_mount(&larder, &["a"]).out.lines().next(), Some(""), "the mount is older than the context");

    assert_eq!(bench.run(&["seed"]).code, Some(0));
    assert_eq!(in_mount(program(), &["a"]).out.lines().next(), Some(""), "what is not recorded any more is gone");
}

#[test]
fn rows_that_are_damaged_in_a_mount_are_named_and_count_for_nothing() {
    let mine = [Package::new("a", "abc")];
    let bench = Bench::new(&mine);
    bench.world.write("larder.lock", &rows(&[("a", "one")]));
    assert_eq!(bench.run(&["seed"]).code, Some(0));
    fs::rename(bench.mount(), bench.world.store()).unwrap_or_else(|_| {
        fs::remove_dir_all(bench.world.store()).unwrap();
        fs::rename(bench.mount(), bench.world.store()).unwrap();
    });
    let file = fs::read_dir(bench.world.store().join("rows")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("one", "two")).unwrap();
    let run = step(&bench.world, program(), &lockfile(&mine), &[], &["a"]);
    assert_eq!((run.code, run.out.lines().next()), (Some(0), Some("")), "{run:?}");
    let said =
        format!("warning: {}: what was recorded of downloads is damaged, and counts for nothing\n", file.display());
    assert!(run.err.contains(&said), "{run:?}");
}
