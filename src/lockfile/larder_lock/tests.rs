//! What is written is read again; what is wrong is named.

use larder_store::digest::{Algorithm, Digest};
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::{
    core::{
        artifact::Version,
        file_host::{FilePath, FilePlace},
        file_name::FileName,
        runtime_version::RuntimeVersion,
    },
    python::{name::ProjectName, runtime::Runtime},
};

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn package(text: &str, depends: &[&str]) -> LockedPackage {
    LockedPackage {
        name: name(text),
        version: Version::parse("1.0").unwrap(),
        source: LockedSource::Distribution,
        file_name: FileName::parse(&format!("{text}-1.0-py3-none-any.whl")).unwrap(),
        sha256: Digest::of(Algorithm::Sha256, text.as_bytes()),
        size: None,
        depends: depends.iter().map(|text| name(text)).collect(),
        why: vec![Asker::LarderToml],
    }
}

pub(super) fn lock() -> LarderLock {
    LarderLock { pyodide: Some(pyodide()), ..LarderLock::default() }
}

fn pyodide() -> PyodideLock {
    let version = RuntimeVersion::parse("0.28.3").unwrap();
    let mut first = package("a", &["b", "c"]);
    first.source = LockedSource::Index {
        place: FilePlace::Url(Url::parse("https://files.example/a/a-1.0-py3-none-any.whl").unwrap()),
    };
    first.size = Some(1234);
    let mut second = package("b", &[]);
    let path = FilePath::parse("packages/b/b-1.0-py3-none-any.whl").unwrap();
    second.source = LockedSource::Index { place: FilePlace::Hosted(path) };
    second.why = vec![Asker::LarderToml, Asker::Package(name("a"))];
    PyodideLock {
        runtime: LockedRuntime {
            release: Runtime::new(version, "3.13.2", "emscripten_4_0_9", Some("2025_0")).unwrap(),
            url: None,
            integrity: Some(Digest::of(Algorithm::Sha256, b"tarball").into()),
        },
        base: LockedBase {
            file_name: FileName::parse("pyodide-lock.json").unwrap(),
            sha256: Digest::of(Algorithm::Sha256, b"base"),
        },
        requested: vec!["a".to_owned(), "b[x]>=1; sys_platform == \"emscripten\"".to_owned()],
        exclude_newer: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        packages: vec![first, second, package("c", &["b"])],
    }
}

#[test]
fn the_text_is_made_for_review() {
    let text = lock().to_text();
    insta::assert_snapshot!(text.split("\n[[package]]\nname = \"b\"").next().unwrap(), @r##"
    # Written by `larder lock` from larder.toml. Commit it; to change it, change larder.toml and lock again.
    version = 1
    exclude_newer = "2026-01-01T00:00:00Z"
    requested = [
        "a",
        "b[x]>=1; sys_platform == \"emscripten\"",
    ]

    [runtime]
    version = "0.28.3"
    python = "3.13.2"
    abi_version = "2025_0"
    platform = "emscripten_4_0_9"
    integrity = "sha256-20tNDRy0gL+a7qJTdxwA/r5ifyNnZfo31qVhTweaOqA="

    [base]
    file_name = "pyodide-lock.json"
    sha256 = "cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2"

    [[package]]
    name = "a"
    version = "1.0"
    source = "index"
    file_name = "a-1.0-py3-none-any.whl"
    url = "https://files.example/a/a-1.0-py3-none-any.whl"
    sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    size = 1234
    depends = [
        "b",
        "c",
    ]
    why = ["larder.toml"]
    "##);
    assert_eq!(LarderLock::parse(LARDER_LOCK, text.as_bytes()), Ok(lock()));
}

#[test]
fn a_file_of_the_public_host_is_written_by_its_path_there() {
    let text = lock().to_text();
    let (_, second) = text.split_once("name = \"b\"\n").unwrap();
    let expected = "version = \"1.0\"\nsource = \"index\"\nfile_name = \"b-1.0-py3-none-any.whl\"\npath = \"packages/b/b-1.0-py3-none-any.whl\"\nsha256 = \"";
    assert!(second.starts_with(expected), "{second}");
}

#[test]
fn what_is_wrong_is_named_with_its_package_and_key() {
    let text = lock().to_text();
    let message = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        LarderLock::parse(LARDER_LOCK, text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    let cases = [
        ("version = 1", "version = 3", "larder.lock has version 3, and this larder reads versions up to 2"),
        ("name = \"a\"", "name = \"a b\"", "package a b: `name` is a character that no Python project's name has"),
        ("name = \"b\"", "name = \"a\"", "larder.lock: package a stands there twice"),
        ("    \"b\",\n", "    \"d\",\n", "larder.lock: package a: depends on d, which the file does not have"),
        ("sha256 = \"ca97", "sha256 = \"zz97", "larder.lock: package a: `sha256` is"),
        ("size = 1234", "size = -1", "larder.lock:"),
        ("source = \"index\"", "source = \"git\"", "package a: `source` is neither"),
        ("https://files", "https://me:secret@files", "package a: `url` is an address with a user name or a password"),
        ("https://files", "file:///files", "package a: `url` is no address"),
        (
            "path = \"packages/",
            "path = \"../packages/",
            "package b: `path` is a path that does not lead below a file host",
        ),
        ("path = \"", "url = \"https://x.example/b.whl\"\npath = \"", "package b: `path` is there beside `url`"),
        ("path = \"", "place = \"", "package b: `path` is not there, and neither is `url`"),
        (
            "url = \"c-1.0-py3-none-any.whl\"",
            "url = \"https://files.example/c.whl\"",
            "package c: `url` is not the file's name",
        ),
        (
            "file_name = \"a-1.0",
            "file_name = \"../a-1.0",
            "package a: `file_name` is a file name that begins with a dot",
        ),
        ("[base]", "<<<<<<< HEAD\n[base]", "larder.lock has merge-conflict markers, first in line"),
        ("python = \"3.13.2\"", "python = \"2.7\"", "larder.lock: `runtime` is wrong"),
        ("2026-01-01T00:00:00Z", "yesterday", "`exclude_newer` is no time"),
    ];
    for (from, to, expected) in cases {
        let message = message(from, to);
        assert!(message.contains(expected), "{from:?}: {message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn a_later_larder_may_add_keys() {
    let text = lock().to_text().replace("size = 1234", "size = 1234\nimports = [\"a\"]");
    assert_eq!(LarderLock::parse(LARDER_LOCK, text.as_bytes()), Ok(lock()));
}

proptest! {
    #[test]
    fn any_requirement_survives_being_written(requested in prop::collection::vec("\\PC{0,12}|[\"\\\\\\n\\t\u{7f}]{0,4}", 0..4)) {
        let pyodide = PyodideLock { requested, ..pyodide() };
        let lock = LarderLock { pyodide: Some(pyodide), ..LarderLock::default() };
        prop_assert_eq!(LarderLock::parse(LARDER_LOCK, lock.to_text().as_bytes()), Ok(lock));
    }
}
