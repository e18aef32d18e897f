//! Tests of npm's lockfiles: each kind of entry in versions 1 to 3. `bad_input.rs` has the files that are refused.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::{
    EntryKind, EntryProblem, LockfileError, NoDownload, Reading, UnfetchableReason, read, testing::not_understood,
};
use crate::core::{
    artifact::{Artifact, Forge, Source},
    endpoints::{BITBUCKET_HOST, GITHUB_HOST, GITLAB_HOST},
};

mod bad_input;

const SHA1: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn flat(packages: &str) -> String {
    format!(r#"{{"name":"x","lockfileVersion":3,"requires":true,"packages":{{{packages}}}}}"#)
}

fn nested(dependencies: &str) -> String {
    format!(r#"{{"name":"x","lockfileVersion":1,"requires":true,"dependencies":{{{dependencies}}}}}"#)
}

fn read_text(text: &str) -> Result<Reading, LockfileError> {
    read("package-lock.json", text.as_bytes())
}

/// The kind of the only entry.
fn only(text: &str) -> EntryKind {
    let mut reading = read_text(text).unwrap();
    assert_eq!(reading.entries.len(), 1, "{text}");
    reading.entries.remove(0).kind
}

fn artifact(text: &str) -> Artifact {
    match only(text) {
        EntryKind::Artifact(artifact) => artifact,
        other => panic!("{text}: {other:?}"),
    }
}

fn problems(text: &str) -> Vec<(String, EntryProblem)> {
    match read_text(text) {
        Ok(reading) => not_understood(reading),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn problem(text: &str) -> EntryProblem {
    let mut problems = problems(text);
    assert_eq!(problems.len(), 1, "{text}");
    problems.remove(0).1
}

fn no_download(kind: NoDownload) -> EntryKind {
    EntryKind::NoDownload(kind)
}

#[test]
fn a_registry_entry_has_all_that_the_lockfile_states() {
    let text = flat(&format!(
        r#""node_modules/@s/a":{{"version":"1.2.3","resolved":"https://registry.example/@s/a/-/a-1.2.3.tgz","integrity":"{SHA1} {SHA512}",
        "dev":true,"optional":true,"os":["linux","darwin"],"cpu":"x64","libc":["musl"],"license":{{"type":"MIT"}},"engines":["node >= 8"]}}"#
    ));
    let artifact = artifact(&text);
    assert_eq!(artifact.to_string(), "@s/a 1.2.3");
    let resolved = Some("https://registry.example/@s/a/-/a-1.2.3.tgz".parse().unwrap());
    assert_eq!(artifact.source, Source::Registry { resolved });
    assert_eq!(artifact.integrity.unwrap().to_string(), format!("{SHA512} {SHA1}"));
    let conditions = artifact.conditions;
    assert!(conditions.dev && conditions.optional && !conditions.dev_optional && !conditions.peer);
    assert_eq!(conditions.os, ["darwin".into(), "linux".into()]);
    assert_eq!(conditions.cpu, ["x64".into()]);
    assert_eq!(conditions.libc, ["musl".into()]);
}

#[test]
fn registry_addresses_are_told_from_others_by_their_form() {
    let cases = [
        ("a", "1.0.0", "https://registry.example/a/-/a-1.0.0.tgz", true),
        ("a", "1.0.0", "http://127.0.0.1:4873/npm/a/-/a-1.0.0.tgz?x=1", true),
        ("@s/a", "1.0.0", "https://registry.example/@s%2fa/-/a-1.0.0.tgz", true),
        ("@s/a", "1.0.0", "https://registry.example/%40s%2Fa/-/@s/a-1.0.0.tgz", true),
        ("a", "1.0.0-rc.1+build.5", "https://registry.example/a/-/a-1.0.0-rc.1.tgz", true),
        ("a", "1.0.0", "https://registry.example/a/-/a-1.0.1.tgz", false),
        ("a", "1.0.0", "https://registry.example/b/-/b-1.0.0.tgz", false),
        ("a", "1.0.0", "https://registry.example/xa/-/a-1.0.0.tgz", false),
        ("@s/a", "1.0.0", "https://registry.example/download/@s/a/1.0.0/abc", false),
        ("a", "1.0.0", "https://files.example/a.tgz", false),
    ];
    for (name, version, address, is_registry) in cases {
        let text = flat(&format!(r#""node_modules/{name}":{{"version":"{version}","resolved":"{address}"}}"#));
        let source = artifact(&text).source;
        assert_eq!(matches!(source, Source::Registry { resolved: Some(_) }), is_registry, "{address}");
        assert_eq!(matches!(source, Source::Remote { .. }), !is_registry, "{address}");
    }
}

#[test]
fn an_entry_without_address_or_integrity_is_in_the_configured_registry() {
    for rest in ["", r#","resolved":null,"integrity":"""#, r#","resolved":false,"integrity":false"#] {
        let artifact = artifact(&flat(&format!(r#""node_modules/a":{{"version":"1.0.0"{rest}}}"#)));
        assert_eq!(artifact.source, Source::Registry { resolved: None });
        assert_eq!(artifact.integrity, None);
    }
}

#[test]
fn aliases_carry_their_real_names() {
    let text = flat(r#""node_modules/alias":{"name":"@s/real","version":"1.2.3"}"#);
    assert_eq!(artifact(&text).to_string(), "@s/real 1.2.3");
    let text = nested(
        r#""alias":{"version":"npm:@s/real@1.2.3","resolved":"https://registry.example/@s/real/-/real-1.2.3.tgz"}"#,
    );
    let aliased = artifact(&text);
    assert_eq!(aliased.to_string(), "@s/real 1.2.3");
    assert!(matches!(aliased.source, Source::Registry { resolved: Some(_) }));
}

#[test]
fn entries_that_need_no_download_are_told_apart() {
    let workspaces = flat(
        r#""":{"name":"x","version":"1.0.0","workspaces":["packages/*"]},"packages/a":{"version":"1.0.0"},
        "node_modules/a":{"resolved":"packages/a","link":true},"../lib":{"version":"1.0.0"},
        "node_modules/lib":{"resolved":"../lib","link":true},
        "node_modules/f":{"version":"1.0.0","resolved":"file:vendor/f-1.0.0.tgz","integrity":"nothing-x"},
        "node_modules/d":{"version":"1.0.0","resolved":"file:vendor/d"},
        "packages/a/node_modules/b":{"version":"2.0.0"}"#,
    );
    let reading = read_text(&workspaces).unwrap();
    let kinds: Vec<(&str, &EntryKind)> = reading.entries.iter().map(|entry| (&*entry.path, &entry.kind)).collect();
    let expected = [
        ("", NoDownload::Project),
        ("packages/a", NoDownload::Project),
        ("node_modules/a", NoDownload::Link),
        ("../lib", NoDownload::LocalFolder),
        ("node_modules/lib", NoDownload::Link),
        ("node_modules/f", NoDownload::LocalFile),
        ("node_modules/d", NoDownload::LocalFolder),
    ];
    for (position, (path, kind)) in expected.into_iter().enumerate() {
        assert_eq!(kinds[position], (path, &no_download(kind)));
    }
    assert!(matches!(kinds[7], ("packages/a/node_modules/b", EntryKind::Artifact(b)) if b.to_string() == "b 2.0.0"));
    // Without workspaces a folder inside the project is one that a `file:` dependency names.
    assert_eq!(only(&flat(r#""lib":{"version":"1.0.0"}"#)), no_download(NoDownload::LocalFolder));
    assert_eq!(only(&flat(r#""my_node_modules/x":{}"#)), no_download(NoDownload::LocalFolder));
}

#[test]
fn bundled_entries_are_in_their_parents_archive_but_not_those_of_the_project() {
    let text = flat(
        r#""node_modules/p":{"version":"1.0.0"},"node_modules/p/node_modules/q":{"version":"1.0.0","inBundle":true},
        "node_modules/p/node_modules/q/node_modules/r":{"version":"1.0.0","inBundle":true},
        "node_modules/mine":{"version":"1.0.0","inBundle":true},"node_modules/mine/node_modules/deep":{"version":"1.0.0","inBundle":true},
        "packages/w/node_modules/x":{"version":"1.0.0","inBundle":true}"#,
    );
    let bundled: Vec<bool> =
        read_text(&text).unwrap().entries.iter().map(|entry| entry.kind == no_download(NoDownload::Bundled)).collect();
    assert_eq!(bundled, [false, true, true, false, false, false]);
}

#[test]
fn version_1_nests_and_its_versions_may_be_addresses() {
    let text = nested(&format!(
        r#""a":{{"version":"1.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz","integrity":"{SHA1}","requires":{{"b":"^2"}},
            "dependencies":{{"b":{{"version":"2.0.0","bundled":true}},"c":{{"version":"3.0.0","dependencies":{{"d":{{"version":"4.0.0"}}}}}}}}}},
        "remote":{{"version":"https://files.example/r.tgz#x","integrity":"{SHA512}"}},
        "git":{{"version":"git+ssh://git@{GITHUB_HOST}/o/r.git#{COMMIT}","from":"git+ssh://git@{GITHUB_HOST}/o/r.git","integrity":"{SHA512}"}},
        "folder":{{"version":"file:../lib"}},"file":{{"version":"file:x.TGZ"}},"linked":{{"version":"1.0.0","bundled":true}}"#
    ));
    let reading = read_text(&text).unwrap();
    let mut seen = String::new();
    for entry in &reading.entries {
        let kind = match &entry.kind {
            EntryKind::Artifact(artifact) => format!("{artifact} {}", artifact.integrity.is_some()),
            other => format!("{other:?}"),
        };
        writeln!(seen, "{}: {kind}", entry.path).unwrap();
    }
    let expected = format!(
        "node_modules/a: a 1.0.0 true
node_modules/a/node_modules/b: NoDownload(Bundled)
node_modules/a/node_modules/c: c 3.0.0 false
node_modules/a/node_modules/c/node_modules/d: d 4.0.0 false
node_modules/remote: remote 0.0.0-unstated true
node_modules/git: git {COMMIT} false
node_modules/folder: NoDownload(LocalFolder)
node_modules/file: NoDownload(LocalFile)
node_modules/linked: NoDownload(Bundled)
"
    );
    assert_eq!(seen, expected);
}

#[test]
fn version_2_is_read_by_its_packages_whichever_form_comes_first() {
    let packages = r#""packages":{"":{},"node_modules/a":{"version":"1.0.0"}}"#;
    let dependencies = r#""dependencies":{"a":{"version":"1.0.0"},"b":{"version":"file:b"}}"#;
    for parts in [format!("{packages},{dependencies}"), format!("{dependencies},{packages}")] {
        let reading = read_text(&format!(r#"{{{parts},"lockfileVersion":2}}"#)).unwrap();
        let paths: Vec<&str> = reading.entries.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["", "node_modules/a"]);
    }
    let old = read_text(&format!(r#"{{"lockfileVersion":2,{dependencies}}}"#)).unwrap();
    assert_eq!(old.entries.len(), 2);
}

#[test]
fn a_project_without_dependencies_has_no_entries_in_version_1() {
    assert_eq!(read_text(r#"{"name":"x","version":"1.0.0","lockfileVersion":1}"#).unwrap().entries, []);
}

#[test]
fn git_addresses_on_forges_become_commits() {
    let cases = [
        (format!("git+ssh://git@{GITHUB_HOST}/o/r.git#{COMMIT}"), Forge::GitHub, "o/r"),
        (format!("git+https://user:secret@{GITHUB_HOST}/o/r.js.git#{COMMIT}"), Forge::GitHub, "o/r.js"),
        (format!("git://{GITHUB_HOST}/o/r#{COMMIT}"), Forge::GitHub, "o/r"),
        (format!("git+ssh://git@{GITHUB_HOST}:o/r.git#{COMMIT}"), Forge::GitHub, "o/r"),
        (format!("git+ssh://git@{GITHUB_HOST}:22/o/r.git#{COMMIT}"), Forge::GitHub, "o/r"),
        (format!("git@{GITHUB_HOST}:123/r.git#{COMMIT}"), Forge::GitHub, "123/r"),
        (format!("https://www.{GITHUB_HOST}/o/r.git#{COMMIT}::path:sub"), Forge::GitHub, "o/r"),
        (format!("github:o/r#{}", COMMIT.to_uppercase()), Forge::GitHub, "o/r"),
        (format!("gitlab:user:secret@g/s/r#{COMMIT}"), Forge::GitLab, "g/s/r"),
        (format!("git+https://{GITLAB_HOST}/g/s/r.git#{COMMIT}"), Forge::GitLab, "g/s/r"),
        (format!("git+ssh://git@{BITBUCKET_HOST}/o/r.git#{COMMIT}"), Forge::Bitbucket, "o/r"),
    ];
    for (address, forge, repository) in cases {
        let text =
            flat(&format!(r#""node_modules/a":{{"version":"1.0.0","resolved":"{address}","integrity":"{SHA512}"}}"#));
        let artifact = artifact(&text);
        let expected = Source::Git { forge, repository: repository.into(), commit: COMMIT.into() };
        assert_eq!((artifact.source, artifact.integrity), (expected, None), "{address}");
    }
}

#[test]
fn git_addresses_that_offer_no_tarball_are_named_with_the_reason() {
    let host = |host: &str| UnfetchableReason::GitHost { host: host.to_owned() };
    let commit = |text: Option<&str>| UnfetchableReason::GitCommit { committish: text.map(str::to_owned) };
    let repository = || UnfetchableReason::GitRepository { host: GITHUB_HOST.to_owned() };
    let cases = [
        (format!("git+ssh://user:secret@git.example:8443/o/r.git#{COMMIT}"), host("git.example")),
        (format!("git+https://[::1]:8443/o/r.git#{COMMIT}"), host("[::1]")),
        (format!("deploy@git.example:o/r.git#{COMMIT}"), host("git.example")),
        (format!("git+file:///srv/r.git#{COMMIT}"), host("this machine")),
        ("github:o/r".to_owned(), commit(None)),
        ("github:o/r#main".to_owned(), commit(Some("main"))),
        ("github:o/r#0123456".to_owned(), commit(Some("0123456"))),
        ("github:o/r#semver:^1.0".to_owned(), commit(Some("semver:^1.0"))),
        (format!("github:o/../r#{COMMIT}"), repository()),
        (format!("github:o#{COMMIT}"), repository()),
        (format!("git+ssh://git@{GITHUB_HOST}/o/..#{COMMIT}"), repository()),
    ];
    for (address, reason) in cases {
        let text = flat(&format!(r#""node_modules/a":{{"version":"1.0.0","resolved":"{address}"}}"#));
        match only(&text) {
            EntryKind::Unfetchable(unfetchable) => assert_eq!(unfetchable.reason, reason, "{address}"),
            other => panic!("{address}: {other:?}"),
        }
    }
    let nothing = flat(r#""node_modules/a":{"optional":true,"dev":true}"#);
    let EntryKind::Unfetchable(unfetchable) = only(&nothing) else { panic!("{nothing}") };
    assert_eq!(
        (unfetchable.name.as_str(), unfetchable.version, unfetchable.reason),
        ("a", None, UnfetchableReason::NothingStated)
    );
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let text = format!("\u{feff}{}", flat(r#""":{}"#));
    assert_eq!(only(&text), no_download(NoDownload::Project));
}

/// Lockfiles that look real, with something wrong here and there.
fn lockfile_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("\"1.0.0\"".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("[\"linux\", \"!x64\"]".to_owned()),
        Just("{\"a\": {\"version\": \"1.0.0\"}}".to_owned()),
        Just(format!("\"git+ssh://git@{GITHUB_HOST}/o/r.git#{COMMIT}\"")),
        Just("\"https://registry.example/a/-/a-1.0.0.tgz\"".to_owned()),
        Just(format!("\"{SHA1}\"")),
        "\"[ -~]{0,12}\"",
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    let key = prop::sample::select(vec![
        "version",
        "resolved",
        "integrity",
        "name",
        "os",
        "link",
        "inBundle",
        "bundled",
        "dev",
        "dependencies",
        "x",
    ]);
    let entry = prop::collection::vec((key, value), 0..5).prop_map(|fields| {
        let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    });
    let path = prop_oneof!["(node_modules/(@s/)?[ab]/?){0,3}", "[a-z./]{0,8}"];
    (1..4_u8, prop::collection::vec((path, entry), 0..6), any::<bool>()).prop_map(|(version, entries, is_flat)| {
        let entries: Vec<String> = entries.into_iter().map(|(path, entry)| format!("\"{path}\":{entry}")).collect();
        let part = if is_flat { "packages" } else { "dependencies" };
        format!(r#"{{"lockfileVersion":{version},"{part}":{{{}}}}}"#, entries.join(","))
    })
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("package-lock.json", &bytes);
    }

    #[test]
    fn likely_texts_give_entries_or_name_the_file(text in lockfile_text()) {
        match read_text(&text) {
            Ok(reading) => {
                for entry in reading.entries {
                    if let EntryKind::Artifact(artifact) = entry.kind {
                        let is_git = matches!(artifact.source, Source::Git { .. });
                        prop_assert!(!is_git || artifact.integrity.is_none());
                    }
                }
            }
            Err(error) => prop_assert!(error.to_string().starts_with("package-lock.json"), "{error}"),
        }
    }

    #[test]
    fn a_cut_lockfile_is_never_read(cut in 0..150_usize) {
        let text = flat(r#""":{},"node_modules/a":{"version":"1.0.0","resolved":"https://registry.example/a/-/a-1.0.0.tgz"}"#);
        let end = cut.min(text.len() - 1);
        prop_assert!(read_text(&text[..end]).is_err());
    }
}
