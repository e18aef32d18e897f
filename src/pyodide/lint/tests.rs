//! Folders with one thing wrong, as values.

use larder_store::digest::{Algorithm, Digest};
use serde_json::json;

use super::*;
use crate::pyodide::testing::packages::info;

const GLUE: &str = r#"API.version="0.28.3";API.abiVersion="2025_0";"#;

/// A folder with `b` and `a`, which needs it.
struct Folder {
    lock: Value,
    contents: FolderContents,
}

fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

fn entry(name: &str, depends: &[&str]) -> Value {
    json!({
        "name": name, "version": "1.0", "file_name": format!("{name}-1.0-py3-none-any.whl"), "install_dir": "site",
        "sha256": digest(name).to_hex(), "imports": [name], "depends": depends,
    })
}

fn folder() -> Folder {
    let core = ["package.json", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"];
    let mut contents = FolderContents { glue: Some(GLUE.to_owned()), ..FolderContents::default() };
    contents.files.extend(core.into_iter().chain(LOCKS).map(|name| (name.to_owned(), digest("any"))));
    contents.files.extend(["a", "b"].map(|name| (format!("{name}-1.0-py3-none-any.whl"), digest(name))));
    Folder { lock: json!({"info": info(), "packages": {"a": entry("a", &["b"]), "b": entry("b", &[])}}), contents }
}

impl Folder {
    fn problems(mut self) -> Vec<String> {
        self.contents.lock = Some((LOCKS[0], self.lock.to_string().into_bytes()));
        lint(&self.contents).iter().map(|problem| format!("[{}] {problem}", problem.kind.name())).collect()
    }
}

/// What is found after a change of the lock.
fn with_lock(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut folder = folder();
    change(&mut folder.lock);
    folder.problems()
}

/// What is found after a change of the folder.
fn with_files(change: impl FnOnce(&mut FolderContents)) -> Vec<String> {
    let mut folder = folder();
    change(&mut folder.contents);
    folder.problems()
}

#[test]
fn a_sound_folder_has_no_problem() {
    assert_eq!(folder().problems(), Vec::<String>::new());
}

#[test]
fn fields_that_break_the_loader_are_named() {
    let without = |field: &'static str| {
        with_lock(|lock| {
            lock["packages"]["b"].as_object_mut().unwrap().shift_remove(field);
        })
    };
    assert_eq!(without("imports"), ["[field] b: `imports` is missing: the loader fails for every package"]);
    assert_eq!(without("depends"), ["[field] b: `depends` is missing: `loadPackage` fails"]);
    assert_eq!(without("sha256"), ["[field] b: `sha256` is missing: the package cannot be loaded"]);
    assert_eq!(without("name"), ["[field] b: `name` is missing: it is loaded as `undefined`"]);
    assert_eq!(without("install_dir"), Vec::<String>::new(), "without effect");
    let empty = with_lock(|lock| lock["packages"]["b"]["sha256"] = "".into());
    assert_eq!(empty, ["[field] b: `sha256` is not 64 hexadecimal digits: the package cannot be loaded"]);
    let number = with_lock(|lock| lock["packages"]["b"] = 1.into());
    assert_eq!(number[0], "[field] b: the entry is not an object: the loader fails");
}

#[test]
fn a_runtime_that_is_another_is_named() {
    let abi = with_lock(|lock| lock["info"]["abi_version"] = "2024_0".into());
    let expected =
        "[runtime] the lock's `info.abi_version` is 2024_0, and the runtime demands 2025_0: the loader fails";
    assert_eq!(abi[0], expected);
    let version = with_files(|contents| contents.glue = Some("API.version=\"0.27.8\";".to_owned()));
    let expected = "[runtime] the lock's `info.version` is nothing, and the runtime demands 0.27.8: the loader fails";
    assert_eq!(version, [expected]);
}

#[test]
fn a_closure_that_is_open_is_named() {
    let open = with_lock(|lock| lock["packages"]["b"]["depends"] = json!(["c", "a>=3"]));
    assert_eq!(
        open,
        [
            "[closure] b: needs `c`, which the lock does not have: `loadPackage` fails",
            "[closure] b: needs `a>=3`, which the lock does not have: `loadPackage` fails",
        ]
    );
    let spelled = with_lock(|lock| lock["packages"]["a"]["depends"] = json!(["B"]));
    assert_eq!(spelled, ["[name] a: needs `B`, which is not in its normal form: the loader does not wait for it"]);
    let elsewhere = with_lock(|lock| lock["packages"]["b"]["file_name"] = "https://cdn.example/b.whl".into());
    assert_eq!(
        elsewhere,
        [
            "[elsewhere] a: needs `b`, whose file is not in the folder but at https://cdn.example/b.whl",
            "[orphan] nothing names b-1.0-py3-none-any.whl",
        ]
    );
}

#[test]
fn a_cycle_is_named_once() {
    let pair = with_lock(|lock| lock["packages"]["b"]["depends"] = json!(["a"]));
    assert_eq!(pair, ["[cycle] b: a → b → a is a cycle: the loader waits forever"]);
    let own = with_lock(|lock| lock["packages"]["b"]["depends"] = json!(["b"]));
    assert_eq!(own, ["[cycle] b: b → b is a cycle: the loader waits forever"]);
}

#[test]
fn files_that_are_not_what_the_lock_says_are_named() {
    let other = with_files(|contents| {
        contents.files.insert("b-1.0-py3-none-any.whl".to_owned(), digest("c"));
    });
    let (found, expected) = (digest("c").to_hex(), digest("b").to_hex());
    assert_eq!(
        other,
        [format!(
            "[digest] b: the sha256 of b-1.0-py3-none-any.whl is {found}, and the lock says {expected}: browsers refuse it"
        )]
    );
    let gone = with_files(|contents| {
        contents.files.remove("b-1.0-py3-none-any.whl");
    });
    assert_eq!(gone, ["[missing] b: its file b-1.0-py3-none-any.whl is missing"]);
    let bad = with_files(|contents| {
        contents.bad_wheels.insert("b-1.0-py3-none-any.whl".to_owned(), "it is cut".to_owned());
    });
    assert_eq!(bad, ["[wheel] b: it is cut"]);
    let orphan = with_files(|contents| {
        contents.files.insert("old-1.0-py3-none-any.whl".to_owned(), digest("c"));
        contents.files.insert("console.html".to_owned(), digest("c"));
    });
    assert_eq!(orphan, ["[orphan] nothing names old-1.0-py3-none-any.whl"]);
    let upper = with_lock(|lock| lock["packages"]["b"]["sha256"] = digest("b").to_hex().to_uppercase().into());
    assert_eq!(upper, Vec::<String>::new(), "digits may be upper case");
}

#[test]
fn names_that_the_loader_or_python_cannot_use_are_named() {
    let renamed = |file: &'static str| {
        let mut folder = folder();
        folder.lock["packages"]["b"]["file_name"] = file.into();
        let bytes = folder.contents.files.remove("b-1.0-py3-none-any.whl").unwrap();
        folder.contents.files.insert(file.to_owned(), bytes);
        folder.problems()
    };
    assert_eq!(
        renamed("abc.whl"),
        ["[wheel-name] b: `abc.whl` has 1 parts between dashes, and a wheel's name has 5 or 6: it cannot be installed"]
    );
    assert_eq!(
        renamed("c-1.0-py3-none-any.whl"),
        ["[wheel-name] b: c-1.0-py3-none-any.whl is c 1.0, but the lock says b 1.0"]
    );
    assert_eq!(
        renamed("b-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl"),
        ["[abi] b: b-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl is built for another Python or another ABI"]
    );
    assert_eq!(renamed("b-1.0-cp313-cp313-pyodide_2025_0_wasm32.whl"), Vec::<String>::new());
    let key = with_lock(|lock| {
        let packages = lock["packages"].as_object_mut().unwrap();
        let entry = packages.shift_remove("b").unwrap();
        packages.insert("B".to_owned(), entry);
    });
    assert_eq!(key, ["[name] B: the key is not in its normalized form, `b`, which the loader looks up"]);
}

#[test]
fn a_folder_that_is_no_distribution_says_so() {
    let problems: Vec<String> = lint(&FolderContents::default()).iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "the runtime's pyodide.mjs is missing",
            "the runtime's pyodide.asm.js or pyodide.asm.mjs is missing",
            "the runtime's pyodide.asm.wasm is missing",
            "the runtime's python_stdlib.zip or pyodide.asm.data and pyodide_py.tar is missing",
            "there is no pyodide-lock.json and no repodata.json",
        ]
    );
    let no_json = FolderContents { lock: Some((LOCKS[0], b"<html>".to_vec())), ..FolderContents::default() };
    assert!(lint(&no_json).last().unwrap().to_string().starts_with("the lock is not JSON: expected value"));
    assert_eq!(
        with_lock(|lock| lock["packages"] = json!([])),
        ["[lock] the lock has no object `packages`: the loader fails"]
    );
}
