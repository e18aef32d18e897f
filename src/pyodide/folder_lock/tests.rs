//! Locks of folders, made from small ones.

use super::*;
use crate::pyodide::testing::packages::{Package, distribution_lock, index_wheels, info, larder_lock};

fn prune(packages: &[Package], elsewhere: Option<&str>) -> FolderLock {
    prune_for(&info(), packages, elsewhere)
}

fn prune_for(info: &Value, packages: &[Package], elsewhere: Option<&str>) -> FolderLock {
    let text = distribution_lock(info, packages);
    let distribution = Distribution::read("pyodide-lock.json", text.as_bytes()).unwrap();
    let lock = larder_lock(packages, &text);
    let elsewhere = elsewhere.map(|url| url.parse().unwrap());
    let wheels = index_wheels(packages);
    FolderLockInput {
        distribution: &distribution,
        lock: &lock,
        wheels: &wheels,
        runtime_file_names: &BTreeSet::from(["in_runtime-1.0-py3-none-any.whl"]),
        elsewhere: elsewhere.as_ref(),
    }
    .build()
    .unwrap()
}

/// `a: b c`, a package a line.
fn graph(pruned: &FolderLock) -> Vec<String> {
    let packages = pruned.document["packages"].as_object().unwrap();
    let line = |(key, entry): (&String, &Value)| {
        let needs: Vec<&str> = entry["depends"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        format!("{key}: {}", needs.join(" ")).trim_end().to_owned()
    };
    packages.iter().map(line).collect()
}

#[test]
fn what_is_shipped_is_named_and_nothing_else() {
    let packages = [
        Package::distribution("numpy", ""),
        Package::distribution("Jinja2", "Markup_Safe numpy"),
        Package::distribution("Markup.Safe", ""),
        Package::left_out("scipy", "numpy"),
        Package::index("black", "jinja2").requested(),
    ];
    let pruned = prune(&packages, None);
    assert_eq!(graph(&pruned), ["black: jinja2", "jinja2: markup-safe numpy", "markup-safe:", "numpy:"]);
    assert_eq!((&pruned.cut[..], &pruned.losses[..]), (&[][..], &[][..]));
}

#[test]
fn an_entry_of_the_distribution_stays_as_it_is() {
    let packages =
        [Package::distribution("Jinja2", "Markup_Safe").requested(), Package::distribution("markup-safe", "")];
    let pruned = prune(&packages, None);
    assert_eq!(pruned.document.keys().collect::<Vec<_>>(), ["info", "later", "packages", "tool"]);
    assert_eq!(pruned.document["info"], info());
    let text = distribution_lock(&info(), &packages);
    let before: Value = serde_json::from_str(&text).unwrap();
    let expected = before["packages"]["jinja2"].to_string().replace("Markup_Safe", "markup-safe");
    assert_eq!(pruned.document["packages"]["jinja2"].to_string(), expected);
}

#[test]
fn an_entry_of_the_index_has_all_that_the_loader_needs() {
    let packages = [Package::index("Flask.Thing", "numpy").requested(), Package::distribution("numpy", "")];
    let pruned = prune(&packages, None);
    let entry = &pruned.document["packages"]["flask-thing"];
    let digest = entry["sha256"].as_str().unwrap();
    insta::assert_snapshot!(entry.to_string().replace(digest, "DIGEST"), @r#"{"depends":["numpy"],"file_name":"Flask_Thing-1.0-py3-none-any.whl","imports":["flask_thing"],"install_dir":"site","name":"Flask.Thing","package_type":"package","sha256":"DIGEST","unvendored_tests":false,"version":"1.0"}"#);
}

#[test]
fn what_it_was_made_from_stands_under_our_own_name() {
    let packages = [Package::distribution("numpy", "").requested()];
    let pruned = prune(&packages, None);
    let own = &pruned.document["tool"]["larder"];
    let digest = own["base"]["sha256"].as_str().unwrap();
    insta::assert_snapshot!(own.to_string().replace(digest, "DIGEST"), @r#"{"form":1,"runtime":"0.28.3","base":{"file_name":"pyodide-lock.json","sha256":"DIGEST"},"requested":["numpy"]}"#);
}

#[test]
fn a_cycle_is_broken_and_said() {
    let packages = [
        Package::index("testtools", "fixtures six").requested(),
        Package::index("fixtures", "testtools"),
        Package::distribution("six", ""),
    ];
    let pruned = prune(&packages, None);
    assert_eq!(graph(&pruned), ["fixtures:", "six:", "testtools: fixtures six"]);
    assert_eq!(pruned.cut.len(), 1);
    assert_eq!(pruned.document["tool"]["larder"]["without"], json!([["fixtures", "testtools"]]));
}

#[test]
fn a_package_that_needs_itself_is_mended_without_a_word() {
    let pruned = prune(&[Package::index("a", "a b").requested(), Package::index("b", "")], None);
    assert_eq!(graph(&pruned), ["a: b", "b:"]);
    assert_eq!(pruned.cut, []);
    assert_eq!(pruned.document["tool"]["larder"].get("without"), None);
}

#[test]
fn the_rest_stays_with_its_address_where_that_is_asked_for() {
    let packages = [
        Package::distribution("numpy", "").requested(),
        Package::left_out("scipy", "numpy Open_Blas"),
        Package::left_out("open-blas", ""),
    ];
    let pruned = prune(&packages, Some("https://cdn.example/v0.28.3/full/"));
    assert_eq!(graph(&pruned), ["numpy:", "open-blas:", "scipy: numpy open-blas"]);
    let files: Vec<&str> =
        ["numpy", "scipy"].map(|name| pruned.document["packages"][name]["file_name"].as_str().unwrap()).to_vec();
    assert_eq!(files, ["numpy-1.0-py3-none-any.whl", "https://cdn.example/v0.28.3/full/scipy-1.0-py3-none-any.whl"]);
}

#[test]
fn what_the_runtime_itself_holds_stays() {
    let packages = [Package::distribution("numpy", "").requested(), Package::left_out("in-runtime", "")];
    assert_eq!(graph(&prune(&packages, None)), ["in-runtime:", "numpy:"]);
    let full = prune(&packages, Some("https://cdn.example/"));
    let file = &full.document["packages"]["in-runtime"]["file_name"];
    assert_eq!(file, "in_runtime-1.0-py3-none-any.whl");
}

#[test]
fn a_release_that_knows_no_normal_form_gets_its_own_spelling() {
    let mut old = info();
    old["version"] = "0.24.1".into();
    let packages =
        [Package::distribution("ruamel.yaml", "").requested(), Package::index("black", "Ruamel_Yaml").requested()];
    assert_eq!(graph(&prune_for(&old, &packages, None)), ["black: ruamel.yaml", "ruamel.yaml:"]);
}

#[test]
fn all_that_disagrees_is_named_at_once() {
    let packages = [Package::distribution("a", "b"), Package::distribution("b", ""), Package::distribution("c", "")];
    let text = distribution_lock(&info(), &packages[..2]);
    let distribution = Distribution::read("pyodide-lock.json", text.as_bytes()).unwrap();
    let mut lock = larder_lock(&packages, &text);
    lock.packages[0].depends.clear();
    lock.packages[1].version = crate::core::artifact::Version::parse("2.0").unwrap();
    let wheels = BTreeMap::new();
    let found = FolderLockInput {
        distribution: &distribution,
        lock: &lock,
        wheels: &wheels,
        runtime_file_names: &BTreeSet::new(),
        elsewhere: None,
    }
    .build()
    .unwrap_err();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "a: larder.lock has the dependencies , the distribution b",
            "b: larder.lock has the version 2.0, the distribution 1.0",
            "c: the distribution does not have it",
        ]
    );
}
