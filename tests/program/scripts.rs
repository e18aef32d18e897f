//! The scripts that run the tests: what they are asked for, and what they make of what they find.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{Run, finish};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn script(arguments: &[&str]) -> Run {
    let mut command = Command::new("bash");
    command.args(arguments).current_dir(root()).env_remove("CI");
    finish(command)
}

/// The verdict on these results: lines of `verdict seconds script claim`.
fn summary(results: &str, is_ci: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results");
    fs::write(&file, results).unwrap();
    let mut command = Command::new("bash");
    command.args(["-euc", "source tests/summary.sh && summary \"$1\"", "bash"]).arg(&file).current_dir(root());
    if is_ci {
        command.env("CI", "true")
    } else {
        command.env_remove("CI")
    };
    finish(command)
}

/// Every shell script below a folder.
fn scripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "sh"));
    here.chain(folders.iter().flat_map(|folder| scripts(folder))).collect()
}

#[test]
fn a_part_of_the_tests_that_does_not_exist_is_a_usage_error() {
    let run = script(&["tests/run", "everything"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("tests/run all"), "{run:?}");
}

#[test]
fn a_name_that_no_script_has_is_a_usage_error() {
    let mut command = Command::new("bash");
    // Nothing is built for it.
    command.args(["tests/run", "clients", "no-such-script"]).env("STATIC", "none").current_dir(root());
    let run = finish(command);
    assert_eq!((run.code, run.err.as_str()), (Some(2), "no script has such a name: no-such-script\n"), "{run:?}");
}

#[test]
fn every_script_is_one_that_bash_can_read() {
    let mut all: Vec<PathBuf> = ["bench", "docker", "tests/clients", "tests/docker"]
        .map(|folder| root().join(folder))
        .iter()
        .flat_map(|folder| scripts(folder))
        .collect();
    all.extend(["tests/run", "tests/summary.sh", ".ci/run", "fuzz/run.sh"].map(|file| root().join(file)));
    assert!(all.len() > 40, "{all:?}");
    for file in all {
        let run = script(&["-n", file.to_str().unwrap()]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", file.display());
    }
}

#[test]
fn every_client_script_is_in_a_bundle_and_every_short_one_exists() {
    let run = fs::read_to_string(root().join("tests/run")).unwrap();
    let line = run.lines().find_map(|line| line.strip_prefix("CLIENT_BUNDLES=(")?.strip_suffix(')')).unwrap();
    // The bundle `npm` has the first two of these too, and `power` the others.
    let mut bundled: Vec<&str> = line.split(' ').chain(["static", "share", "replay", "downloads"]).collect();
    bundled.sort_unstable();
    let mut folders: Vec<String> = scripts(&root().join("tests/clients"))
        .iter()
        .map(|file| file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|folder| folder != "clients")
        .collect();
    folders.sort_unstable();
    folders.dedup();
    assert_eq!(folders, bundled);

    let short = run.lines().skip_while(|line| *line != "QUICK=(").skip(1).take_while(|line| *line != ")");
    let short: Vec<&str> = short.map(|line| line.trim().trim_matches('\'').split('\t').next().unwrap()).collect();
    assert_eq!(short.len(), 3);
    for name in short {
        assert!(root().join("tests/clients").join(name).exists(), "{name}");
    }
}

#[test]
fn what_must_hold_before_a_change_lands_has_all_tests_in_it() {
    let all = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(all.lines().any(|line| line == "tests/run all"), "{all}");
}

#[test]
fn a_run_of_the_tests_ends_with_its_sums_and_its_slowest() {
    let results = "pass\t0.50\tclients/npm/a.sh\ta claim\npass\t12.00\tclients/npm/a.sh\ta slow claim\npass\t1.00\tdocker/builds/b.sh\tone more\ntime\t13\tclients/npm/a.sh\n";
    let run = summary(results, true);
    let expected = "the slowest scripts:
    13.0 s  clients/npm/a.sh
the slowest claims:
    12.0 s  clients/npm/a.sh: a slow claim
     1.0 s  docker/builds/b.sh: one more
     0.5 s  clients/npm/a.sh: a claim
clients: 2 passed, 0 failed, 0 skipped
docker: 1 passed, 0 failed, 0 skipped
";
    assert_eq!((run.code, run.out.as_str()), (Some(0), expected), "{run:?}");
}

#[test]
fn of_many_claims_the_ten_slowest_are_named() {
    let claims: Vec<String> =
        (0..5_000).map(|number| format!("pass\t{number}\tclients/a.sh\tclaim {number}\n")).collect();
    let run = summary(&claims.concat(), true);
    assert_eq!(run.code, Some(0), "{run:?}");
    let named = |number: u32| run.out.contains(&format!("clients/a.sh: claim {number}\n"));
    assert!(named(4_999) && named(4_990) && !named(4_989), "{run:?}");
}

#[test]
fn a_claim_that_does_not_hold_fails_the_run_and_is_named_at_its_end() {
    let run = summary("pass\t1\tclients/a.sh\tx\nfail\t1\tclients/a.sh\ty: expected 1, got 2\n", false);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("FAILED: clients/a.sh: y: expected 1, got 2\n"), "{run:?}");
}

#[test]
fn what_is_skipped_is_named_and_fails_only_where_nothing_may_be_missing() {
    let missing = "skip\t0\tclients/bun/count.sh\tbun cannot be installed here\n";
    let run = summary(missing, false);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("skipped: clients/bun/count.sh: bun cannot be installed here\n"), "{run:?}");
    let run = summary(missing, true);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("FAILED: skipped, and CI=true"), "{run:?}");

    let excused =
        "skip\t0\tclients/power/loss.sh\tpower loss: no filesystem in a file can be mounted here: mount failed\n";
    let run = summary(excused, true);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("(a container may have no loop devices)\n"), "{run:?}");
}
