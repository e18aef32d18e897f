//! What `--help` says, and the README's table of commands.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use larder::cli::Cli;

use super::{
    command_line::{arguments, refused},
    nothing,
    page::spans_of,
    repository,
};

#[test]
fn every_command_has_help_with_an_example_that_larder_takes() {
    let mut wrong = Vec::new();
    let mut command = Cli::command();
    command.build();
    help_of(&command, "larder", &mut wrong);
    nothing(&wrong);
}

/// What is wrong with the help of a command and of those below it.
pub(super) fn help_of(command: &clap::Command, path: &str, wrong: &mut Vec<String>) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Examples:").filter(|line| line.starts_with("  "));
    let examples: Vec<_> = lines.filter_map(|line| Some((line, arguments(line)?))).collect();
    let own = path.strip_prefix("larder").unwrap_or_default().trim_start().replace(' ', "·");
    if !examples.iter().any(|(_, words)| words.join("·").starts_with(&own)) {
        wrong.push(format!("{path}: its help has no example"));
    }
    for (line, words) in &examples {
        wrong.extend(refused(words, false).map(|why| format!("{path}: `{}`: {why}", line.trim())));
    }
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set() && argument.get_help().is_none())
    {
        wrong.push(format!("{path}: its help says nothing about {argument}"));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        help_of(below, &format!("{path} {}", below.get_name()), wrong);
    }
}

/// The paths of the commands that do something: `fetch`, `view npm-cache`.
fn commands(command: &clap::Command, path: &str) -> BTreeSet<String> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let all: BTreeSet<_> = below.flat_map(|below| commands(below, &format!("{path} {}", below.get_name()))).collect();
    if all.is_empty() { BTreeSet::from([path.trim().to_owned()]) } else { all }
}

#[test]
fn the_table_of_commands_has_a_row_for_each_command() {
    let repository = repository();
    let section = repository.page("README.md").section("## Commands");
    let mut rows = BTreeSet::new();
    for row in section.rows().iter().filter(|row| row.len() == 3) {
        let usage = format!("larder {}", spans_of(row[0]).next().unwrap());
        let words = arguments(&usage).unwrap();
        assert_eq!(refused(&words, false), None, "{usage}");
        let is_of_a_name =
            |word: &&String| word.chars().all(|sign| sign.is_ascii_lowercase() || sign == '-') && *word != "--";
        let name = words.iter().take_while(is_of_a_name).cloned().collect::<Vec<_>>().join(" ");
        let example = arguments(spans_of(row[1]).next().unwrap()).unwrap().join(" ");
        assert!(example.starts_with(&name), "{example} is an example of {name}");
        rows.insert(name);
    }
    assert_eq!(rows, commands(&Cli::command(), ""));
}
