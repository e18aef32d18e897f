//! What a Dockerfile has that makes its builds download again: seen line by line, and said. Nothing is edited. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Build arguments that BuildKit keeps out of a step's key.
const EXEMPT: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// Commands that install packages.
const INSTALLS: [&str; 10] = [
    "npm ci",
    "npm install",
    "npm i",
    "pnpm install",
    "pnpm i",
    "pnpm fetch",
    "yarn install",
    "bun install",
    "bun ci",
    "yarn --",
];

/// Programs that download what they are told.
const FETCHES: [&str; 2] = ["curl ", "wget "];

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The line that it is on, from 1.
    pub(super) line: usize,
    /// What it does, and what to do about it.
    pub(super) says: String,
}

/// One instruction, its continuation lines joined.
struct Instruction<'a> {
    line: usize,
    word: &'a str,
    rest: &'a str,
}

/// Looks at a Dockerfile. `scripts` are those of package.json, `fetching` the files that are known to fetch Pyodide.
pub(super) fn look(text: &str, scripts: &BTreeMap<String, String>, fetching: &[String]) -> Vec<Seen> {
    let joined = joined(text);
    let mut seen = Vec::new();
    let mut arguments: Vec<(usize, &str)> = Vec::new();
    let mut whole_copy = None;
    let mut is_in_stage = false;
    for Instruction { line, word, rest } in joined.iter().map(|(line, text)| instruction(*line, text)) {
        match &*word.to_ascii_uppercase() {
            "FROM" => {
                is_in_stage = true;
                arguments.clear();
                whole_copy = None;
            }
            "ARG" if is_in_stage => arguments.extend(names(rest).map(|name| (line, name))),
            "COPY" | "ADD" if copies_everything(rest) => {
                whole_copy.get_or_insert(line);
            }
            "RUN" => {
                if let Some(install) = INSTALLS.iter().find(|install| has_command(rest, install)) {
                    seen.extend(arguments.drain(..).map(|(above, name)| Seen {
                        line: above,
                        says: format!("ARG {name} is above `{install}` (line {line}): each new value runs the install again; move it below"),
                    }));
                    if let Some(above) = whole_copy.take() {
                        seen.push(Seen {
                            line: above,
                            says: format!("everything is copied before `{install}` (line {line}): each changed file runs the install again; copy package.json and the lockfile first"),
                        });
                    }
                }
                if let Some(what) = fetches(rest, scripts, fetching) {
                    seen.push(Seen { line, says: format!("{what} downloads in each run of this step") });
                }
            }
            _ => {}
        }
    }
    seen.sort_by_key(|seen| seen.line);
    seen
}

fn instruction(line: usize, text: &str) -> Instruction<'_> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Instruction { line, word, rest: rest.trim() }
}

/// Instructions, each with the number of its first line; comments are left out.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let part = line.strip_suffix('\\');
        match all.last_mut().filter(|_| is_open) {
            Some((_, open)) => {
                open.push(' ');
                open.push_str(part.unwrap_or(line).trim());
            }
            None => all.push((number + 1, part.unwrap_or(line).trim().to_owned())),
        }
        is_open = part.is_some();
    }
    all
}

fn names(rest: &str) -> impl Iterator<Item = &str> {
    let names = rest.split_whitespace().map(|word| word.split('=').next().unwrap_or(word));
    names.filter(|name| !EXEMPT.contains(&&*name.to_ascii_uppercase()))
}

/// `COPY . .`, `COPY --link ./ /app`, but nothing out of another stage.
fn copies_everything(rest: &str) -> bool {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is_own = !words.iter().any(|word| word.starts_with("--from="));
    let files: Vec<&&str> = words.iter().filter(|word| !word.starts_with("--")).collect();
    is_own && files.len() > 1 && files[..files.len() - 1].iter().any(|file| matches!(**file, "." | "./"))
}

/// Whether a command line has this command: not `npm init` for `npm i`.
fn has_command(line: &str, command: &str) -> bool {
    line.match_indices(command).any(|(place, _)| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '"' | '\'' | ')');
        let after = &line[place + command.len()..];
        let before = line[..place].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric())
            && (command.ends_with("--") || after.is_empty() || after.starts_with(is_end))
    })
}

/// What in a command line fetches: a program, a file, or a script of package.json that comes to one.
fn fetches(line: &str, scripts: &BTreeMap<String, String>, fetching: &[String]) -> Option<String> {
    if let Some(program) = FETCHES.iter().find(|program| line.contains(**program)) {
        return Some(format!("`{}`", program.trim()));
    }
    if let Some(file) = fetching.iter().find(|file| line.contains(file.as_str())) {
        return Some(format!("`{file}`"));
    }
    called(line, scripts).find_map(|name| leads_to_fetch(name, scripts, fetching, &mut BTreeSet::new()))
}

/// The scripts of package.json that a command line runs.
fn called<'a>(line: &'a str, scripts: &'a BTreeMap<String, String>) -> impl Iterator<Item = &'a str> {
    scripts.keys().map(String::as_str).filter(|name| {
        ["npm run", "npm run-script", "yarn run", "pnpm run", "bun run", "yarn", "pnpm"]
            .iter()
            .any(|runner| has_command(line, &format!("{runner} {name}")))
    })
}

/// `npm run build`, and how it comes to fetch.
fn leads_to_fetch<'a>(
    name: &'a str,
    scripts: &'a BTreeMap<String, String>,
    fetching: &[String],
    seen: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if !seen.insert(name) {
        return None;
    }
    let text = scripts.get(name)?;
    let is_fetch = fetching.iter().any(|file| text.contains(file.as_str()))
        || FETCHES.iter().any(|program| text.contains(program));
    if is_fetch {
        return Some(format!("`npm run {name}` (`{text}`)"));
    }
    let further: Vec<&str> = called(text, scripts).collect();
    // npm runs these by itself.
    let hooks = ["pre", "post"].map(|hook| format!("{hook}{name}"));
    let hooks = scripts.keys().map(String::as_str).filter(|key| hooks.iter().any(|hook| hook == key));
    let further: Vec<&str> = further.into_iter().chain(hooks).collect();
    let found = further.into_iter().find_map(|next| leads_to_fetch(next, scripts, fetching, seen))?;
    Some(format!("`npm run {name}`, by way of {found},"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        let scripts = [
            ("build", "npm run pyodide:fetch && vite build"),
            ("pyodide:fetch", "node scripts/prepare-pyodide.js"),
            ("lint", "eslint"),
        ];
        let scripts = scripts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let found = look(text, &scripts, &["scripts/prepare-pyodide.js".to_owned()]);
        found.into_iter().map(|Seen { line, says }| format!("{line}: {says}")).collect()
    }

    #[test]
    fn an_argument_and_a_whole_copy_above_the_install_and_a_build_that_fetches_are_seen() {
        let text = "ARG NODE=20\nFROM node:${NODE} AS build\nARG BUILD_HASH HTTP_PROXY\nWORKDIR /app\nCOPY . .\nRUN npm ci \\\n    --omit=dev\nENV A=1\nRUN npm run build\n";
        assert_eq!(
            seen(text),
            [
                "3: ARG BUILD_HASH is above `npm ci` (line 6): each new value runs the install again; move it below",
                "5: everything is copied before `npm ci` (line 6): each changed file runs the install again; copy package.json and the lockfile first",
                "9: `npm run build`, by way of `npm run pyodide:fetch` (`node scripts/prepare-pyodide.js`), downloads in each run of this step",
            ]
        );
    }

    #[test]
    fn a_dockerfile_in_the_right_order_is_passed_in_silence() {
        let text = "FROM node AS a\nARG OTHER\nCOPY . .\nFROM node\nCOPY package.json package-lock.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\nCOPY --from=a . .\nCOPY . .\nARG BUILD_HASH\nRUN npm run lint && npm init -y && npx vite build\n";
        assert_eq!(seen(text), [""; 0]);
        assert_eq!(
            seen("FROM alpine\nRUN wget -q https://files.example/a"),
            ["2: `wget` downloads in each run of this step"]
        );
    }
}
