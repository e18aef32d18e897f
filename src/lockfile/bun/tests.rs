//! Tests of bun's lockfile: each kind of package, its JSON with trailing commas, and bad entries.

use proptest::prelude::*;

use super::{
    super::{
        EntryKind, EntryProblem, LockfileError, NoDownload, Reading, UnfetchableReason, read, testing::not_understood,
    },
    plain_json,
};
use crate::core::{
    artifact::{Artifact, Forge, Source},
    endpoints::{GITHUB_API, GITHUB_HOST},
};

const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn read_text(text: &str) -> Result<Reading, LockfileError> {
    read("bun.lock", text.as_bytes())
}

fn lockfile(workspaces: &str, packages: &str) -> String {
    format!(
        "{{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {{\n{workspaces}\n  }},\n  \"packages\": {{\n{packages}\n  }},\n}}\n"
    )
}

fn kinds(text: &str) -> Vec<(String, EntryKind)> {
    let reading = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    reading.entries.into_iter().map(|entry| (entry.path.to_string(), entry.kind)).collect()
}

fn only(tuple: &str) -> EntryKind {
    let mut kinds = kinds(&lockfile("", &format!("\"key\": {tuple},")));
    assert_eq!(kinds.len(), 1, "{tuple}");
    kinds.remove(0).1
}

fn artifact(tuple: &str) -> Artifact {
    match only(tuple) {
        EntryKind::Artifact(artifact) => artifact,
        other => panic!("{tuple}: {other:?}"),
    }
}

fn problems(packages: &str) -> Vec<(String, EntryProblem)> {
    match read_text(&lockfile("", packages)) {
        Ok(reading) => not_understood(reading),
        Err(error) => panic!("{packages}: {error}"),
    }
}

#[test]
fn a_package_of_a_registry_has_its_real_name_and_where_it_runs() {
    let found = artifact(&format!(
        r#"["@s/real@1.0.0", "", {{ "os": "linux", "cpu": ["x64", "arm64"], "libc": "musl" }}, "{SHA512}"]"#
    ));
    assert_eq!((found.name.as_str(), found.version.as_str()), ("@s/real", "1.0.0"));
    assert_eq!(found.source, Source::Registry { resolved: None });
    assert_eq!(found.integrity.unwrap().to_string(), SHA512);
    let conditions = found.conditions;
    assert_eq!(conditions.os, ["linux".into()]);
    assert_eq!(conditions.cpu, ["arm64".into(), "x64".into()]);
    assert_eq!(conditions.libc, ["musl".into()]);
    let address = "https://registry.example/a/-/a-1.0.0.tgz";
    let found = artifact(&format!(r#"["a@1.0.0", "{address}", {{}}, "{SHA512}"]"#));
    assert_eq!(found.source, Source::Registry { resolved: Some(address.parse().unwrap()) });
}

#[test]
fn each_kind_of_package_is_what_it_says() {
    let no_download = EntryKind::NoDownload;
    for (tuple, expected) in [
        (r#"["a@workspace:pkgs/a"]"#, no_download(NoDownload::Link)),
        (r#"["a@workspace:pkgs/a", { "dependencies": {} }]"#, no_download(NoDownload::Link)),
        (r#"["a@root:", { "bin": "a" }]"#, no_download(NoDownload::Link)),
        (r#"["a@file:local", {}]"#, no_download(NoDownload::LocalFolder)),
        (r#"["a@link:local", {}]"#, no_download(NoDownload::LocalFolder)),
        (r#"["a@./a.tgz", {}, "sha512-AAAA"]"#, no_download(NoDownload::LocalFile)),
        (r#"["a@../a.tgz", {}]"#, no_download(NoDownload::LocalFile)),
        (r#"["a@1.0.0", "", { "bundled": true }, "sha512-AAAA"]"#, no_download(NoDownload::Bundled)),
    ] {
        assert_eq!(only(tuple), expected, "{tuple}");
    }
    let remote = artifact(&format!(r#"["a@https://files.example/a.tgz", {{}}, "{SHA512}"]"#));
    assert_eq!(remote.source, Source::Remote { url: "https://files.example/a.tgz".parse().unwrap() });
    assert_eq!(remote.integrity.unwrap().to_string(), SHA512);
    let git = artifact(&format!(r#"["a@git+ssh://git@{GITHUB_HOST}/o/r.git#{COMMIT}", {{}}, "{COMMIT}"]"#));
    let source = Source::Git { forge: Forge::GitHub, repository: "o/r".into(), commit: COMMIT.into() };
    assert_eq!((git.source, git.integrity, git.version.as_str()), (source, None, COMMIT));
}

#[test]
fn a_commit_of_github_is_the_apis_archive_with_the_digest_of_that_one() {
    let address =
        |commit: &str| Source::Remote { url: format!("{GITHUB_API}repos/o/r/tarball/{commit}").parse().unwrap() };
    let stated = artifact(&format!(r#"["a@github:o/r#0123456", {{}}, "o-r-0123456", "{SHA512}"]"#));
    assert_eq!((stated.source, stated.version.as_str()), (address("0123456"), "0123456"));
    assert_eq!(stated.integrity.unwrap().to_string(), SHA512);
    let unstated = artifact(r#"["a@github:o/r#0123456", {}, "o-r-0123456"]"#);
    assert_eq!((unstated.source, unstated.integrity), (address("0123456"), None));
    let whole = artifact(&format!(r#"["a@github:o/r#{COMMIT}", {{}}, "o-r-0123456"]"#));
    assert_eq!(whole.source, address(COMMIT));
    for moving in ["main", "v1.0.0", "012345", ""] {
        let entry = only(&format!(r#"["a@github:o/r#{moving}", {{}}, "o-r-0123456"]"#));
        let EntryKind::Unfetchable(unfetchable) = entry else { panic!("{moving}: {entry:?}") };
        assert!(matches!(unfetchable.reason, UnfetchableReason::GitCommit { .. }), "{moving}: {unfetchable:?}");
    }
    for elsewhere in ["o", "o/r/x", "../r", "o/r?x"] {
        let entry = only(&format!(r#"["a@github:{elsewhere}#0123456", {{}}, "o-r-0123456"]"#));
        assert!(matches!(entry, EntryKind::Unfetchable(_)), "{elsewhere}: {entry:?}");
    }
}

#[test]
fn why_a_package_is_installed_is_found_from_the_workspaces() {
    let package =
        |key: &str, name: &str, rest: &str| format!("\"{key}\": [\"{name}@1.0.0\", \"\", {{{rest}}}, \"{SHA512}\"],\n");
    let workspaces = r#"
        "": { "name": "app", "dependencies": { "a": "^1", "w": "workspace:*" }, "devDependencies": { "d": "^1" }, "optionalDependencies": { "o": "^1" }, },
        "pkgs/w": { "name": "w", "dependencies": { "b": "^2" }, },"#;
    let packages = [
        package("a", "a", r#""peerDependencies": { "p": "*", "q": "*" }, "optionalPeers": ["q"]"#),
        package("d", "d", r#""dependencies": { "b": "^1", "e": "^1" }, "devDependencies": { "alone": "^1" }"#),
        package("o", "o", r#""dependencies": { "p": "^1", "f": "^1" }"#),
        package("b", "b", ""),
        package("d/b", "b", ""),
        package("e", "e", ""),
        package("f", "f", ""),
        package("p", "p", ""),
        package("q", "q", ""),
        package("alone", "alone", ""),
        "\"w\": [\"w@workspace:pkgs/w\"],".to_owned(),
    ];
    let flags: Vec<(String, bool, bool)> = kinds(&lockfile(workspaces, &packages.concat()))
        .into_iter()
        .filter_map(|(path, kind)| match kind {
            EntryKind::Artifact(artifact) => Some((path, artifact.conditions.dev, artifact.conditions.optional)),
            _ => None,
        })
        .collect();
    let expected = [
        ("a", false, false),
        ("d", true, false),
        ("o", false, true),
        ("b", false, false),
        ("d/b", true, false),
        ("e", true, false),
        ("f", false, true),
        ("p", false, false),
        ("q", false, true),
        ("alone", false, false),
    ];
    assert_eq!(flags, expected.map(|(path, dev, optional)| (path.to_owned(), dev, optional)));
}

#[test]
fn workspaces_are_entries_of_their_own() {
    let text = lockfile(r#""": { "name": "app" }, "pkgs/w": { "name": "w" },"#, r#""w": ["w@workspace:pkgs/w"],"#);
    let project = || EntryKind::NoDownload(NoDownload::Project);
    let expected = [("", project()), ("pkgs/w", project()), ("w", EntryKind::NoDownload(NoDownload::Link))];
    assert_eq!(kinds(&text), expected.map(|(path, kind)| (path.to_owned(), kind)));
}

#[test]
fn commas_that_nothing_follows_become_spaces_and_others_stay() {
    for (text, expected) in [
        ("[1,2]", "[1,2]"),
        ("[1,2,]", "[1,2 ]"),
        ("{\"a\": [1, ],\n}", "{\"a\": [1  ] \n}"),
        (r#"{"a,]": ",}", "b\",]": 1,}"#, r#"{"a,]": ",}", "b\",]": 1 }"#),
        (r#"["\\",]"#, r#"["\\" ]"#),
        ("[é,]", "[é ]"),
    ] {
        assert_eq!(plain_json(text), expected);
    }
}

#[test]
fn files_that_are_no_lockfile_are_told_by_what_they_are() {
    for (text, message) in [
        ("", "bun.lock is empty"),
        ("[]", "bun.lock is JSON with trailing commas, but not an object"),
        ("null", "bun.lock is JSON with trailing commas, but not an object"),
        (
            "{}",
            "bun.lock states no lockfileVersion; larder reads 0, 1 and 2 (`bun install --lockfile-only` writes one)",
        ),
        ("{\"lockfileVersion\": 3}", "bun.lock states lockfileVersion 3; larder reads 0, 1 and 2"),
        ("{\"lockfileVersion\": 1, \"packages\": []}", "bun.lock: `packages` is not an object"),
        ("{\"lockfileVersion\": 1, \"workspaces\": 1}", "bun.lock: `workspaces` is not an object"),
        (
            "{\n  \"lockfileVersion\": 1,\n  \"packages\": {",
            "bun.lock is truncated: it ends in line 3, inside an unfinished value",
        ),
        ("{\n<<<<<<< HEAD\n", "bun.lock has merge-conflict markers, first in line 2; `bun install` resolves them"),
        ("lockfileVersion: '9.0'\n", "bun.lock is not a lockfile of bun: it looks like a pnpm-lock.yaml"),
        ("{\"lockfileVersion\": 1,,}", "bun.lock is not JSON with trailing commas: trailing comma at line 1 column 24"),
    ] {
        assert_eq!(read_text(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn all_bad_entries_are_named_at_once() {
    let found = problems(&format!(
        r#""a": 5, "b": [], "c": [5], "d": ["noname", "", {{}}, "{SHA512}"], "e": ["e@1.0.0", "", {{}}, "sha512-AAAA"],
        "f": ["f@1.0.0", "", 5, "{SHA512}"], "g": ["g@1.0.0", "", {{ "os": 5 }}, "{SHA512}"], "h": ["../h@1.0.0", "", {{}}, "{SHA512}"],
        "i": ["i@ftp://x.example/i.tgz", {{}}], "fine": ["fine@1.0.0", "", {{}}, "{SHA512}"],"#
    ));
    let named: Vec<(&str, String)> = found.iter().map(|(path, problem)| (path.as_str(), problem.to_string())).collect();
    let expected = [
        ("a", "not a list"),
        ("b", "`name` is missing"),
        ("c", "`name` is missing"),
        ("d", "the name \"noname\" has no name in it"),
        ("e", "integrity: sha512 digest of 3 bytes instead of 64"),
        ("f", "`a member` has the wrong type"),
        ("g", "`os` has the wrong type"),
        ("h", "the name \"../h\" has a character that no package name has"),
        ("i", "an address with the scheme `ftp`, which larder does not fetch from"),
    ];
    assert_eq!(named, expected.map(|(path, problem)| (path, problem.to_owned())));
}

proptest! {
    #[test]
    fn what_is_json_already_stays_as_it_is(keys in proptest::collection::vec("[a-z,\\]}\"\\\\]{0,6}", 0..6)) {
        let text = serde_json::to_string(&keys).unwrap();
        prop_assert_eq!(plain_json(&text), text.as_str());
    }

    #[test]
    fn every_package_has_its_entry(names in proptest::collection::btree_set("[a-z]{1,8}", 0..20)) {
        let package = |name: &String| format!("\"{name}\": [\"{name}@1.0.0\", \"\", {{}}, \"{SHA512}\"],\n");
        let packages = names.iter().map(package).collect::<Vec<_>>().concat();
        let read: Vec<String> = kinds(&lockfile("", &packages)).into_iter().map(|(path, _)| path).collect();
        prop_assert_eq!(read, names.into_iter().collect::<Vec<_>>());
    }
}
