//! What the pages show a command print.

use std::{fs, path::Path};

use super::{ROOT, command_line::arguments, repository};
use crate::support::{World, finish};

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
pub(super) fn shows(shown: &[String], printed: &[&str]) -> bool {
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
