//! What a command downloads: a package manager's install, a program that fetches, a script of package.json that comes to one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::shell::{Command, commands_of};

/// Package managers, with the subcommands that install.
const MANAGERS: [(&str, &[&str]); 4] = [
    ("npm", &["ci", "install", "i", "add", "clean-install", "ic", "install-clean"]),
    ("pnpm", &["install", "i", "add", "fetch", "deploy"]),
    ("yarn", &["install", "add", "global"]),
    ("bun", &["install", "i", "ci", "add"]),
];

/// Subcommands that run a script of package.json.
const RUNS: [&str; 3] = ["run", "run-script", "rum"];

/// Options of package managers whose value is the next word.
const VALUED: [&str; 19] = [
    "--prefix",
    "--cwd",
    "--dir",
    "-C",
    "--filter",
    "-F",
    "--workspace",
    "-w",
    "--registry",
    "--network-timeout",
    "--network-concurrency",
    "--loglevel",
    "--omit",
    "--include",
    "--cache",
    "--cache-folder",
    "--modules-folder",
    "--store-dir",
    "--reporter",
];

/// Programs that download what they are told.
const PROGRAMS: [&str; 2] = ["curl", "wget"];

/// Programs with subcommands that download what no lockfile of a front end names.
const SYSTEM: [(&str, &[&str]); 20] = [
    ("apk", &["add", "update", "upgrade"]),
    ("apt", &["install", "update", "upgrade"]),
    ("apt-get", &["install", "update", "upgrade", "dist-upgrade"]),
    ("dnf", &["install", "update", "upgrade"]),
    ("microdnf", &["install", "update", "upgrade"]),
    ("yum", &["install", "update", "upgrade"]),
    ("pip", &["install", "download"]),
    ("pip3", &["install", "download"]),
    ("uv", &["sync", "pip", "add"]),
    ("poetry", &["install"]),
    ("bundle", &["install"]),
    ("gem", &["install"]),
    ("composer", &["install", "require"]),
    ("cargo", &["install", "fetch", "build"]),
    ("go", &["mod", "install", "get", "build"]),
    ("git", &["clone", "fetch", "pull", "submodule"]),
    ("corepack", &["prepare", "install", "use", "up"]),
    ("playwright", &["install", "install-deps"]),
    ("pnpx", &[]),
    ("bunx", &[]),
];

/// What a command downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// What lockfiles name, with this command: `npm ci`.
    Install(String),
    /// What no lockfile of a front end names, by a program that is there for it: `apk add`, `npm install --global`.
    System(String),
    /// What nobody names, in words: `curl`, or the script that leads there.
    Other(String),
}

/// What is known of a project's scripts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripts<'a> {
    /// Those of package.json, by name.
    pub(crate) by_name: &'a BTreeMap<String, String>,
    /// Files of the project that fetch, by their path.
    pub(crate) fetching: &'a [String],
}

impl Scripts<'_> {
    /// What a command downloads, if it does.
    pub(crate) fn fetch_of(&self, command: &Command) -> Option<Fetch> {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        if let Some(install) = install(&words) {
            return Some(if names_packages(&words) { Fetch::System(words.join(" ")) } else { Fetch::Install(install) });
        }
        if let Some(what) = system(&words) {
            return Some(Fetch::System(what));
        }
        if let Some(what) = self.fetches_itself(&words) {
            return Some(Fetch::Other(format!("`{what}`")));
        }
        let name = self.called(&words)?;
        self.led_by(name, &mut BTreeSet::new()).map(Fetch::Other)
    }

    /// Whether a command is an install of what lockfiles name.
    pub(crate) fn is_install(&self, command: &Command) -> bool {
        matches!(self.fetch_of(command), Some(Fetch::Install(_)))
    }

    /// The script of package.json that a command runs, if it is one of these.
    pub(crate) fn script_of<'c>(&self, command: &'c Command) -> Option<&'c str> {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        self.called(&words).filter(|name| self.by_name.contains_key(*name))
    }

    /// A program or a file that fetches.
    fn fetches_itself<'w>(&'w self, words: &[&'w str]) -> Option<&'w str> {
        let program = file_name(words.first()?);
        if PROGRAMS.contains(&program) {
            return Some(program);
        }
        let is_file = |file: &&String| words.iter().any(|word| word.trim_start_matches("./") == file.as_str());
        self.fetching.iter().find(is_file).map(String::as_str)
    }

    /// The script of package.json that a command runs.
    fn called<'w>(&self, words: &[&'w str]) -> Option<&'w str> {
        let (manager, words) = manager_of(words)?;
        let (at, subcommand) = subcommand(words)?;
        if RUNS.contains(&subcommand) {
            return words[at + 1..].iter().find(|word| !word.starts_with('-')).copied();
        }
        let is_direct = manager != "npm" || matches!(subcommand, "test" | "start" | "stop" | "restart");
        (is_direct && self.by_name.contains_key(subcommand)).then_some(subcommand)
    }

    /// `npm run build`, and how it comes to fetch.
    fn led_by(&self, name: &str, seen: &mut BTreeSet<String>) -> Option<String> {
        if !seen.insert(name.to_owned()) {
            return None;
        }
        let text = self.by_name.get(name)?;
        let all = commands_of(text);
        let words: Vec<Vec<&str>> = all.iter().map(|it| it.words.iter().map(String::as_str).collect()).collect();
        if words.iter().any(|words| self.fetches_itself(words).is_some()) {
            return Some(format!("`npm run {name}` (`{text}`)"));
        }
        let called = words.iter().filter_map(|words| self.called(words).map(str::to_owned));
        // npm runs these by itself.
        let hooks = ["pre", "post"].map(|hook| format!("{hook}{name}"));
        let further: Vec<String> = called.chain(hooks).collect();
        let found = further.iter().find_map(|next| self.led_by(next, seen))?;
        Some(format!("`npm run {name}`, by way of {found},"))
    }
}

/// `apk add`, if the words are such.
fn system(words: &[&str]) -> Option<String> {
    let program = file_name(words.first()?);
    let (name, subcommands) = SYSTEM.iter().find(|(name, _)| *name == program)?;
    if subcommands.is_empty() {
        return Some((*name).to_owned());
    }
    let (_, subcommand) = subcommand(words)?;
    subcommands.contains(&subcommand).then(|| format!("{name} {subcommand}"))
}

/// Whether an install is of packages that the command names or of a whole machine: those of a lockfile are not meant.
fn names_packages(words: &[&str]) -> bool {
    let Some((_, words)) = manager_of(words) else { return false };
    let Some((at, name)) = subcommand(words) else { return false };
    if matches!(name, "deploy" | "workspaces" | "fetch" | "ci" | "ic" | "clean-install" | "install-clean") {
        return false;
    }
    words.iter().any(|word| matches!(*word, "-g" | "--global" | "--location=global"))
        || subcommand(&words[at..]).is_some()
}

/// `npm ci`, if the words are an install.
fn install(words: &[&str]) -> Option<String> {
    let (manager, words) = manager_of(words)?;
    let installing = MANAGERS.iter().find(|(name, _)| *name == manager).map(|(_, subcommands)| subcommands)?;
    match subcommand(words) {
        // `yarn workspaces focus`
        Some((at, "workspaces")) if manager == "yarn" && words.get(at + 1) == Some(&"focus") => {
            Some("yarn workspaces focus".to_owned())
        }
        Some((_, subcommand)) => installing.contains(&subcommand).then(|| format!("{manager} {subcommand}")),
        // yarn alone installs.
        None => (manager == "yarn" && !words.contains(&"--version")).then(|| "yarn install".to_owned()),
    }
}

/// The package manager that is run, and the words from its name on: with `corepack` before it, too.
fn manager_of<'w, 's>(words: &'s [&'w str]) -> Option<(&'static str, &'s [&'w str])> {
    let words = if words.first() == Some(&"corepack") { &words[1..] } else { words };
    // `npm@10`, `/usr/bin/npm`.
    let program = file_name(words.first()?);
    let program = program.split('@').next().unwrap_or(program);
    let (manager, _) = MANAGERS.iter().find(|(name, _)| *name == program)?;
    Some((manager, words))
}

/// The first word behind the program that is no option, and its place.
fn subcommand<'w>(words: &[&'w str]) -> Option<(usize, &'w str)> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word {
            _ if VALUED.contains(word) => at += 2,
            _ if word.starts_with('-') => at += 1,
            word => return Some((at, word)),
        }
    }
    None
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetches(line: &str) -> Vec<Fetch> {
        let by_name = [
            ("build", "npm run pyodide:fetch && vite build"),
            ("pyodide:fetch", "node scripts/prepare-pyodide.js"),
            ("site", "vite build"),
            ("postsite", "curl -fO https://files.example/a"),
            ("lint", "eslint"),
        ];
        let by_name = by_name.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let fetching = ["scripts/prepare-pyodide.js".to_owned()];
        let scripts = Scripts { by_name: &by_name, fetching: &fetching };
        commands_of(line).iter().filter_map(|command| scripts.fetch_of(command)).collect()
    }

    #[test]
    fn installs_are_known_by_their_manager_and_subcommand() {
        for (line, install) in [
            ("npm ci", "npm ci"),
            ("npm --prefix web ci --force", "npm ci"),
            ("npm i", "npm i"),
            ("corepack pnpm install --frozen-lockfile", "pnpm install"),
            ("pnpm -C web fetch", "pnpm fetch"),
            ("yarn", "yarn install"),
            ("yarn --frozen-lockfile", "yarn install"),
            ("bun install", "bun install"),
            ("/usr/local/bin/npm ci", "npm ci"),
            ("yarn workspaces focus --all --production", "yarn workspaces focus"),
            ("pnpm --filter web deploy --prod dist", "pnpm deploy"),
            ("npm ci --omit dev --loglevel=error", "npm ci"),
            ("yarn install --network-timeout 100000", "yarn install"),
        ] {
            assert_eq!(fetches(line), [Fetch::Install(install.to_owned())], "{line}");
        }
        for line in [
            "npm init -y",
            "npm run lint",
            "yarn lint",
            "npx vite build",
            "yarn --version",
            "npm config set a b",
            "echo npm ci",
        ] {
            assert_eq!(fetches(line), [], "{line}");
        }
    }

    #[test]
    fn what_no_lockfile_names_is_of_the_system() {
        for (line, what) in [
            ("npm install -g pnpm@9", "npm install -g pnpm@9"),
            ("npm i express", "npm i express"),
            ("yarn global add serve", "yarn global add serve"),
            ("apk add --no-cache git", "apk add"),
            ("apt-get -y install git", "apt-get install"),
            ("pip install -r requirements.txt", "pip install"),
            ("git clone https://git.example/a", "git clone"),
        ] {
            assert_eq!(fetches(line), [Fetch::System(what.to_owned())], "{line}");
        }
        assert_eq!(fetches("git rev-parse HEAD; apk del git; corepack enable; cargo run"), []);
    }

    #[test]
    fn a_script_that_comes_to_a_fetch_is_named_with_its_way() {
        let other = |text: &str| vec![Fetch::Other(text.to_owned())];
        assert_eq!(fetches("wget -q https://files.example/a"), other("`wget`"));
        assert_eq!(fetches("node ./scripts/prepare-pyodide.js"), other("`scripts/prepare-pyodide.js`"));
        let fetch = "`npm run pyodide:fetch` (`node scripts/prepare-pyodide.js`)";
        for line in ["npm run build", "yarn build", "pnpm run --silent build", "bun run build"] {
            assert_eq!(fetches(line), other(&format!("`npm run build`, by way of {fetch},")), "{line}");
        }
        let hook = "`npm run site`, by way of `npm run postsite` (`curl -fO https://files.example/a`),";
        assert_eq!(fetches("npm run site"), other(hook));
    }
}
