//! A distribution and an index in memory: what is chosen, and what is said when nothing can be.

use std::{cell::RefCell, sync::Arc};

use jiff::Timestamp;
use larder_store::digest::{Algorithm, Digest};

use super::*;
use crate::{
    core::runtime_version::RuntimeVersion,
    pyodide::{
        distribution::Distribution,
        index::{CoreMetadata, IndexError, IndexFile},
    },
    python::{metadata::Metadata, requirement::Requirement, runtime::Runtime},
};

/// An index: the files of each project, and the lines of each file's metadata.
#[derive(Default)]
struct Memory {
    files: BTreeMap<ProjectName, Vec<IndexFile>>,
    metadata: BTreeMap<String, String>,
    asked: RefCell<Vec<String>>,
}

impl Index for Memory {
    fn files(&self, name: &ProjectName) -> Result<Option<Arc<Vec<IndexFile>>>, IndexError> {
        Ok(self.files.get(name).cloned().map(Arc::new))
    }

    fn metadata(&self, wheel: &IndexFile) -> Result<Arc<Metadata>, IndexError> {
        self.asked.borrow_mut().push(wheel.file_name.clone());
        Ok(Arc::new(Metadata::parse(self.metadata[&wheel.file_name].as_bytes())))
    }

    fn expect(&self, _names: &[ProjectName]) {}

    fn expect_metadata(&self, _wheels: &[IndexFile]) {}
}

impl Memory {
    fn with(self, name: &str, version: &str, lines: &[&str]) -> Self {
        self.with_file(name, version, "py3-none-any", lines, |_| {})
    }

    fn with_file(
        mut self,
        name: &str,
        version: &str,
        tag: &str,
        lines: &[&str],
        change: impl FnOnce(&mut IndexFile),
    ) -> Self {
        let file_name = format!("{}-{version}-{tag}.whl", name.replace('-', "_"));
        let mut file = file(&file_name);
        change(&mut file);
        let head = format!("Name: {name}\nVersion: {version}\n{}\n", lines.join("\n"));
        self.metadata.insert(file_name, head);
        self.files.entry(project(name)).or_default().push(file);
        self
    }
}

fn file(file_name: &str) -> IndexFile {
    IndexFile {
        file_name: file_name.to_owned(),
        url: format!("https://files.example/{file_name}").parse().unwrap(),
        sha256: Some(Digest::of(Algorithm::Sha256, file_name.as_bytes())),
        size: Some(1),
        requires_python: None,
        uploaded: Some("2025-01-01T00:00:00Z".parse().unwrap()),
        is_yanked: false,
        metadata: CoreMetadata::Unstated,
    }
}

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

/// A distribution: name, version and what it depends on.
fn distribution(packages: &[(&str, &str, &[&str])]) -> Distribution {
    let entries: Vec<String> = packages
        .iter()
        .map(|(name, version, depends)| {
            let depends: Vec<String> = depends.iter().map(|name| format!("{name:?}")).collect();
            format!(
                r#""{name}": {{"name": "{name}", "version": "{version}", "file_name": "{name}-{version}-py3-none-any.whl", "install_dir": "site",
                "sha256": "{}", "package_type": "package", "imports": [], "depends": [{}], "unvendored_tests": false}}"#,
                Digest::of(Algorithm::Sha256, name.as_bytes()).to_hex(),
                depends.join(", ")
            )
        })
        .collect();
    let text = format!(
        r#"{{"info": {{"arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.2", "abi_version": "2026_0"}}, "packages": {{{}}}}}"#,
        entries.join(", ")
    );
    Distribution::read("pyodide-lock.json", text.as_bytes()).unwrap()
}

/// What a test may state beside the packages.
#[derive(Default)]
struct With {
    preferred: BTreeMap<ProjectName, Version>,
    exclude_newer: Option<Timestamp>,
}

fn run(
    distribution: &Distribution,
    index: &Memory,
    requirements: &[&str],
    with: &With,
) -> Result<Resolution, ResolveError> {
    let version = RuntimeVersion::parse("314.0.7").unwrap();
    let runtime = Runtime::new(version, "3.14.2", "emscripten_5_0_3", Some("2026_0")).unwrap();
    let requirements: Vec<Requirement> = requirements.iter().map(|text| Requirement::parse(text).unwrap()).collect();
    let request = Request {
        runtime: &runtime,
        distribution,
        requirements: &requirements,
        preferred: &with.preferred,
        exclude_newer: with.exclude_newer,
    };
    resolve(request, index)
}

/// `name version` of each package, `*` after those of the distribution.
fn chosen(distribution: &Distribution, index: &Memory, requirements: &[&str]) -> Vec<String> {
    shown(&run(distribution, index, requirements, &With::default()).unwrap())
}

fn shown(resolution: &Resolution) -> Vec<String> {
    let mark = |file: &ResolvedFile| if matches!(file, ResolvedFile::Distribution) { "*" } else { "" };
    let line = |one: &Resolved| format!("{} {}{}", one.name, one.version, mark(&one.file));
    resolution.packages.iter().map(line).collect()
}

fn message(distribution: &Distribution, index: &Memory, requirements: &[&str]) -> String {
    run(distribution, index, requirements, &With::default()).unwrap_err().to_string()
}

#[test]
fn the_distribution_comes_first_with_what_its_lock_says() {
    let distribution =
        distribution(&[("numpy", "2.2.5", &[]), ("pandas", "2.3.1", &["numpy", "six"]), ("six", "1.17.0", &[])]);
    let index = Memory::default().with("numpy", "3.0", &[]).with("black", "25.1", &["Requires-Dist: six>=1"]);
    let resolution = run(&distribution, &index, &["pandas", "black"], &With::default()).unwrap();
    assert_eq!(shown(&resolution), ["black 25.1", "numpy 2.2.5*", "pandas 2.3.1*", "six 1.17.0*"]);
    let six = &resolution.packages[3];
    assert_eq!(six.why, [Asker::Package(project("black")), Asker::Package(project("pandas"))]);
    assert_eq!(resolution.packages[2].depends, [project("numpy"), project("six")]);
    assert_eq!(resolution.packages[2].why, [Asker::LarderToml]);
}

#[test]
fn versions_are_ordered_as_pep_440_orders_them() {
    let index = Memory::default().with("a", "26.10.1", &[]).with("a", "26.5.1", &[]).with("a", "9.0", &[]);
    let none = distribution(&[]);
    assert_eq!(chosen(&none, &index, &["a"]), ["a 26.10.1"]);
    assert_eq!(chosen(&none, &index, &["a<26.10"]), ["a 26.5.1"]);
    assert_eq!(chosen(&none, &index, &["a", "a!=26.10.1,!=26.5.1"]), ["a 9.0"]);
}

#[test]
fn older_versions_are_tried_where_newer_ones_do_not_fit() {
    let distribution = distribution(&[("numpy", "2.2.5", &[])]);
    let index = Memory::default()
        .with("a", "3.0", &["Requires-Dist: numpy>=3"])
        .with("a", "2.0", &["Requires-Dist: b>=2"])
        .with("a", "1.0", &["Requires-Dist: numpy"])
        .with("b", "2.0", &["Requires-Dist: numpy<2"])
        .with("b", "1.0", &[]);
    assert_eq!(chosen(&distribution, &index, &["a"]), ["a 1.0", "numpy 2.2.5*"]);
}

#[test]
fn a_conflict_with_the_distribution_names_both_chains() {
    let distribution = distribution(&[("numpy", "2.2.5", &[]), ("pandas", "2.3.1", &["numpy"])]);
    let index = Memory::default()
        .with("app", "1.0", &["Requires-Dist: deep"])
        .with("deep", "1.0", &["Requires-Dist: numpy>=3"])
        .with("deep", "1.1", &["Requires-Dist: numpy (>=3)"]);
    insta::assert_snapshot!(message(&distribution, &index, &["app", "pandas"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `app`
      app 1.0 needs `deep` (larder.toml → app)
      deep 1.0 to 1.1 needs `numpy (>=3)` or `numpy>=3` (larder.toml → app → deep)
      the distribution of Pyodide 314.0.7 has numpy 2.2.5 (larder.toml → pandas → numpy)
    ");
}

#[test]
fn a_conflict_between_two_packages_names_both_chains() {
    let index = Memory::default()
        .with("a", "1.0", &["Requires-Dist: c<2"])
        .with("b", "1.0", &["Requires-Dist: c>=2"])
        .with("c", "1.0", &[])
        .with("c", "2.0", &[]);
    insta::assert_snapshot!(message(&distribution(&[]), &index, &["a", "b"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `b`
      larder.toml asks for `a`
      b 1.0 needs `c>=2` (larder.toml → b)
      a 1.0 needs `c<2` (larder.toml → a)
    ");
}

#[test]
fn larder_toml_may_ask_for_another_version_than_the_distributions() {
    let distribution = distribution(&[("packaging", "26.1", &[]), ("micropip", "0.11", &["packaging"])]);
    let index = Memory::default().with("packaging", "27.0", &[]);
    assert_eq!(chosen(&distribution, &index, &["micropip", "packaging>=27"]), ["micropip 0.11*", "packaging 27.0"]);
    insta::assert_snapshot!(message(&distribution, &index, &["packaging>=28"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `packaging>=28`
      packaging: the wheels that the runtime can load are 27.0; the distribution has 26.1
    ");
}

#[test]
fn all_that_cannot_be_had_is_named_at_once() {
    let mut index = Memory::default()
        .with_file("native", "1.0", "cp314-cp314-manylinux_2_17_x86_64", &[], |_| {})
        .with_file("old", "1.0", "py3-none-any", &[], |file| file.requires_python = Some("<3".to_owned()));
    index.files.insert(project("source"), vec![file("source-1.0.tar.gz")]);
    index.files.insert(project("empty"), Vec::new());
    let requirements = ["nobody", "native", "old", "source", "empty", "nobody>1", "unwanted; sys_platform == 'win32'"];
    insta::assert_snapshot!(message(&distribution(&[]), &index, &requirements), @"
    packages that are not available:
      nobody: the distribution does not have it, and the index does not know it
      native: the distribution does not have it, and the index has only wheels for manylinux_2_17_x86_64, which the runtime cannot load
      old: the distribution does not have it, and the index has only wheels for Python <3
      source: the distribution does not have it, and the index has only source distributions of it, where Pyodide loads wheels
      empty: the distribution does not have it, and the index has no file of it
    ");
}

#[test]
fn a_yanked_version_is_chosen_only_if_it_is_pinned() {
    let yank = |file: &mut IndexFile| file.is_yanked = true;
    let index = Memory::default().with("a", "1.0", &[]).with_file("a", "2.0", "py3-none-any", &[], yank);
    let none = distribution(&[]);
    assert_eq!(chosen(&none, &index, &["a"]), ["a 1.0"]);
    assert_eq!(chosen(&none, &index, &["a==2.0"]), ["a 2.0"]);
    insta::assert_snapshot!(message(&none, &index, &["a>1"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `a>1`
      a: 2.0 is yanked, and chosen only if requested with ==2.0
    ");
}

#[test]
fn pre_releases_are_chosen_if_asked_for_or_if_nothing_else_is_there() {
    let index = Memory::default().with("a", "1.0", &[]).with("a", "2.0rc1", &[]).with("b", "1.0a1", &[]);
    let none = distribution(&[]);
    assert_eq!(chosen(&none, &index, &["a", "b"]), ["a 1.0", "b 1.0a1"]);
    assert_eq!(chosen(&none, &index, &["a>=2.0rc1"]), ["a 2.0rc1"]);
    assert_eq!(chosen(&none, &index, &["a>=1.0a1"]), ["a 2.0rc1"]);
    assert_eq!(chosen(&none, &index, &["a>1.0"]), ["a 2.0rc1"]);
    let user = index.with("user", "1.0", &["Requires-Dist: a<2"]);
    assert_eq!(chosen(&none, &user, &["user", "a"]), ["a 1.0", "user 1.0"]);
}

#[test]
fn the_wheel_of_the_best_tag_and_the_highest_build_is_taken() {
    let index = Memory::default()
        .with("a", "1.0", &[])
        .with_file("a", "1.0", "cp314-cp314-pyemscripten_2026_0_wasm32", &[], |_| {})
        .with_file("a", "1.0", "cp313-cp313-pyemscripten_2025_0_wasm32", &[], |_| {})
        .with_file("b", "1.0", "1-py3-none-any", &[], |_| {})
        .with_file("b", "1.0", "10-py3-none-any", &[], |_| {});
    let resolution = run(&distribution(&[]), &index, &["a", "b"], &With::default()).unwrap();
    let names: Vec<&str> = resolution
        .packages
        .iter()
        .map(|one| match &one.file {
            ResolvedFile::Index { file_name, .. } => file_name.as_str(),
            ResolvedFile::Distribution => "",
        })
        .collect();
    assert_eq!(names, ["a-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl", "b-1.0-10-py3-none-any.whl"]);
}

#[test]
fn requires_python_is_checked_in_the_list_and_in_the_metadata() {
    let python = |file: &mut IndexFile| file.requires_python = Some(">=3.15".to_owned());
    let index = Memory::default()
        .with_file("a", "3.0", "py3-none-any", &[], python)
        .with("a", "2.0", &["Requires-Python: <3.10"])
        .with("a", "1.0", &["Requires-Python: >=3.6.*,"]);
    let resolution = run(&distribution(&[]), &index, &["a"], &With::default()).unwrap();
    assert_eq!(shown(&resolution), ["a 1.0"]);
    assert_eq!(resolution.warnings, ["a 2.0 is skipped: it needs Python <3.10, and the runtime has 3.14.2"]);
}

#[test]
fn extras_are_those_of_the_package_that_they_are_asked_of() {
    let index = Memory::default()
        .with("a", "1.0", &["Provides-Extra: x", "Requires-Dist: b", "Requires-Dist: c; extra == 'x'"])
        .with("b", "1.0", &["Provides-Extra: x", "Requires-Dist: d; extra == 'x'"])
        .with("c", "1.0", &[])
        .with("d", "1.0", &[])
        .with(
            "all",
            "1.0",
            &[
                "Provides-Extra: all",
                "Provides-Extra: y",
                "Requires-Dist: all[y]; extra == 'all'",
                "Requires-Dist: d; extra == 'y'",
            ],
        );
    let none = distribution(&[]);
    assert_eq!(chosen(&none, &index, &["a"]), ["a 1.0", "b 1.0"]);
    assert_eq!(chosen(&none, &index, &["a[X]"]), ["a 1.0", "b 1.0", "c 1.0"]);
    assert_eq!(chosen(&none, &index, &["all[all]"]), ["all 1.0", "d 1.0"]);
    let unknown = run(&none, &index, &["c[y]"], &With::default()).unwrap();
    assert_eq!(
        (shown(&unknown), unknown.warnings),
        (vec!["c 1.0".to_owned()], vec!["c 1.0 has no extra `y`".to_owned()])
    );
}

#[test]
fn an_extra_of_the_distributions_package_is_read_from_the_index() {
    let distribution = distribution(&[("requests", "2.32.4", &["idna"]), ("idna", "3.10", &[])]);
    let index = Memory::default()
        .with(
            "requests",
            "2.32.4",
            &["Provides-Extra: socks", "Requires-Dist: idna", "Requires-Dist: pysocks; extra == 'socks'"],
        )
        .with("requests", "3.0", &[])
        .with("pysocks", "1.7.1", &[]);
    let chosen = chosen(&distribution, &index, &["requests[socks]"]);
    assert_eq!(chosen, ["idna 3.10*", "pysocks 1.7.1", "requests 2.32.4*"]);
    insta::assert_snapshot!(message(&distribution, &index, &["idna[all]"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `idna[all]`
      idna[all] 3.10 cannot be used: the distribution does not say what the extras of idna 3.10 need, and the index has no wheel of it
    ");
}

#[test]
fn an_extra_goes_with_the_version_of_its_project() {
    let index = Memory::default()
        .with("a", "2.0", &["Provides-Extra: x", "Requires-Dist: c; extra == 'x'"])
        .with("a", "1.0", &["Provides-Extra: x", "Requires-Dist: d; extra == 'x'"])
        .with("b", "1.0", &["Requires-Dist: a<2"])
        .with("d", "1.0", &[]);
    assert_eq!(chosen(&distribution(&[]), &index, &["a[x]", "b"]), ["a 1.0", "b 1.0", "d 1.0"]);
}

#[test]
fn markers_are_those_of_the_runtime() {
    let lines = [
        "Requires-Dist: b; sys_platform == 'emscripten'",
        "Requires-Dist: nobody; sys_platform == 'win32' or python_version < '3.9'",
    ];
    let index = Memory::default().with("a", "1.0", &lines).with("b", "1.0", &[]);
    assert_eq!(chosen(&distribution(&[]), &index, &["a"]), ["a 1.0", "b 1.0"]);
}

#[test]
fn later_uploads_are_left_out() {
    let at = |time: &str| {
        let time: Timestamp = time.parse().unwrap();
        move |file: &mut IndexFile| file.uploaded = Some(time)
    };
    let index = Memory::default()
        .with_file("a", "1.0", "py3-none-any", &[], at("2025-01-31T23:59:59Z"))
        .with_file("a", "2.0", "py3-none-any", &[], at("2025-02-01T00:00:00Z"))
        .with_file("b", "1.0", "py3-none-any", &[], |file| file.uploaded = None);
    let with = With { exclude_newer: Some("2025-02-01T00:00:00Z".parse().unwrap()), ..With::default() };
    let none = distribution(&[]);
    assert_eq!(shown(&run(&none, &index, &["a"], &with).unwrap()), ["a 1.0"]);
    let message = run(&none, &index, &["b"], &with).unwrap_err().to_string();
    assert!(message.contains("without a time of upload, which `exclude-newer` needs"), "{message}");
}

#[test]
fn an_earlier_locks_versions_are_kept_while_they_fit() {
    let yank = |file: &mut IndexFile| file.is_yanked = true;
    let index = Memory::default().with_file("a", "1.0", "py3-none-any", &[], yank).with("a", "2.0", &[]).with(
        "b",
        "2.0",
        &["Requires-Dist: a"],
    );
    let preferred = BTreeMap::from([(project("a"), "1.0".parse().unwrap()), (project("b"), "1.0".parse().unwrap())]);
    let with = With { preferred, ..With::default() };
    let none = distribution(&[]);
    assert_eq!(shown(&run(&none, &index, &["b"], &with).unwrap()), ["a 1.0", "b 2.0"]);
    assert_eq!(shown(&run(&none, &index, &["b", "a>1"], &with).unwrap()), ["a 2.0", "b 2.0"]);
}

#[test]
fn metadata_that_disagrees_with_the_name_is_passed_over_and_said_so() {
    let mut index = Memory::default().with("a", "2.0", &[]).with("a", "1.0", &[]);
    index.metadata.insert("a-2.0-py3-none-any.whl".to_owned(), "Name: b\nVersion: 2.0\n".to_owned());
    let resolution = run(&distribution(&[]), &index, &["a"], &With::default()).unwrap();
    assert_eq!(shown(&resolution), ["a 1.0"]);
    assert_eq!(resolution.warnings, ["a 2.0 is skipped: a-2.0-py3-none-any.whl says inside that it is b 2.0"]);
    insta::assert_snapshot!(message(&distribution(&[]), &index, &["a==2.0"]), @"
    the requirements in larder.toml conflict:
      larder.toml asks for `a==2.0`
      a 2.0 cannot be used: a-2.0-py3-none-any.whl says inside that it is b 2.0
    ");
}

#[test]
fn cycles_are_resolved() {
    let index = Memory::default().with("fixtures", "3.0.0", &["Requires-Dist: testtools"]).with(
        "testtools",
        "2.5.0",
        &["Requires-Dist: fixtures>=1.3.0"],
    );
    let resolution = run(&distribution(&[]), &index, &["testtools"], &With::default()).unwrap();
    assert_eq!(shown(&resolution), ["fixtures 3.0.0", "testtools 2.5.0"]);
    assert_eq!(resolution.packages[1].why, [Asker::LarderToml, Asker::Package(project("fixtures"))]);
}

#[test]
fn the_order_of_files_and_requirements_plays_no_part_in_versions() {
    let index = || {
        Memory::default()
            .with("a", "2.0", &["Requires-Dist: c<2"])
            .with("a", "1.0", &["Requires-Dist: c"])
            .with("b", "1.0", &["Requires-Dist: c"])
            .with("c", "2.0", &[])
            .with("c", "1.0", &[])
    };
    let mut turned = index();
    for files in turned.files.values_mut() {
        files.reverse();
    }
    let none = distribution(&[]);
    assert_eq!(chosen(&none, &index(), &["a", "b"]), chosen(&none, &turned, &["a", "b"]));
    assert_eq!(chosen(&none, &index(), &["a", "b"]), ["a 2.0", "b 1.0", "c 1.0"]);
}
