//! Tests of bad npm lockfiles: each error names the file or the entry, without secrets.

use std::fmt::Write as _;

use super::{
    super::super::{EntryKind, EntryProblem, Format, LockfileError, OtherTool, read},
    artifact, flat, nested, problem, problems, read_text,
};

#[test]
fn files_that_are_no_lockfile_are_told_by_what_they_are() {
    let conflict = "{\n  \"lockfileVersion\": 3,\n<<<<<<< HEAD\n  \"a\": 1\n=======\n  \"a\": 2\n>>>>>>> b\n}\n";
    let cases: [(&str, &str); 22] = [
        ("", "package-lock.json is empty"),
        (" \n", "package-lock.json is empty"),
        ("[]", "package-lock.json is JSON, but not an object"),
        ("null", "package-lock.json is JSON, but not an object"),
        (
            "{\n  \"lockfileVersion\": 3,\n  \"packages\": {",
            "package-lock.json is truncated: it ends in line 3, inside an unfinished value",
        ),
        ("{\"lockfileVersion\": 3,}", "package-lock.json is not JSON: trailing comma at line 1 column 23"),
        ("{} {}", "package-lock.json is not JSON: trailing characters at line 1 column 4"),
        (conflict, "package-lock.json has merge-conflict markers, first in line 3; `npm install` resolves them"),
        (
            "{}",
            "package-lock.json states no lockfileVersion; larder reads 1, 2 and 3 (`npm install --package-lock-only` writes one)",
        ),
        ("{\"lockfileVersion\":4}", "package-lock.json states lockfileVersion 4; larder reads 1, 2 and 3"),
        ("{\"lockfileVersion\":300}", "package-lock.json states lockfileVersion 300; larder reads 1, 2 and 3"),
        ("{\"lockfileVersion\":-1}", "package-lock.json states lockfileVersion -1; larder reads 1, 2 and 3"),
        ("{\"lockfileVersion\":2.5}", "package-lock.json states lockfileVersion 2.5; larder reads 1, 2 and 3"),
        ("{\"lockfileVersion\":\"3\"}", "package-lock.json states lockfileVersion \"3\"; larder reads 1, 2 and 3"),
        (
            "{\"lockfileVersion\":[3]}",
            "package-lock.json states lockfileVersion of another type than a number; larder reads 1, 2 and 3",
        ),
        ("{\"lockfileVersion\":3}", "package-lock.json states lockfileVersion 3 and has no `packages`"),
        ("{\"lockfileVersion\":3,\"packages\":[]}", "package-lock.json: `packages` is not an object"),
        ("{\"lockfileVersion\":1,\"dependencies\":7}", "package-lock.json: `dependencies` is not an object"),
        (
            "{\"lockfileVersion\":2,\"lockfileVersion\":3,\"packages\":{}}",
            "package-lock.json: `lockfileVersion` stands twice, with different values",
        ),
        (
            "{\"lockfileVersion\":3,\"packages\":{},\"packages\":{\"\":{}}}",
            "package-lock.json: `packages` stands twice, with different values",
        ),
        ("# yarn lockfile v1\n\na@1:\n", "package-lock.json is not a lockfile of npm: it looks like a yarn.lock"),
        (
            "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {},\n}",
            "package-lock.json is not a lockfile of npm: it looks like a lockfile of bun",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(read_text(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn files_of_other_tools_are_named() {
    let cases: [(&[u8], OtherTool); 8] = [
        (b"lockfileVersion: '9.0'\n", OtherTool::Pnpm),
        (b"# generated\n\n__metadata:\n  version: 8\n", OtherTool::Yarn),
        (br#"{"lockfileVersion":1,"workspaces":{},"packages":{"a":["a@1.0.0"]}}"#, OtherTool::Bun),
        (br#"{"_readme":[],"content-hash":"x","packages":[]}"#, OtherTool::Composer),
        (br#"{"_meta":{},"default":{}}"#, OtherTool::Pipenv),
        (br#"{"version":"5","specifiers":{},"npm":{}}"#, OtherTool::Deno),
        (br#"{"info":{},"packages":{"numpy":{}}}"#, OtherTool::Pyodide),
        (br#"{"name":"x","scripts":{},"dependencies":{"a":"^1"}}"#, OtherTool::Manifest),
    ];
    for (bytes, tool) in cases {
        let (lockfile, format) = ("package-lock.json".to_owned(), Format::Npm);
        assert_eq!(read("package-lock.json", bytes), Err(LockfileError::OtherTool { lockfile, format, tool }));
    }
    let lockfile = "a".to_owned();
    let binary = b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n\xff\xfe";
    assert_eq!(read("a", binary), Err(LockfileError::BinaryBun { lockfile: lockfile.clone() }));
    assert_eq!(read("a", b"{\"\xff"), Err(LockfileError::NotText { lockfile, offset: 2 }));
}

#[test]
fn bad_entries_are_told_by_what_is_wrong() {
    let wrong = |field| EntryProblem::WrongType { field };
    let twice = |field| EntryProblem::Duplicate { field: Some(field) };
    let integrity = |problem: &str| EntryProblem::Integrity { problem: problem.to_owned() };
    let cases = [
        ("5", EntryProblem::NotAnObject),
        ("null", EntryProblem::NotAnObject),
        (r#"["a@1"]"#, EntryProblem::NotAnObject),
        (r#"{"version":1}"#, wrong("version")),
        (r#"{"version":"1.0.0","resolved":["x"]}"#, wrong("resolved")),
        (r#"{"version":"1.0.0","integrity":{}}"#, wrong("integrity")),
        (r#"{"version":"1.0.0","dev":"yes"}"#, wrong("dev")),
        (r#"{"version":"1.0.0","os":["linux",1]}"#, wrong("os")),
        (r#"{"version":"1.0.0","version":"1.0.1"}"#, twice("version")),
        (r#"{"version":"1.0.0","dev":true,"dev":false}"#, twice("dev")),
        (r#"{"version":"1.0.0","os":["linux"],"os":["darwin"]}"#, twice("os")),
        (
            r#"{"version":"1/2"}"#,
            EntryProblem::Version { version: "1/2".to_owned(), problem: "a character that no version has" },
        ),
        (
            r#"{"version":"1.0.0","name":"../a"}"#,
            EntryProblem::Name { name: "../a".to_owned(), problem: "a character that no package name has" },
        ),
        (r#"{"version":"1.0.0","resolved":"registry.example/a.tgz"}"#, EntryProblem::Address),
        (
            r#"{"version":"1.0.0","resolved":"ftp://me:secret@registry.example/a.tgz"}"#,
            EntryProblem::Scheme { scheme: "ftp".to_owned() },
        ),
        (
            r#"{"version":"1.0.0","integrity":"sha512-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}"#,
            integrity("sha512 digest of 20 bytes instead of 64"),
        ),
        (
            r#"{"version":"1.0.0","integrity":"md5-1B2M2Y8AsgTpgAmY7PhCfg=="}"#,
            integrity("`md5-1B2M2Y8AsgTpgAmY7PhCfg==` has no sha512, sha384, sha256 or sha1 digest"),
        ),
    ];
    for (entry, expected) in cases {
        assert_eq!(problem(&flat(&format!(r#""node_modules/a":{entry}"#))), expected, "{entry}");
    }
}

#[test]
fn paths_that_no_package_is_installed_to_are_refused() {
    for path in [r"a/../b", r"node_modules/a/../../b", r"node_modules/a\u0000b", r"../lib\u001b[31m", "lib/.."] {
        assert_eq!(problem(&flat(&format!(r#""{path}":{{"version":"1.0.0"}}"#))), EntryProblem::Path, "{path}");
    }
    for path in ["node_modules/..", "node_modules/", "node_modules/a/b", "node_modules/@s"] {
        let problem = problem(&flat(&format!(r#""{path}":{{"version":"1.0.0"}}"#)));
        assert!(matches!(problem, EntryProblem::Name { .. } | EntryProblem::Path), "{path}: {problem:?}");
    }
}

#[test]
fn entries_that_are_not_understood_do_not_hide_the_others() {
    let mut packages = r#""node_modules/good":{"version":"1.0.0"},"":5"#.to_owned();
    for number in 0..30 {
        write!(packages, r#","node_modules/bad{number}":{{"version":"1.0.0","integrity":"x"}}"#).unwrap();
    }
    let text = flat(&packages);
    let named: Vec<String> = problems(&text).into_iter().map(|(path, _)| path).collect();
    assert_eq!((named.len(), named[0].as_str(), named[30].as_str()), (31, "", "node_modules/bad29"));
    let reading = read_text(&text).unwrap();
    assert!(matches!(&reading.entries[0].kind, EntryKind::Artifact(artifact) if artifact.name.as_str() == "good"));
    let EntryKind::Unfetchable(last) = &reading.entries[31].kind else { panic!("{:?}", reading.entries[31]) };
    assert_eq!(last.to_string(), "bad29: integrity: `x` is not of the form `algorithm-digest`");
}

#[test]
fn no_message_holds_the_secret_of_an_address() {
    let addresses = [
        "ftp://me:secret@registry.example/a.tgz",
        "https://me:secret@registry.example:port/a.tgz",
        "git+ssh://me:secret@git.example/o/r.git",
        "github:me:secret@o#main",
        "me:secret@registry.example/a.tgz",
    ];
    for address in addresses {
        let text = flat(&format!(r#""node_modules/a":{{"version":"1.0.0","resolved":"{address}"}}"#));
        let message = match read_text(&text) {
            Err(error) => error.to_string(),
            Ok(reading) => format!("{:?}", reading.entries[0].kind),
        };
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn an_entry_that_stands_twice_counts_once_if_both_are_the_same() {
    let entry = r#""node_modules/a":{"version":"1.0.0","version":"1.0.0","dev":true,"dev":true}"#;
    assert_eq!(artifact(&flat(&format!("{entry},{entry}"))).to_string(), "a 1.0.0");
    let other = r#""node_modules/\u0061":{"version":"1.0.0"}"#;
    let twice = EntryProblem::Duplicate { field: None };
    assert_eq!(problems(&flat(&format!("{entry},{other}"))), [("node_modules/a".to_owned(), twice.clone())]);
    let parent =
        |child: &str| format!(r#""p":{{"version":"1.0.0","dependencies":{{"{child}":{{"version":"1.0.0"}}}}}}"#);
    assert_eq!(problems(&nested(&format!("{},{}", parent("a"), parent("b")))), [("node_modules/p".to_owned(), twice)]);
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    let depth = 100_000;
    let unknown = format!(r#"{{"lockfileVersion":3,"x":{}{},"packages":{{}}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read_text(&unknown).unwrap().entries, []);
    let entries = format!("{}{}", r#""a":{"version":"1.0.0","dependencies":{"#.repeat(depth), "}}".repeat(depth));
    let problems = problems(&nested(&entries));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].1, EntryProblem::TooDeep { limit: 50 });
}

#[test]
fn nested_names_cannot_make_paths_of_any_length() {
    let name = "x".repeat(1000);
    let inner = (0..8).fold(r#""a":{}"#.to_owned(), |inner, _| {
        format!(r#""{name}":{{"version":"1.0.0","dependencies":{{{inner}}}}}"#)
    });
    let text = nested(&inner);
    let problems = problems(&text);
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].0.chars().count(), &problems[0].1), (121, &EntryProblem::Path));
}

#[test]
fn a_name_has_a_bound() {
    for (len, is_name) in [(1024, true), (1025, false)] {
        assert_eq!(crate::core::artifact::PackageName::parse(&"x".repeat(len)).is_ok(), is_name, "{len}");
    }
}
