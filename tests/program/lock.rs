//! `larder lock`: what it chooses, asks for, writes and refuses.

use larder_test_server::{Reply, wheel};

use crate::{
    pyodide::{Listed, Pyodide, RELEASE, distributed, sha256, tarball},
    support::{Package, finish},
};

mod archives;
mod asking;
mod fetching;
mod sharing;
mod stopping;

const NUMPY: (&str, &str, &[&str]) = ("numpy", "2.2.5", &[]);
const PANDAS: (&str, &str, &[&str]) = ("pandas", "2.3.1", &["numpy"]);

fn plain() -> Listed {
    Listed::default()
}

#[test]
fn a_project_is_locked_and_locked_again_without_a_change() {
    let project = Pyodide::new(&[NUMPY, PANDAS]);
    project.publish("black", "26.5.1", &["Requires-Dist: click>=8 ; python_version > '3'"], &plain());
    project.publish(
        "black",
        "26.10.1",
        &["Requires-Dist: click>=8", "Requires-Dist: uvloop; extra == 'uvloop'"],
        &plain(),
    );
    project.publish("click", "8.3.0", &[], &plain());
    project.ask(&["pandas", "black"], "");
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::assert_snapshot!(run.out, @r"
    4 packages for Pyodide 0.28.3 = 2 of its distribution + 2 of the index
    + black 26.10.1
    + click 8.3.0
    + numpy 2.2.5
    + pandas 2.3.1
    larder.lock is written
    ");
    let text = project.world.plain(&project.text());
    let (head, packages) = text.split_once("\n[[package]]").unwrap();
    assert!(head.contains("requested = [\n    \"black\",\n    \"pandas\",\n]\n"), "{head}");
    assert!(
        head.contains("url = \"https://registry.example/pyodide/-/pyodide-0.28.3.tgz\"\nintegrity = \"sha512-"),
        "{head}"
    );
    let shown: String = packages
        .lines()
        .map(|line| if line.starts_with("sha256") { "sha256 = …\n".to_owned() } else { format!("{line}\n") })
        .collect();
    insta::assert_snapshot!(shown, @r#"

    name = "black"
    version = "26.10.1"
    source = "index"
    file_name = "black-26.10.1-py3-none-any.whl"
    url = "[registry]/files/black-26.10.1-py3-none-any.whl"
    sha256 = …
    size = 737
    depends = ["click"]
    why = ["larder.toml"]

    [[package]]
    name = "click"
    version = "8.3.0"
    source = "index"
    file_name = "click-8.3.0-py3-none-any.whl"
    url = "[registry]/files/click-8.3.0-py3-none-any.whl"
    sha256 = …
    size = 657
    depends = []
    why = ["black"]

    [[package]]
    name = "numpy"
    version = "2.2.5"
    source = "distribution"
    file_name = "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"
    url = "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"
    sha256 = …
    depends = []
    why = ["pandas"]

    [[package]]
    name = "pandas"
    version = "2.3.1"
    source = "distribution"
    file_name = "pandas-2.3.1-cp313-cp313-pyodide_2025_0_wasm32.whl"
    url = "pandas-2.3.1-cp313-cp313-pyodide_2025_0_wasm32.whl"
    sha256 = …
    depends = ["numpy"]
    why = ["larder.toml"]
    "#);
    let before = project.text();
    let again = project.run(&["lock"]);
    assert_eq!((again.code, project.text() == before), (Some(0), true));
    assert!(again.out.ends_with("larder.lock is up to date\n"), "{again:?}");
    assert_eq!(project.run(&["lock", "--check"]).code, Some(0));
}

#[test]
fn what_was_locked_is_kept_until_it_is_to_be_upgraded() {
    let project = Pyodide::new(&[]);
    for name in ["a", "b"] {
        project.publish(name, "1.0", &[], &plain());
    }
    project.ask(&["a", "b"], "");
    assert_eq!(project.lock(), ["a 1.0", "b 1.0"]);
    for name in ["a", "b"] {
        project.publish(name, "2.0", &[], &plain());
    }
    assert_eq!(project.lock(), ["a 1.0", "b 1.0"]);
    let run = project.run(&["lock", "--upgrade", "mistyped"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("larder.lock has no mistyped, so there is nothing to upgrade"), "{run:?}");
    let run = project.run(&["lock", "--upgrade", "B"]);
    assert_eq!((run.code, project.locked()), (Some(0), vec!["a 1.0".to_owned(), "b 2.0".to_owned()]));
    assert!(run.out.contains("~ b 1.0 → 2.0\n"), "{run:?}");
    assert_eq!(project.run(&["lock", "--upgrade"]).code, Some(0));
    assert_eq!(project.locked(), ["a 2.0", "b 2.0"]);
    project.ask(&["a<2", "b"], "");
    assert_eq!(project.lock(), ["a 1.0", "b 2.0"]);
}

#[test]
fn check_fails_where_the_lock_would_change_and_writes_nothing() {
    let project = Pyodide::new(&[NUMPY]);
    project.ask(&["numpy"], "");
    let run = project.run(&["lock", "--check"]);
    assert_eq!((run.code, project.text().as_str()), (Some(1), ""));
    project.lock();
    let before = project.text();
    project.publish("a", "1.0", &[], &plain());
    project.ask(&["numpy", "a"], "");
    let run = project.run(&["lock", "--check"]);
    assert_eq!((run.code, project.text() == before), (Some(1), true));
    insta::assert_snapshot!(run.out, @r"
    2 packages for Pyodide 0.28.3 = 1 of its distribution + 1 of the index
    + a 1.0
    larder.lock would change
    ");
    insta::assert_snapshot!(run.err, @r"
    error: ./larder.lock is not what `larder lock` would write

    hint: `larder lock` writes it; commit what it writes
    ");
}

#[test]
fn what_cannot_be_had_is_named_at_once_and_the_old_lock_stays() {
    let project = Pyodide::new(&[NUMPY]);
    project.ask(&["numpy"], "");
    project.lock();
    let before = project.text();
    project.list("source", "source-1.0.tar.gz", b"", &plain());
    let (file, bytes) = wheel("wrong", "1.0", "cp313-cp313-pyemscripten_2026_0_wasm32", &[]);
    project.list("wrong", &file, &bytes, &plain());
    project.ask(&["numpy>=3", "nobody", "source", "wrong"], "");
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.text() == before), (Some(1), true));
    insta::assert_snapshot!(run.err, @r"
    error: packages that are not available:
      numpy: the distribution has 2.2.5, which larder.toml does not accept, and the index does not know it
      nobody: the distribution does not have it, and the index does not know it
      source: the distribution does not have it, and the index has only source distributions of it, where Pyodide loads wheels
      wrong: the distribution does not have it, and the index has only wheels for cp313-cp313-pyemscripten_2026_0_wasm32, which the runtime cannot load

    hint: take the name out of larder.toml, name another `index` there, or choose a release of Pyodide that has it
    ");
}

#[test]
fn a_conflict_with_the_distribution_names_both_chains() {
    let project = Pyodide::new(&[NUMPY, PANDAS]);
    project.publish("app", "1.0", &["Requires-Dist: deep"], &plain());
    project.publish("deep", "1.0", &["Requires-Dist: numpy>=3"], &plain());
    project.ask(&["pandas", "app"], "");
    let run = project.run(&["lock"]);
    assert_eq!((run.code, project.text().as_str()), (Some(1), ""));
    insta::assert_snapshot!(run.err.split_once("error: ").unwrap().1, @r"
    the requirements in larder.toml conflict:
      larder.toml asks for `app`
      app 1.0 needs `deep` (larder.toml → app)
      deep 1.0 needs `numpy>=3` (larder.toml → app → deep)
      the distribution of Pyodide 0.28.3 has numpy 2.2.5 (larder.toml → pandas → numpy)

    hint: change a requirement in larder.toml; another release of Pyodide has other versions
    ");
    project.publish("deep", "0.9", &["Requires-Dist: numpy"], &plain());
    assert_eq!(project.lock(), ["app 1.0", "deep 0.9", "numpy 2.2.5*", "pandas 2.3.1*"]);
}

#[test]
fn yanked_files_other_pythons_and_pre_releases_are_passed_over() {
    let project = Pyodide::new(&[]);
    project.publish("a", "1.0", &[], &plain());
    project.publish("a", "2.0", &[], &plain().with(r#""requires-python": ">=3.14""#));
    project.publish("a", "3.0", &[], &plain().with(r#""yanked": "broken""#));
    project.publish("a", "4.0rc1", &[], &plain());
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0"]);
    project.ask(&["a==3.0"], "");
    assert_eq!(project.lock(), ["a 3.0"]);
    project.ask(&["a>=4.0rc1"], "");
    assert_eq!(project.lock(), ["a 4.0rc1"]);
}

#[test]
fn extras_and_markers_are_those_of_the_package_and_the_runtime() {
    let project = Pyodide::new(&[]);
    let lines = [
        "Provides-Extra: x",
        "Requires-Dist: b; extra == 'x'",
        "Requires-Dist: c; sys_platform == 'emscripten'",
        "Requires-Dist: nobody; sys_platform != 'emscripten'",
    ];
    project.publish("a", "1.0", &lines, &plain());
    project.publish("b", "1.0", &["Provides-Extra: x", "Requires-Dist: nobody; extra == 'x'"], &plain());
    project.publish("c", "1.0", &[], &plain());
    project.ask(&["a"], "");
    assert_eq!(project.lock(), ["a 1.0", "c 1.0"]);
    project.ask(&["a[x]"], "");
    assert_eq!(project.lock(), ["a 1.0", "b 1.0", "c 1.0"]);
}

#[test]
fn a_release_is_taken_from_larder_toml_where_no_npm_lockfile_is() {
    let project = Pyodide::new(&[NUMPY]);
    std::fs::remove_file(project.world.project().join("package-lock.json")).unwrap();
    project.ask(&["numpy"], "");
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("neither larder.toml nor an npm lockfile of . names a release of Pyodide"), "{run:?}");
    let bytes = tarball("0.29.0", &[NUMPY]);
    let package = Package::new("pyodide", bytes.clone());
    let packument = format!(r#"{{"versions": {{"0.29.0": {{"dist": {{"integrity": "{}"}}}}}}}}"#, package.integrity());
    project.world.server.on("/pyodide", Reply::body(packument));
    project.world.server.on("/pyodide/-/pyodide-0.29.0.tgz", Reply::body(bytes));
    project.ask(&["numpy"], "version = \"0.29.0\"");
    assert_eq!(project.lock(), ["numpy 2.2.5*"]);
    assert!(project.text().contains(&format!("version = \"0.29.0\"\npython = \"3.13.2\"\nabi_version = \"2025_0\"\nplatform = \"emscripten_4_0_9\"\nintegrity = \"{}\"\n", package.integrity())));
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("2 entries in larder.lock = 2 artifacts\n"), "{run:?}");
}

#[test]
fn without_pyodide_in_larder_toml_there_is_nothing_to_lock() {
    let project = Pyodide::new(&[]);
    let run = project.run(&["lock"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r"
    error: larder.toml has no [pyodide], and no lockfile names a package whose own downloads are known, so there is nothing to lock

    hint: `larder init` writes a larder.toml to begin with
    ");
    let init = project.run(&["init"]);
    assert_eq!(init.code, Some(0));
    assert!(init.out.contains(&format!("package-lock.json has Pyodide {RELEASE}")), "{init:?}");
    let again = project.run(&["init"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("larder.toml exists"), "{again:?}");
    assert_eq!(project.run(&["lock"]).code, Some(0));
    assert_eq!(project.locked(), [""; 0]);
}
