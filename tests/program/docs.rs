//! The pages say what is so: their links lead somewhere, larder takes their command lines, their tables have the program's words, and what they show a command
//! print is what it prints.

mod broken_on_purpose;
mod command_line;
mod page;
mod repository;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use clap::CommandFactory as _;
use larder::cli::Cli;
use larder_test_server::Reply;

use self::{
    command_line::{arguments, refused},
    page::{Page, spans_of},
    repository::Repository,
};
use crate::support::{World, finish, packages, program};

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
fn every_command_has_help_with_an_example_that_larder_takes() {
    let mut wrong = Vec::new();
    let mut command = Cli::command();
    command.build();
    help_of(&command, "larder", &mut wrong);
    nothing(&wrong);
}

/// What is wrong with the help of a command and of those below it.
fn help_of(command: &clap::Command, path: &str, wrong: &mut Vec<String>) {
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

/// A world whose commands run in the repository's own folder.
fn session(world: &World, line: &str) -> String {
    let arguments = arguments(line).unwrap();
    let is_hermetic = arguments[0] == "plan" || arguments.iter().any(|word| word == "--offline");
    assert!(is_hermetic, "`{line}`: what is run here makes no request");
    let mut command = world.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.current_dir(ROOT);
    let run = finish(command);
    world.plain(&format!("{}{}", run.out, run.err))
}

/// What is shown, with `…` for any lines and, at the end of a line, for the rest of it; and what is printed.
fn shows(shown: &[String], printed: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first == "…" {
        return (0..=printed.len()).any(|passed| shows(rest, &printed[passed..]));
    }
    let Some((line, others)) = printed.split_first() else { return false };
    let is_same = first.strip_suffix('…').map_or(first == line, |start| line.starts_with(start));
    is_same && shows(rest, others)
}

/// Blocks that begin with `$ larder` are sessions: each command is run in the repository, on an empty store, and prints what is shown.
#[test]
fn what_the_docs_show_a_command_print_is_what_it_prints() {
    let mut sessions = 0;
    for page in repository().pages {
        for block in page.blocks().iter().filter(|block| block[0].1.starts_with("$ larder")) {
            for part in split_at_commands(block) {
                let world = World::new(&[]);
                let shown = part[1..].iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n");
                let shown: Vec<_> = world.plain(&shown).lines().map(str::to_owned).collect();
                let printed = session(&world, part[0].1);
                let lines: Vec<_> = printed.lines().collect();
                assert!(shows(&shown, &lines), "{}: `{}` prints\n{printed}", page.place(part[0].0), part[0].1);
                sessions += 1;
            }
        }
    }
    assert_eq!(sessions, 2);
}

/// The parts of a block that each begin with a command.
fn split_at_commands<'a, 'b>(block: &'a [(usize, &'b str)]) -> Vec<&'a [(usize, &'b str)]> {
    let starts: Vec<_> = (0..block.len()).filter(|&at| block[at].1.starts_with("$ ")).collect();
    let ends = starts.iter().skip(1).copied().chain([block.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &block[start..end]).collect()
}

/// What README shows of a fetch with a network, as far as it is the same without one.
#[test]
fn the_sum_that_the_readme_shows_is_that_of_the_example() {
    let world = World::new(&[]);
    let line = "larder fetch examples/webui/package-lock.json --platform linux/amd64 --offline";
    let printed = session(&world, line);
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    for line in printed.lines().take(2) {
        assert!(readme.contains(&format!("    {line}\n")), "{line}");
    }
    let count = printed.lines().nth(2).unwrap().split(' ').next().unwrap().to_owned();
    assert!(readme.contains(&format!("    {count} artifacts = 0 already here + {count} fetched + 0 failed\n")));
}

/// What larder knows in this table of `larder.toml`, as it says of a key that it does not know; none if this is no table.
fn known_keys(world: &World, table: &str) -> Vec<String> {
    let head = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
    world.write("larder.toml", &format!("{head}no-such-key = 1\n"));
    let said = world.run(&["plan"]).err;
    let mut spans = spans_of(&said).skip_while(|span| !span.ends_with("no-such-key"));
    let is_about_it = spans.next().is_some();
    let full = |key: &str| match key.contains('.') || table.is_empty() {
        true => key.to_owned(),
        false => format!("{table}.{key}"),
    };
    if is_about_it { spans.map(full).collect() } else { Vec::new() }
}

#[test]
fn the_table_of_larder_toml_has_the_keys_that_larder_knows() {
    let world = World::new(&[]);
    let mut known = BTreeSet::new();
    for key in known_keys(&world, "") {
        let below = known_keys(&world, &key);
        if below.is_empty() {
            known.insert(key)
        } else {
            known.extend(below);
            true
        };
    }
    let repository = repository();
    let section = repository.page("docs/configuration.md").section("## larder.toml");
    let rows = section.rows();
    let told: BTreeSet<_> = rows.iter().flat_map(|row| spans_of(row[0])).map(str::to_owned).collect();
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(told, known);
}

/// Variables that larder asks for and that pages need not explain, since other programs define them.
const VARIABLES_OF_OTHERS: [&str; 6] = ["COREPACK_HOME", "PATH", "PREFIX", "TERM", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"];

#[test]
fn the_table_of_the_environment_has_the_variables_that_larder_reads() {
    let repository = repository();
    let section = repository.page("docs/configuration.md").section("## Environment");
    let rows = section.rows();
    let told: BTreeSet<_> = rows.iter().flat_map(|row| spans_of(row[0])).collect();
    for name in told.iter().filter(|name| !name.starts_with("SSL_CERT_")) {
        assert!(repository.sources.contains(&format!("\"{name}\"")), "no source reads {name}");
    }
    let asked = repository.sources.split("environment.variable").skip(1).filter_map(|rest| {
        let name = rest.trim_start_matches("_os").strip_prefix("(\"")?;
        name.split('"').next().filter(|name| !name.starts_with("npm_config_") && !name.starts_with("YARN_"))
    });
    let untold: BTreeSet<_> =
        asked.filter(|name| !told.contains(name) && !VARIABLES_OF_OTHERS.contains(name)).collect();
    assert!(untold.is_empty(), "{untold:?} are read, and no page says so");
}

/// The codes of a page's table, each with what it means.
fn codes(page: &Page) -> BTreeMap<i32, String> {
    let rows = page.rows();
    let codes =
        rows.iter().filter(|row| row.len() == 2).filter_map(|row| Some((row[0].parse().ok()?, row[1].to_owned())));
    codes.collect()
}

#[test]
fn the_table_of_exit_codes_has_those_that_the_program_gives() {
    let repository = repository();
    let told = codes(&repository.page("README.md").section("## Commands"));
    let help = Cli::command().render_long_help().to_string();
    let line = help.lines().find_map(|line| line.strip_prefix("Exit codes: ")).unwrap();
    let in_help =
        line.trim_end_matches('.').split(", ").map(|one| one.split(' ').next().unwrap().parse::<i32>().unwrap());
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), in_help.collect::<Vec<_>>());

    let world = World::new(&packages(1));
    let mut seen = BTreeSet::from([world.run(&["fetch"]).code, world.run(&["fetch", "--no-such-option"]).code]);
    world.server.fallback(|_| Reply::status(503));
    world.lock(&packages(2));
    seen.insert(world.run(&["fetch"]).code);
    world.write("package-lock.json", "{");
    seen.insert(world.run(&["fetch"]).code);
    let mut command = world.command(&["status"]);
    command.env("LARDER_STORE", program());
    seen.insert(finish(command).code);
    assert_eq!(seen.into_iter().flatten().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    // The one of Ctrl-C is seen in kills.rs.
    assert_eq!(told.keys().max(), Some(&130));
}
