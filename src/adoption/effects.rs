//! What a step does as far as its place matters: whether it downloads, needs the project's files, or may read any build argument.

use crate::dockerfile::{Command, Fetch, Scripts, Step, StepKind};

/// What a step does; of a RUN's commands, the last of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Nothing that depends on the project's files.
    Nothing,
    /// It downloads what lockfiles or its own words name.
    Fetches,
    /// It changes files, or copies some.
    Touches,
    /// It may read whatever is there: a build, a script.
    Uses,
}

/// Commands that depend on no file of the project.
const NOTHING: [&str; 24] = [
    "mkdir",
    "set",
    "cd",
    "true",
    ":",
    "export",
    "addgroup",
    "adduser",
    "groupadd",
    "useradd",
    "usermod",
    "groupmod",
    "test",
    "[",
    "exit",
    "unset",
    "umask",
    "fi",
    "done",
    "esac",
    "update-ca-certificates",
    "setcap",
    "echo",
    "printf",
];

/// Commands that change files or show them.
const TOUCHES: [&str; 13] =
    ["chmod", "chown", "chgrp", "cp", "mv", "rm", "ln", "touch", "cat", "sed", "ls", "find", "tar"];

/// Subcommands of package managers that change their settings or caches.
const SETTINGS: [&str; 7] = ["config", "cache", "set", "store", "get", "version", "-v"];

/// What a step does.
pub(super) fn of(step: &Step, scripts: Scripts<'_>) -> Effect {
    match &step.kind {
        StepKind::Copy(_) => Effect::Touches,
        StepKind::Run(run) => {
            run.commands.iter().map(|command| of_command(command, scripts)).max().unwrap_or(Effect::Nothing)
        }
        _ => Effect::Nothing,
    }
}

fn of_command(command: &Command, scripts: Scripts<'_>) -> Effect {
    match scripts.fetch_of(command) {
        Some(Fetch::Install(_) | Fetch::System(_)) => return Effect::Fetches,
        Some(Fetch::Other(what)) if matches!(what.as_str(), "`curl`" | "`wget`") => return Effect::Fetches,
        Some(Fetch::Other(_)) => return Effect::Uses,
        None => {}
    }
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let program = words[0].rsplit('/').next().unwrap_or_default();
    // `rm -rf /var/lib/apt/lists/*`
    let is_elsewhere = || words[1..].iter().all(|word| word.starts_with(['/', '-', '~']));
    match program {
        "rm" | "apk" | "apt-get" | "apt" if is_elsewhere() || program != "rm" => Effect::Nothing,
        "corepack" => Effect::Nothing,
        "npm" | "pnpm" | "yarn" | "bun" if words.iter().skip(1).any(|word| SETTINGS.contains(word)) => Effect::Nothing,
        "node" | "npm" | "yarn" | "pnpm" | "bun" if words[1..] == ["--version"] || words[1..] == ["-v"] => {
            Effect::Nothing
        }
        name if NOTHING.contains(&name) => Effect::Nothing,
        name if TOUCHES.contains(&name) => Effect::Touches,
        _ => Effect::Uses,
    }
}
