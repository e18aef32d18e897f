//! The pages say what is so: their links lead somewhere, larder takes their command lines, their tables have the program's words, and what they show a command
//! print is what it prints.

mod broken_on_purpose;
mod command_line;
mod help;
mod page;
mod repository;
mod sessions;
mod tables;

use std::{collections::BTreeSet, fs, path::Path};

use self::{
    command_line::{arguments, refused},
    repository::Repository,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn repository() -> Repository {
    Repository::read(Path::new(ROOT))
}

fn nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_in_the_docs_leads_to_a_file_and_a_heading() {
    nothing(&repository().broken_links());
}

#[test]
fn larder_takes_every_command_line_of_the_docs() {
    nothing(&repository().refused_commands());
}

#[test]
fn every_option_that_the_docs_name_is_one_of_larders() {
    nothing(&repository().unknown_options());
}

#[test]
fn every_path_that_the_docs_name_is_there() {
    nothing(&repository().missing_paths());
}

#[test]
fn every_part_of_the_tests_that_the_docs_name_is_there() {
    nothing(&repository().unknown_parts());
}

#[test]
fn every_test_that_the_docs_on_security_name_is_there() {
    nothing(&repository().missing_tests("docs/security.md"));
}

/// Nobody sees it run before a release.
#[test]
fn the_workflow_of_a_release_is_yaml_and_runs_scripts_that_are_there() {
    let text = fs::read_to_string(Path::new(ROOT).join(".github/workflows/release.yml")).unwrap();
    let workflow: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap();
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().unwrap());
    let scripts: BTreeSet<&str> = steps
        .filter_map(|step| step["run"].as_str())
        .flat_map(|run| run.split(|c: char| c.is_whitespace() || matches!(c, '$' | '(' | ')' | '"')))
        .filter(|word| Path::new(word).extension().is_some_and(|end| end == "sh"))
        .collect();
    assert_eq!(scripts, ["docker/static.sh", "packaging/release.sh", "packaging/version.sh"].into());
    for script in scripts {
        assert!(Path::new(ROOT).join(script).is_file(), "{script}");
    }
}

/// A snippet's steps are command lines, too.
#[test]
fn larder_takes_every_command_line_of_the_dockerfiles() {
    for path in ["Dockerfile.snippet", "examples/webui/Dockerfile"] {
        let text = fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
        let lines: Vec<_> = text.lines().filter_map(arguments).collect();
        assert_eq!(lines.len(), 2, "{path}: {lines:?}");
        let wrong: Vec<_> = lines.iter().filter_map(|line| refused(line, false)).collect();
        nothing(&wrong);
    }
}

#[test]
fn the_readme_is_short_and_leads_to_the_dockerfile_early() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    assert!(readme.lines().count() <= 140, "{} lines", readme.lines().count());
    let at = readme.lines().position(|line| line == "    ARG LARDER_IMAGE=no-larder").unwrap();
    assert!(at < 40, "line {}", at + 1);
    let two = "    cargo run --release -- fetch examples/webui/package-lock.json\n    tests/run\n";
    assert!(readme.contains(two));
}

/// The Dockerfile of the README is the snippet without its comments.
#[test]
fn the_dockerfile_in_the_readme_is_the_snippet() {
    let repository = repository();
    let section = repository.page("README.md").section("## In a Dockerfile");
    let snippet = fs::read_to_string(Path::new(ROOT).join("Dockerfile.snippet")).unwrap();
    let lines: Vec<_> = snippet.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let shown: Vec<_> = section.blocks()[0].iter().map(|(_, line)| *line).collect();
    assert_eq!(shown, lines);
}
