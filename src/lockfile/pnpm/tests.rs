//! Tests of pnpm's lockfiles: each version, each kind of resolution, and bad entries.

use proptest::prelude::*;

use super::super::{
    EntryKind, EntryProblem, LockfileError, NoDownload, Reading, UnfetchableReason, read, testing::not_understood,
};
use crate::core::{
    artifact::{Artifact, Forge, Source},
    endpoints::{GITHUB_ARCHIVES, GITHUB_HOST},
};

const SHA512: &str = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn read_text(text: &str) -> Result<Reading, LockfileError> {
    read("pnpm-lock.yaml", text.as_bytes())
}

/// The entries but for the projects.
fn packages(text: &str) -> Vec<(String, EntryKind)> {
    let reading = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let is_package = |kind: &EntryKind| *kind != EntryKind::NoDownload(NoDownload::Project);
    let entries = reading.entries.into_iter().filter(|entry| is_package(&entry.kind));
    entries.map(|entry| (entry.path.to_string(), entry.kind)).collect()
}

fn only(version: &str, package: &str) -> EntryKind {
    let mut packages = packages(&format!("lockfileVersion: {version}\npackages:\n{package}"));
    assert_eq!(packages.len(), 1, "{package}");
    packages.remove(0).1
}

fn artifact(version: &str, package: &str) -> Artifact {
    match only(version, package) {
        EntryKind::Artifact(artifact) => artifact,
        other => panic!("{package}: {other:?}"),
    }
}

fn problems(packages: &str) -> Vec<(String, EntryProblem)> {
    match read_text(&format!("lockfileVersion: '9.0'\npackages:\n{packages}")) {
        Ok(reading) => not_understood(reading),
        Err(error) => panic!("{packages}: {error}"),
    }
}

#[test]
fn each_version_names_its_packages() {
    for (version, key, name) in [
        ("5.1", "/a/1.0.0/react@16.0.0", "a"),
        ("5.4", "/@s/a/1.0.0_react@18.0.0", "@s/a"),
        ("5.4-inlineSpecifiers", "/a/1.0.0", "a"),
        ("'6.0'", "/a@1.0.0(react@18.0.0)", "a"),
        ("'6.1'", "/@s/a@1.0.0", "@s/a"),
        ("'9.0'", "'@s/a@1.0.0'", "@s/a"),
    ] {
        let artifact = artifact(version, &format!("  {key}:\n    resolution: {{integrity: {SHA512}}}\n"));
        assert_eq!((artifact.name.as_str(), artifact.version.as_str()), (name, "1.0.0"), "{version}");
        assert_eq!(artifact.source, Source::Registry { resolved: None });
        assert_eq!(artifact.integrity.unwrap().to_string(), SHA512);
    }
}

/// A package of the registry.
fn of(name: &str) -> Artifact {
    artifact("'9.0'", &format!("  {name}@1.0.0:\n    resolution: {{integrity: {SHA512}}}\n"))
}

#[test]
fn each_resolution_is_what_it_says() {
    let integrity = format!("integrity: {SHA512}");
    let remote =
        |url: &str| EntryKind::Artifact(Artifact { source: Source::Remote { url: url.parse().unwrap() }, ..of("a") });
    let git =
        |repository: &str| Source::Git { forge: Forge::GitHub, repository: repository.into(), commit: COMMIT.into() };
    let from_git = |source: Source| EntryKind::Artifact(Artifact { source, integrity: None, ..of("a") });
    let cases = [
        (format!("{integrity}, tarball: https://files.example/a.tgz"), remote("https://files.example/a.tgz")),
        (format!("{integrity}, tarball: file:a.tgz"), EntryKind::NoDownload(NoDownload::LocalFile)),
        ("directory: ../a, type: directory".to_owned(), EntryKind::NoDownload(NoDownload::LocalFolder)),
        (format!("type: git, repo: https://{GITHUB_HOST}/o/r.git, commit: {COMMIT}"), from_git(git("o/r"))),
        (format!("type: git, repo: git@{GITHUB_HOST}:o/r.git, commit: {COMMIT}"), from_git(git("o/r"))),
        (format!("tarball: {GITHUB_ARCHIVES}o/r/tar.gz/{COMMIT}"), from_git(git("o/r"))),
        (
            format!("{integrity}, gitHosted: true, tarball: {GITHUB_ARCHIVES}o/r/tar.gz/{COMMIT}"),
            remote(&format!("{GITHUB_ARCHIVES}o/r/tar.gz/{COMMIT}")),
        ),
    ];
    for (resolution, expected) in cases {
        let kind = only("'9.0'", &format!("  a@x:\n    resolution: {{{resolution}}}\n    version: 1.0.0\n"));
        assert_eq!(kind, expected, "{resolution}");
    }
    let registry = "https://registry.example/a/-/a-1.0.0.tgz";
    let stated = format!("  a@1.0.0:\n    resolution: {{{integrity}, tarball: {registry}}}\n");
    assert_eq!(artifact("'9.0'", &stated).source, Source::Registry { resolved: Some(registry.parse().unwrap()) });
    let relative = format!(
        "  /a/1.0.0:\n    resolution: {{{integrity}, registry: 'https://registry.example/', tarball: a/-/a-1.0.0.tgz}}\n"
    );
    assert_eq!(artifact("5.3", &relative).source, Source::Registry { resolved: Some(registry.parse().unwrap()) });
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let cases = [
        (
            format!("type: git, repo: https://git.example/o/r.git, commit: {COMMIT}"),
            UnfetchableReason::GitHost { host: "git.example".to_owned() },
        ),
        (
            format!("type: git, repo: /srv/r, commit: {COMMIT}"),
            UnfetchableReason::GitHost { host: "this machine".to_owned() },
        ),
        (
            format!("type: git, repo: https://{GITHUB_HOST}/o/r.git, commit: main"),
            UnfetchableReason::GitCommit { committish: Some("main".to_owned()) },
        ),
        ("type: variations, variants: []".to_owned(), UnfetchableReason::Resolution { kind: "variations".to_owned() }),
    ];
    for (resolution, reason) in cases {
        let kind = only("'9.0'", &format!("  node@runtime:22.0.0:\n    resolution: {{{resolution}}}\n"));
        let EntryKind::Unfetchable(unfetchable) = kind else { panic!("{resolution}: {kind:?}") };
        assert_eq!((unfetchable.name.as_str(), unfetchable.version, unfetchable.reason), ("node", None, reason));
    }
}

#[test]
fn before_version_9_each_package_says_what_it_is_for() {
    let package =
        |rest: &str| artifact("'6.0'", &format!("  /a@1.0.0:\n    resolution: {{integrity: {SHA512}}}\n{rest}"));
    let conditions =
        package("    dev: true\n    optional: true\n    os: [linux, darwin]\n    cpu: [x64]\n    libc: [glibc]\n")
            .conditions;
    assert_eq!((conditions.dev, conditions.optional), (true, true));
    assert_eq!(
        (conditions.os, conditions.cpu, conditions.libc),
        (vec!["darwin".into(), "linux".into()], vec!["x64".into()], vec!["glibc".into()])
    );
    let conditions = package("    dev: false\n").conditions;
    assert_eq!((conditions.dev, conditions.optional), (false, false));
}

#[test]
fn in_version_9_the_projects_say_what_packages_are_for() {
    let package = |name: &str| format!("  {name}@1.0.0:\n    resolution: {{integrity: {SHA512}}}\n");
    let names = ["dev", "shared", "deep", "native", "peered", "alone"];
    let text = format!(
        "lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      alias: {{specifier: 'npm:shared@1', version: shared@1.0.0}}
      peered: {{specifier: ^1, version: 1.0.0(dev@1.0.0)}}
      w: {{specifier: workspace:*, version: link:w}}
    devDependencies:
      dev: {{specifier: ^1, version: 1.0.0}}
  w:
    optionalDependencies:
      native: {{specifier: ^1, version: 1.0.0}}
packages:
{}
snapshots:
  dev@1.0.0: {{dependencies: {{shared: 1.0.0, deep: 1.0.0}}}}
  shared@1.0.0: {{}}
  deep@1.0.0: {{}}
  native@1.0.0: {{optional: true}}
  peered@1.0.0: {{optional: true}}
  peered@1.0.0(dev@1.0.0): {{}}
",
        names.map(package).concat()
    );
    let flags: Vec<(String, bool, bool)> = packages(&text)
        .into_iter()
        .map(|(path, kind)| match kind {
            EntryKind::Artifact(artifact) => (path, artifact.conditions.dev, artifact.conditions.optional),
            other => panic!("{path}: {other:?}"),
        })
        .collect();
    let flag = |name: &str, dev, optional| (format!("{name}@1.0.0"), dev, optional);
    let expected = [
        flag("dev", true, false),
        flag("shared", false, false),
        flag("deep", true, false),
        flag("native", false, true),
        flag("peered", false, false),
        flag("alone", false, false),
    ];
    assert_eq!(flags, expected);
    let projects: Vec<_> = read_text(&text).unwrap().entries.into_iter().take(2).map(|entry| entry.path).collect();
    assert_eq!(projects, [".".into(), "w".into()]);
}

#[test]
fn what_pnpm_needs_to_start_stands_before_the_lockfile_and_counts() {
    let package = |name: &str| {
        format!(
            "packages:\n  {name}@1.0.0:\n    resolution: {{integrity: {SHA512}}}\nsnapshots:\n  {name}@1.0.0: {{}}\n"
        )
    };
    let text = format!(
        "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    packageManagerDependencies:\n      pnpm: {{specifier: 1.0.0, version: 1.0.0}}\n{}\n---\nlockfileVersion: '9.0'\nimporters:\n  .: {{}}\n{}",
        package("pnpm"),
        package("a")
    );
    let paths: Vec<_> = read_text(&text).unwrap().entries.into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["pnpm@1.0.0".into(), ".".into(), "a@1.0.0".into()]);
}

#[test]
fn a_project_without_dependencies_is_an_entry() {
    for text in [
        "lockfileVersion: 5.4\n",
        "lockfileVersion: '9.0'\nimporters:\n  .: {}\n",
        "lockfileVersion: '6.0'\npackages: null\n",
    ] {
        assert_eq!(read_text(text).unwrap().entries.len(), 1, "{text}");
    }
}

#[test]
fn files_that_are_no_lockfile_are_told_by_what_they_are() {
    let conflict = "lockfileVersion: '9.0'\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n";
    for (text, message) in [
        ("", "pnpm-lock.yaml is empty"),
        (" \n", "pnpm-lock.yaml is empty"),
        ("# nothing\n", "pnpm-lock.yaml is empty"),
        ("[]", "pnpm-lock.yaml is YAML, but not an object"),
        ("text", "pnpm-lock.yaml is YAML, but not an object"),
        (
            "a: 1",
            "pnpm-lock.yaml states no lockfileVersion; larder reads 5 to 9 (`pnpm install --lockfile-only` writes one)",
        ),
        ("lockfileVersion: '13.0'", "pnpm-lock.yaml states lockfileVersion 13.0; larder reads 5 to 9"),
        ("lockfileVersion: 4", "pnpm-lock.yaml states lockfileVersion 4; larder reads 5 to 9"),
        (
            "lockfileVersion: [9]",
            "pnpm-lock.yaml states lockfileVersion of another type than a number; larder reads 5 to 9",
        ),
        ("lockfileVersion: '9.0'\npackages: 5", "pnpm-lock.yaml: `packages` is not an object"),
        ("lockfileVersion: '9.0'\nimporters: []", "pnpm-lock.yaml: `importers` is not an object"),
        (conflict, "pnpm-lock.yaml has merge-conflict markers, first in line 2; `pnpm install` resolves them"),
        (
            "# yarn lockfile v1\n\na@1:\n  version \"1\"\n",
            "pnpm-lock.yaml is not a lockfile of pnpm: it looks like a yarn.lock",
        ),
    ] {
        let error = read_text(text).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }
    let unfinished = read_text("lockfileVersion: '9.0'\npackages: {a").unwrap_err().to_string();
    assert!(unfinished.starts_with("pnpm-lock.yaml is not YAML: unclosed bracket '{' at line 2"), "{unfinished}");
    let twice = read_text("lockfileVersion: '9.0'\npackages: {}\npackages: {}\n").unwrap_err().to_string();
    assert!(twice.contains("duplicate"), "{twice}");
    let bomb = format!("a: &a [x]\nb: &b [{0}]\nc: [{1}]\n", "*a,".repeat(9), "*b,".repeat(9));
    assert!(matches!(read_text(&bomb), Err(LockfileError::BadSyntax { .. })));
    let deep = format!("lockfileVersion: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(read_text(&deep), Err(LockfileError::BadSyntax { .. })));
}

#[test]
fn all_bad_entries_are_named_at_once() {
    let found = problems(&format!(
        "  a@1.0.0: 5
  b@1.0.0: {{}}
  c@1.0.0: {{resolution: text}}
  d@1.0.0: {{resolution: {{integrity: sha512-AAAA}}}}
  e@1.0.0: {{resolution: {{integrity: {SHA512}}}, os: 5}}
  noname: {{resolution: {{integrity: {SHA512}}}}}
  ../f@1.0.0: {{resolution: {{integrity: {SHA512}}}}}
  g@1.0.0: {{resolution: {{tarball: 'ftp://x.example/g.tgz'}}}}
  h@1.0.0: {{resolution: {{type: git, repo: x}}}}
  fine@1.0.0: {{resolution: {{integrity: {SHA512}}}}}
"
    ));
    let named: Vec<(&str, String)> = found.iter().map(|(path, problem)| (path.as_str(), problem.to_string())).collect();
    let expected = [
        ("a@1.0.0", "not an object"),
        ("b@1.0.0", "`resolution` is missing"),
        ("c@1.0.0", "`resolution` has the wrong type"),
        ("d@1.0.0", "integrity: sha512 digest of 3 bytes instead of 64"),
        ("e@1.0.0", "`os` has the wrong type"),
        ("noname", "the name \"noname\" has no name in it"),
        ("../f@1.0.0", "the name \"../f\" has a character that no package name has"),
        ("g@1.0.0", "an address with the scheme `ftp`, which larder does not fetch from"),
        ("h@1.0.0", "`commit` is missing"),
    ];
    assert_eq!(named, expected.map(|(path, problem)| (path, problem.to_owned())));
}

proptest! {
    #[test]
    fn every_package_has_its_entry(names in proptest::collection::btree_set("[a-z]{1,8}", 0..20), version in "[569]") {
        let slash = if version == "9" { "" } else { "/" };
        let separator = if version == "5" { "/" } else { "@" };
        let package = |name: &String| format!("  {slash}{name}{separator}1.0.0:\n    resolution: {{integrity: {SHA512}}}\n");
        let text = format!("lockfileVersion: '{version}.0'\npackages:\n{}", names.iter().map(package).collect::<Vec<_>>().concat());
        let read: Vec<String> = packages(&text).into_iter().map(|(_, kind)| match kind {
            EntryKind::Artifact(artifact) => artifact.name.to_string(),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(read, names.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_package_of_a_named_registry_has_the_registrys_name_before_its_version() {
    for (key, name, registry) in [("a@work:1.0.0", "a", "work"), ("'@s/a@gh:1.0.0-rc.1'", "@s/a", "gh")] {
        let artifact = artifact("'9.0'", &format!("  {key}:\n    resolution: {{integrity: {SHA512}}}\n"));
        assert_eq!(artifact.name.as_str(), name);
        assert!(!artifact.version.as_str().contains(':'), "{key}");
        assert_eq!(artifact.source, Source::Named { registry: registry.into() });
    }
    let problems = problems("  a@work:latest:\n    resolution: {integrity: sha512-x}\n");
    assert!(matches!(&problems[..], [(_, EntryProblem::Version { .. })]), "{problems:?}");
}
