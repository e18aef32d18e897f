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

/// Commands that depend on no file of the project, and make none.
const NOTHING: [&str; 18] = [
    "set",
    "true",
    ":",
    "export",
    "addgroup",
    "adduser",
    "groupadd",
    "useradd",
    "usermod",
    "groupmod",
    "exit",
    "unset",
    "umask",
    "fi",
    "done",
    "esac",
    "update-ca-certificates",
    "corepack",
];

/// Commands that change files or show them.
const TOUCHES: [&str; 17] = [
    "chmod", "chown", "chgrp", "cp", "mv", "rm", "ln", "touch", "cat", "sed", "ls", "find", "tar", "mkdir", "cd",
    "test", "[",
];

/// Where `rm` removes nothing of a project.
const ELSEWHERE: [&str; 3] = ["/var/", "/tmp/", "/root/."];

/// What a step does.
pub(super) fn of(step: &Step, text: &str, scripts: Scripts<'_>) -> Effect {
    match &step.kind {
        StepKind::Copy(_) => Effect::Touches,
        StepKind::Run(run) => {
            let effects = run.commands.iter().map(|command| of_command(command, scripts));
            let most = effects.max().unwrap_or(Effect::Nothing);
            if is_redirected(&text[step.span.clone()]) { most.max(Effect::Touches) } else { most }
        }
        _ => Effect::Nothing,
    }
}

/// Whether something is written to a file: `>` but for `>/dev/null` and `2>&1`.
pub(super) fn is_redirected(text: &str) -> bool {
    text.match_indices('>').any(|(at, _)| {
        let to = text[at + 1..].trim_start_matches('>').trim_start();
        !to.starts_with("/dev/") && !to.starts_with('&') && !to.starts_with('=')
    })
}

pub(super) fn of_command(command: &Command, scripts: Scripts<'_>) -> Effect {
    match scripts.fetch_of(command) {
        // `npm install extra` changes package.json.
        Some(Fetch::System(what)) if is_of_project(&what) => return Effect::Uses,
        Some(Fetch::Install(_) | Fetch::System(_)) => return Effect::Fetches,
        // It may write where the project is.
        Some(Fetch::Other(what)) if matches!(what.as_str(), "`curl`" | "`wget`") => return Effect::Touches,
        Some(Fetch::Other(_)) => return Effect::Uses,
        None => {}
    }
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let program = words[0].rsplit('/').next().unwrap_or_default();
    let is_elsewhere = |word: &&str| word.starts_with('-') || ELSEWHERE.iter().any(|folder| word.starts_with(folder));
    match (program, &words[1..]) {
        ("rm", rest) if rest.iter().all(is_elsewhere) => Effect::Nothing,
        ("apk" | "apt-get" | "apt" | "echo" | "printf", _)
        | ("npm" | "yarn" | "pnpm", ["cache" | "config" | "store", ..])
        | ("node" | "npm" | "yarn" | "pnpm" | "bun", ["--version" | "-v"]) => Effect::Nothing,
        (name, _) if NOTHING.contains(&name) => Effect::Nothing,
        (name, _) if TOUCHES.contains(&name) => Effect::Touches,
        _ => Effect::Uses,
    }
}

/// A package manager's install of packages that it is given, into the project.
fn is_of_project(what: &str) -> bool {
    let is_manager = ["npm ", "pnpm ", "yarn ", "bun "].iter().any(|name| what.starts_with(name));
    let is_global = [" -g", " --global", " global ", "--location=global"].iter().any(|it| what.contains(it));
    is_manager && !is_global
}
