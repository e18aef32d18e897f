//! The invocation: which package managers a command calls, as far as its words tell. Pure.

use std::{ffi::OsString, path::Path};

use super::programs::{NPM, YARN};
use crate::lockfile::Format;

/// Programs that run the one that is named after them.
const WRAPPERS: [&str; 12] =
    ["env", "corepack", "exec", "command", "time", "nice", "sudo", "node", "npx", "pnpx", "bunx", "cross-env"];

/// Programs that read commands out of an argument.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "ksh"];

/// The package managers that the command calls, each once; none where that cannot be told.
pub(crate) fn package_managers(command: &[OsString]) -> Vec<Format> {
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut found = Vec::new();
    if words.first().is_some_and(|program| SHELLS.contains(&base(program))) {
        let scripts = words[1..].iter().flat_map(|script| script.split([';', '&', '|', '(', ')', '{', '}', '\n', '`']));
        let called = scripts
            .filter_map(|simple| manager_of(simple.split_whitespace().map(|word| word.trim_matches(['"', '\'', '$']))));
        called.for_each(|manager| note(&mut found, manager));
    } else if let Some(manager) = manager_of(words.iter().map(String::as_str)) {
        found.push(manager);
    }
    found
}

fn note(found: &mut Vec<Format>, manager: Format) {
    if !found.contains(&manager) {
        found.push(manager);
    }
}

/// The package manager that a command without a shell calls.
fn manager_of<'a>(words: impl Iterator<Item = &'a str>) -> Option<Format> {
    // What `npx` and its like run is a package, unless it is a package manager.
    let mut runner = None;
    for word in words {
        let is_option = word.starts_with('-');
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'));
        if word.is_empty() || is_option || is_assignment || matches!(word, "!" | "then" | "do" | "if" | "else") {
            continue;
        }
        let name = base(word);
        if !WRAPPERS.contains(&name) {
            return manager(name).or(runner);
        }
        runner = runner.or(manager(name));
    }
    runner
}

/// The package manager that a program of this name is, or belongs to.
fn manager(name: &str) -> Option<Format> {
    // `corepack yarn@4.5.3 install`.
    let name = name.split('@').next().unwrap_or(name);
    match name {
        npm if NPM.contains(&npm) => Some(Format::Npm),
        "pnpm" | "pnpx" | "pnpm.cjs" | "pnpm.mjs" => Some(Format::Pnpm),
        yarn if YARN.contains(&yarn) => Some(Format::Yarn),
        "bun" | "bunx" => Some(Format::Bun),
        // A project's own, `.yarn/releases/yarn-4.5.3.cjs`.
        _ => name.strip_suffix(".cjs").filter(|release| release.starts_with("yarn-")).map(|_| Format::Yarn),
    }
}

fn base(word: &str) -> &str {
    Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_tells_which_package_managers_it_calls() {
        for (command, expected) in [
            (&["npm", "ci"][..], &[Format::Npm][..]),
            (&["/usr/bin/npx", "vite"], &[Format::Npm]),
            (&["npx", "--yes", "pnpm@9", "install"], &[Format::Pnpm]),
            (&["node", "/opt/npm/bin/npm-cli.js", "ci"], &[Format::Npm]),
            (&["node", ".yarn/releases/yarn-4.5.3.cjs", "install"], &[Format::Yarn]),
            (&["node", "build.js", "yarn"], &[]),
            (&["corepack", "yarn@4.5.3", "install"], &[Format::Yarn]),
            (&["yarn", "install"], &[Format::Yarn]),
            (&["/opt/bin/yarn"], &[Format::Yarn]),
            (&["node", ".yarn/releases/yarn.cjs"], &[Format::Yarn]),
            (&["sh", "-c", "cd web && yarn install --immutable"], &[Format::Yarn]),
            (&["sh", "-c", "npm run yarnish"], &[Format::Npm]),
            (&["env", "CI=1", "-u", "pnpm", "install"], &[Format::Pnpm]),
            (&["bun", "install"], &[Format::Bun]),
            (&["npm", "--prefix", "web/yarn", "ci"], &[Format::Npm]),
            (&["sh", "-c", "cd web/yarn && npm ci; CI=1 npm run build"], &[Format::Npm]),
            (&["bash", "-ec", "(yarn install --immutable) && npx pnpm@9 i"], &[Format::Yarn, Format::Pnpm]),
            (&["sh", "-c", "echo npm is not called"], &[]),
            (&["make", "npm"], &[]),
            (&["true"], &[]),
            (&[], &[]),
        ] {
            let words: Vec<OsString> = command.iter().map(OsString::from).collect();
            assert_eq!(package_managers(&words), expected, "{command:?}");
        }
    }
}
