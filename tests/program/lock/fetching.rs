//! `larder fetch` with a `larder.lock`: its files, from where they are, checked; and no question to the index.

use super::*;

/// A locked project: numpy of the distribution, a of the index.
fn locked() -> Pyodide {
    let project = Pyodide::new(&[NUMPY]);
    project.publish("a", "1.0", &["Requires-Dist: numpy"], &plain());
    project.ask(&["a"], "");
    project.lock();
    project.world.server.forget();
    project
}

#[test]
fn everything_that_is_locked_arrives_without_a_question_to_the_index() {
    let project = locked();
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(project.world.plain(&run.out), @r"
    5 entries in package-lock.json and larder.lock = 3 artifacts + 1 repeat of one + 1 project
    3 artifacts = 1 already here + 2 fetched + 0 failed
    2 requests, 1.3 kB in [time]
    ");
    assert_eq!(project.requests_below("/simple/"), 0);
    project.world.server.forget();
    assert_eq!(project.run(&["fetch"]).code, Some(0));
    assert_eq!(project.run(&["fetch", "--offline"]).code, Some(0));
    assert_eq!(project.world.server.requests().len(), 0);
}

#[test]
fn larder_lock_is_in_the_plan_and_its_digest() {
    let project = locked();
    let with = project.run(&["plan", "--digest"]).out;
    let document: serde_json::Value = serde_json::from_str(&project.run(&["plan", "--json"]).out).unwrap();
    let rows: Vec<String> = document["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["ecosystem"], row["name"], row["address"]).replace('"', ""))
        .collect();
    let rows: Vec<String> = rows.iter().map(|row| project.world.plain(row)).collect();
    assert_eq!(
        rows,
        [
            "npm pyodide https://registry.example/pyodide/-/pyodide-0.28.3.tgz",
            "pyodide numpy pyodide 0.28.3 numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl",
            "python a [registry]/files/a-1.0-py3-none-any.whl",
        ]
    );
    let alone = project.run(&["fetch", "package-lock.json"]);
    assert_eq!((alone.code, alone.err.as_str()), (Some(0), ""), "a lockfile that is named alone");
    std::fs::remove_file(project.world.project().join("larder.lock")).unwrap();
    assert_ne!(project.run(&["plan", "--digest"]).out, with);
    let run = project.run(&["fetch"]);
    assert!(run.err.contains("larder.lock does not exist: run `larder lock`"), "{run:?}");
}

#[test]
fn sources_are_tried_in_their_order_and_each_is_checked() {
    let project = locked();
    let (file, bytes) = distributed("numpy", "2.2.5");
    let folder = project.world.project().join("vendor").join(RELEASE);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(&file), "other bytes").unwrap();
    let server = |path: &str| project.world.server.url(path);
    let sources = |good: &str| {
        format!("sources = [\"vendor/{{version}}\", {:?}, {:?}]", server("/none/v{version}/"), server(good))
    };
    project.ask(&["a"], &sources("/none/"));
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected = format!(
        "error: numpy 2.2.5: digest does not match larder.lock\n  caused by: file://[folder]/project/vendor/{RELEASE}/{file}: expected "
    );
    assert!(project.world.plain(&run.err).contains(&expected), "{run:?}");
    assert_eq!(project.world.server.count(&format!("/none/v{RELEASE}/{file}")), 1);
    project.ask(&["a"], &sources("/dist/"));
    assert_eq!(project.run(&["fetch"]).code, Some(0));
    assert_eq!(project.world.server.count(&format!("/dist/{file}")), 1);

    let other = locked();
    let folder = other.world.project().join("vendor");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(&file), bytes).unwrap();
    other.ask(&["a"], "sources = [\"vendor\"]");
    assert_eq!(other.run(&["fetch"]).code, Some(0));
    assert_eq!(other.requests_below("/dist/"), 0);
}

#[test]
fn a_wheel_that_is_not_the_locked_one_is_refused() {
    let project = locked();
    let path = "/files/a-1.0-py3-none-any.whl";
    project.world.server.on(path, Reply::body("other bytes"));
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("error: a 1.0: digest does not match larder.lock"), "{run:?}");
    assert!(run.err.contains("hint: the file there is not the one that was locked"), "{run:?}");
}

#[test]
fn lockfiles_that_disagree_about_the_runtime_are_told() {
    let project = locked();
    let newer = Package::new("pyodide", "newer")
        .with("version", "\"0.29.0\"")
        .with("resolved", "\"https://registry.example/pyodide/-/pyodide-0.29.0.tgz\"");
    project.world.lock(&[newer]);
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r"
    error: larder.lock is out of date: package-lock.json has Pyodide 0.29.0, larder.lock has 0.28.3

    hint: `larder lock` makes it anew, and keeps the versions that still fit
    ");
    assert!(project.world.server.requests().is_empty());

    project.ask(&["a"], &format!("version = {RELEASE:?}"));
    let run = project.run(&["fetch", "--offline"]);
    let warning = "warning: package-lock.json: node_modules/pyodide is Pyodide 0.29.0, larder.lock has 0.28.3";
    assert!(run.err.contains(warning), "{run:?}");
}

#[test]
fn a_lock_that_was_made_for_other_packages_is_told() {
    let project = locked();
    project.ask(&["a", "b"], "");
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("larder.toml asks for `b`, and larder.lock was made without it"), "{run:?}");
    project.world.write("larder.lock", &project.text().replace("sha256 = \"", "sha256 = \"x"));
    let run = project.run(&["plan"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("larder.lock: package a: `sha256` is"), "{run:?}");
}

#[test]
fn what_is_laid_out_for_npm_holds_no_wheel() {
    let project = locked();
    let run = project.run(&["view", "tarballs", "out"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let names = std::fs::read_dir(project.world.project().join("out")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let tarballs: Vec<_> = names.iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(tarballs, [&format!("pyodide-{RELEASE}.tgz")]);
}
