//! The repository that the pages speak of, and what of their links, commands, options, paths and names is not so.
//!
//! Each check gives a line for whatever is wrong, so that it can be tried on a page that somebody made up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use clap::CommandFactory as _;
use larder::cli::Cli;

use super::{
    command_line::{arguments, refused},
    page::{Page, spans_of},
};

/// Folders that are no part of the repository.
const MADE: [&str; 4] = ["target", "node_modules", ".git", "dist"];

/// Where a path in a page may begin.
const STARTS: [&str; 5] = ["", "src/", "tests/", "store/src/", "examples/webui/"];

/// Options of npm, Docker, unshare and other programs that pages speak of.
const OF_OTHERS: [&str; 7] = ["--build-context", "--force", "--from", "--mount", "--network", "--no-cache", "--prune"];

/// Its pages and its files.
pub(crate) struct Repository {
    pub(crate) pages: Vec<Page>,
    /// Paths of files, and those of folders with a slash at the end.
    pub(crate) files: BTreeSet<String>,
    /// The labels of the parts in `tests/run`.
    pub(crate) parts: BTreeSet<String>,
    /// Rust's and the shell's, for the names of tests.
    pub(crate) sources: String,
}

impl Repository {
    /// The one that this test stands in.
    pub(crate) fn read(root: &Path) -> Self {
        let mut files = BTreeSet::new();
        walk(root, "", &mut files);
        let read = |path: &String| fs::read_to_string(root.join(path)).unwrap();
        let ends = |ending: &str| files.iter().filter(|path| path.ends_with(ending)).cloned().collect::<Vec<_>>();
        let pages = ends(".md").iter().map(|path| Page::new(path, &read(path))).collect();
        let parts = parts_of(&read(&"tests/run".to_owned()));
        let sources = ends(".rs").iter().map(read).collect();
        Self { pages, files, parts, sources }
    }

    pub(crate) fn page(&self, path: &str) -> &Page {
        self.pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("no page {path}"))
    }

    /// Links that lead to no file, to no heading, or out of the repository.
    pub(crate) fn broken_links(&self) -> Vec<String> {
        let anchors: BTreeMap<&str, Vec<String>> =
            self.pages.iter().map(|page| (page.path.as_str(), page.anchors())).collect();
        let is_broken = |page: &Page, link: &str| {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() { page.path.clone() } else { resolved(&page.path, path) };
            let is_there = self.files.contains(&path) || self.files.contains(&format!("{path}/"));
            !is_there
                || anchor
                    .is_some_and(|anchor| !anchors.get(&*path).is_some_and(|all| all.iter().any(|one| one == anchor)))
        };
        let links = self.pages.iter().flat_map(|page| page.links().into_iter().map(move |link| (page, link)));
        let broken = links.filter(|(page, (_, link))| is_broken(page, link));
        broken.map(|(page, (line, link))| format!("{}: {link} leads nowhere", page.place(line))).collect()
    }

    /// Command lines that larder does not take.
    pub(crate) fn refused_commands(&self) -> Vec<String> {
        let mut found = Vec::new();
        for page in &self.pages {
            let in_blocks = page.blocks().into_iter().flatten().map(|placed| (placed, false));
            let in_sentences = page.spans().map(|placed| (placed, true));
            for ((line, text), in_a_sentence) in in_blocks.chain(in_sentences) {
                if let Some(why) = arguments(text).and_then(|arguments| refused(&arguments, in_a_sentence)) {
                    found.push(format!("{}: `{}`: {why}", page.place(line), text.trim()));
                }
            }
        }
        found
    }

    /// Options in code font that no command of larder has. (Fixtures are made by other programs.)
    pub(crate) fn unknown_options(&self) -> Vec<String> {
        let known = options(&Cli::command());
        let mut found = Vec::new();
        for page in self.pages.iter().filter(|page| !page.path.starts_with("tests/")) {
            for (line, span) in page.spans().filter(|(_, span)| span.starts_with("--")) {
                for word in span.split([' ', '=']).filter(|word| word.starts_with("--") && word.len() > 2) {
                    if !known.contains(word) && !OF_OTHERS.contains(&word) {
                        found.push(format!("{}: {word} is no option of larder", page.place(line)));
                    }
                }
            }
        }
        found
    }

    /// Paths in code font that lead nowhere: those that begin with a folder of the repository, or end as its sources do.
    pub(crate) fn missing_paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        for page in &self.pages {
            let commands = page.blocks().into_iter().flatten();
            for (line, text) in commands.chain(page.spans()) {
                let first = text.trim_start_matches("$ ").split(' ').next().unwrap_or_default();
                if self.looks_like_a_path(first) && self.path_of(&page.path, first).is_none() {
                    found.push(format!("{}: there is no {first}", page.place(line)));
                }
            }
        }
        found
    }

    fn looks_like_a_path(&self, word: &str) -> bool {
        let is_plain = word.chars().all(|sign| sign.is_ascii_alphanumeric() || "/._-*+".contains(sign));
        let is_source = match word.rsplit_once('.') {
            Some((_, "rs" | "sh" | "md" | "snippet")) => true,
            // A package may have one at its top.
            Some((_, "mjs")) => word.contains('/'),
            _ => false,
        };
        let begins_here = word.split_once('/').is_some_and(|(first, _)| self.files.contains(&format!("{first}/")));
        is_plain && (begins_here || is_source)
    }

    /// What a path in a page is in the repository: from its root, from one of the sources' folders, or from the page's own. A `*` stands for any name, and a
    /// name by itself for a file that is called so.
    fn path_of(&self, page: &str, word: &str) -> Option<String> {
        let own = resolved(page, "");
        if !word.contains('/') {
            return self.files.iter().find(|path| path.rsplit('/').next() == Some(word)).cloned();
        }
        let starts = STARTS.iter().copied().chain([own.as_str()]);
        let mut full = starts.map(|start| resolved("", &format!("{start}{word}")));
        full.find_map(|path| match path.split_once('*') {
            None => {
                let folder = format!("{}/", path.trim_end_matches('/'));
                [path, folder].into_iter().find(|path| self.files.contains(path))
            }
            Some((before, after)) => {
                let (after, before) = (after.rsplit('*').next().unwrap_or(after), before.to_owned());
                self.files.iter().find(|file| file.starts_with(&before) && file.ends_with(after)).cloned()
            }
        })
    }

    /// Parts of `tests/run` that it does not have, and names of scripts that none has.
    pub(crate) fn unknown_parts(&self) -> Vec<String> {
        let mut found = Vec::new();
        for page in &self.pages {
            for (line, text) in page.blocks().into_iter().flatten().chain(page.spans()) {
                let Some(rest) = text.strip_prefix("tests/run ").filter(|rest| !rest.starts_with(' ')) else {
                    continue;
                };
                let words: Vec<_> = rest.split("  ").next().unwrap_or_default().split(' ').collect();
                let is_script = |name: &str| {
                    let folder = format!("tests/{}/", words[0]);
                    self.files.iter().any(|path| path.strip_prefix(&folder).is_some_and(|path| path.contains(name)))
                };
                let is_name = |name: &&&str| name.starts_with(|sign: char| sign.is_ascii_lowercase());
                if !self.parts.contains(words[0]) || !words[1..].iter().filter(is_name).all(|name| is_script(name)) {
                    found.push(format!("{}: tests/run has no {}", page.place(line), words.join(" ")));
                }
            }
        }
        found
    }

    /// Names of tests that no test has: in the last column of the tables of a page.
    pub(crate) fn missing_tests(&self, page: &str) -> Vec<String> {
        let rows = self.page(page).rows();
        let names = rows.iter().filter_map(|row| row.last()).flat_map(|cell| spans_of(cell));
        let is_there = |name: &str| self.files.contains(name) || self.sources.contains(&format!("fn {name}("));
        names.filter(|name| !is_there(name)).map(|name| format!("{page}: there is no test {name}")).collect()
    }
}

/// The long options of a command and of those below it.
fn options(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(clap::Arg::get_long).map(|long| format!("--{long}"));
    let built_in = ["--help".to_owned(), "--version".to_owned()];
    own.chain(built_in).chain(command.get_subcommands().flat_map(options)).collect()
}

/// The labels of the script's `case`.
fn parts_of(script: &str) -> BTreeSet<String> {
    let labels = script.lines().filter_map(|line| line.split_once(')')).map(|(label, _)| label);
    let words = labels.flat_map(|label| label.split('|')).map(|word| word.trim().trim_matches('"').to_owned());
    words.filter(|word| !word.is_empty() && word.chars().all(|sign| sign.is_ascii_lowercase())).collect()
}

/// A relative path as it is from the root, without `.` and `..`.
fn resolved(page: &str, path: &str) -> String {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.trim_end_matches('/').split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let slash = if path.ends_with('/') || (path.is_empty() && !parts.is_empty()) { "/" } else { "" };
    format!("{}{slash}", parts.join("/"))
}

fn walk(root: &Path, below: &str, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(root.join(below)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if MADE.contains(&&*name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(root, &path, files);
            files.insert(format!("{path}/"));
        } else {
            files.insert(path);
        }
    }
}
