//! Each check finds what was broken for it.

use std::collections::BTreeSet;

use super::{help::help_of, page::Page, repository::Repository, sessions::shows};

/// A repository of one page.
fn with(text: &str) -> Repository {
    let files = [
        "README.md",
        "docs/a.md",
        "docs/",
        "tests/run",
        "tests/",
        "tests/docker/builds/naive.sh",
        "src/",
        "src/run/child.rs",
    ];
    Repository {
        pages: vec![
            Page::new("README.md", text),
            Page::new("docs/a.md", "# A page\n\n## What `it` has: a, b\n\n## A page\n"),
        ],
        files: files.map(str::to_owned).into(),
        parts: BTreeSet::from(["docker".to_owned()]),
        sources: "fn a_blob_is_read() {}".to_owned(),
    }
}

#[test]
fn a_link_that_leads_nowhere_is_named() {
    let fine = "[a](docs/a.md) [b](docs/a.md#what-it-has-a-b) [c](docs) [d](#top) `[e](f)`\n\n    [g](h)\n\n# Top\n";
    assert_eq!(with(fine).broken_links(), [""; 0]);
    assert_eq!(with(&fine.replace("Top", "Top again")).broken_links(), ["README.md:1: #top leads nowhere"]);
    let broken = "[a](docs/b.md)\n[b](docs/a.md#what-it-has) [c](docs/a.md#a-page-1)\n[d](https://registry.example/)";
    assert_eq!(
        with(broken).broken_links(),
        [
            "README.md:1: docs/b.md leads nowhere",
            "README.md:2: docs/a.md#what-it-has leads nowhere",
            "README.md:3: https://registry.example/ leads nowhere",
        ]
    );
}

#[test]
fn a_command_line_that_larder_does_not_take_is_named() {
    let fine =
        "`larder view` and `larder COMMAND --help`\n\n    larder fetch web --omit dev\n\n```sh\nlarder status\n```\n";
    assert_eq!(with(fine).refused_commands(), [""; 0]);
    let broken = "`larder views`\n\n    larder fetch --omits dev     what runs\n    larder view tarballs\n\n```sh\nlarder lock --chek\n```\n";
    assert_eq!(
        with(broken).refused_commands(),
        [
            "README.md:3: `larder fetch --omits dev     what runs`: error: unexpected argument '--omits' found",
            "README.md:4: `larder view tarballs`: error: the following required arguments were not provided:",
            "README.md:7: `larder lock --chek`: error: unexpected argument '--chek' found",
            "README.md:1: `larder views`: error: unrecognized subcommand 'views'",
        ]
    );
}

#[test]
fn an_option_of_nobody_is_named() {
    assert_eq!(with("`--omit dev`, `--network=none`, `--uid 1000 --gid 1000`, `--`").unknown_options(), [""; 0]);
    let broken = with("\n`--omits dev`, `--uid 1000 --guid 1000`").unknown_options();
    assert_eq!(broken, ["README.md:2: --omits is no option of larder", "README.md:2: --guid is no option of larder"]);
}

#[test]
fn a_path_that_leads_nowhere_is_named() {
    let fine = "`docs/a.md`, `run/child.rs`, `tests/docker/*/*.sh`, `dist/npm`, `static/pyodide`, `child.rs`, `pyodide.mjs`\n\n    tests/run docker\n";
    assert_eq!(with(fine).missing_paths(), [""; 0]);
    let broken = "`docs/b.md`, `run/parent.rs`, `tests/clients/*.sh`, `lost.sh`\n\n    tests/ran docker\n";
    let words = ["docs/b.md", "run/parent.rs", "tests/clients/*.sh", "lost.sh"];
    let mut expected = vec!["README.md:3: there is no tests/ran".to_owned()];
    expected.extend(words.map(|word| format!("README.md:1: there is no {word}")));
    assert_eq!(with(broken).missing_paths(), expected);
}

#[test]
fn a_part_of_the_tests_that_is_not_there_is_named() {
    assert_eq!(with("`tests/run`, `tests/run docker`, `tests/run docker naive`").unknown_parts(), [""; 0]);
    let broken = with("`tests/run dockers`\n`tests/run docker clever`").unknown_parts();
    assert_eq!(broken, ["README.md:1: tests/run has no dockers", "README.md:2: tests/run has no docker clever"]);
}

#[test]
fn a_test_that_is_not_there_is_named() {
    let table = "| who | held by |\n|---|---|\n| a | `a_blob_is_read`, `tests/run` |\n";
    assert_eq!(with(table).missing_tests("README.md"), [""; 0]);
    let broken = with(&table.replace("is_read", "is_written").replace("/run", "/ran")).missing_tests("README.md");
    assert_eq!(broken, ["README.md: there is no test a_blob_is_written", "README.md: there is no test tests/ran"]);
}

#[test]
fn help_without_an_example_or_a_word_on_an_option_is_named() {
    let command = |help: &'static str| {
        let below = clap::Command::new("fetch").after_help(help).arg(clap::Arg::new("jobs").long("jobs"));
        clap::Command::new("larder")
            .disable_help_subcommand(true)
            .after_help("Examples:\n  larder status")
            .subcommand(below)
    };
    let wrong = |help: &'static str| {
        let (mut command, mut wrong) = (command(help), Vec::new());
        command.build();
        help_of(&command, "larder", &mut wrong);
        wrong
    };
    let silent = "larder fetch: its help says nothing about --jobs <jobs>";
    assert_eq!(wrong("Examples:\n  larder fetch web    one project"), [silent]);
    assert_eq!(wrong("Text."), ["larder fetch: its help has no example", silent]);
    assert_eq!(wrong("Examples:\n  larder status"), ["larder fetch: its help has no example", silent]);
    let typo = "larder fetch: `larder fetch --omits dev`: error: unexpected argument '--omits' found";
    assert_eq!(wrong("Examples:\n  larder fetch --omits dev"), [typo, silent]);
}

#[test]
fn what_is_shown_has_to_be_what_is_printed() {
    let shows = |shown: &str, printed: &str| {
        let shown: Vec<_> = shown.lines().map(str::to_owned).collect();
        shows(&shown, &printed.lines().collect::<Vec<_>>())
    };
    assert!(shows("a\nb", "a\nb"));
    assert!(shows("a\n…\nd", "a\nb\nc\nd") && shows("a\n…\nb", "a\nb") && shows("a: …", "a: b"));
    for (shown, printed) in [("a", "a\nb"), ("a\nb", "a"), ("a", "b"), ("a\n…\nc", "a\nb"), ("a: …", "b: a"), ("", "a")]
    {
        assert!(!shows(shown, printed), "{shown:?} {printed:?}");
    }
}
