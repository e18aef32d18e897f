//! A lint of a folder for Pyodide, whoever made it: compares everything that its lock says with the files. Pure; it finds all problems at once.
//!
//! Pyodide itself reports few of them. Node compares no digest, a browser says "Failed to fetch", and `loadPackage` resolves in both cases. If one entry lacks a field,
//! the loader stops for all packages; a cycle makes it wait forever.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::{
    entry::Entry,
    lookups::{Lookups, read_lock},
};
use super::{
    cycles::{self, Graph},
    runtime_files,
};
use crate::python::name::ProjectName;

mod contents;
mod entry;
mod lookups;
mod problem;
#[cfg(test)]
mod tests;

pub use contents::FolderContents;
pub use problem::{Problem, ProblemKind};

/// The names that the lock has, the newer first.
pub const LOCKS: [&str; 2] = ["pyodide-lock.json", "repodata.json"];

/// What is wrong, in a fixed order: the runtime, the lock, its packages by name, cycles, files.
pub fn lint(contents: &FolderContents) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        missing_files(contents).map(|files| Problem::of_folder(ProblemKind::NoRuntimeFile { files })).collect();
    match read_lock(contents) {
        Ok(lock) => lint_lock(&Lookups::new(contents, &lock), &mut problems),
        Err(kind) => problems.push(Problem::of_folder(kind)),
    }
    problems
}

/// `package.json` is for node alone, which can be given the entry point's path.
fn missing_files(contents: &FolderContents) -> impl Iterator<Item = String> {
    runtime_files::missing(|file| file == runtime_files::PACKAGE_JSON || contents.files.contains_key(file))
}

/// Checks the lock, its packages and what it leaves unnamed.
fn lint_lock(folder: &Lookups<'_>, problems: &mut Vec<Problem>) {
    problems.extend(info(folder).map(Problem::of_folder));
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    let mut graph = Graph::new();
    for (key, value) in &folder.lock.packages {
        let kinds = match value.as_object() {
            Some(fields) => {
                let entry = Entry { folder, key, fields };
                let mut kinds = entry.problems();
                if let Some(file) = entry.file_name()
                    && let Some(other) = files.insert(file, key)
                {
                    kinds.push(ProblemKind::SameFile { other: other.to_owned(), file: file.to_owned() });
                }
                graph.extend(ProjectName::parse(key).ok().map(|name| (name, entry.needs())));
                kinds
            }
            None => vec![ProblemKind::NoObject],
        };
        problems.extend(kinds.into_iter().map(|kind| Problem { package: Some(key.clone()), kind }));
    }
    for edge in cycles::back_edges(&graph, &[]) {
        let cycle: Vec<&str> = edge.cycle.iter().chain([&edge.to]).map(ProjectName::as_str).collect();
        let kind = ProblemKind::Cycle { cycle: cycle.join(" → ") };
        problems.push(Problem { package: Some(edge.from.to_string()), kind });
    }
    problems.extend(orphans(folder, &files).map(Problem::of_folder));
}

/// Since 0.28 the loader compares the ABI, before that the version.
fn info(folder: &Lookups<'_>) -> Option<ProblemKind> {
    let (field, expected) = match (folder.contents.stated("API.abiVersion"), folder.contents.stated("API.version")) {
        (Some(abi), _) => ("abi_version", abi),
        (None, Some(version)) => ("version", version),
        (None, None) => return None,
    };
    let found = folder.lock.info.get(field).and_then(Value::as_str);
    (found != Some(expected)).then(|| ProblemKind::OtherRuntime {
        field,
        found: found.unwrap_or("nothing").to_owned(),
        expected: expected.to_owned(),
    })
}

fn orphans(folder: &Lookups<'_>, named: &BTreeMap<&str, &str>) -> impl Iterator<Item = ProblemKind> {
    let is_named = |path: &str| named.contains_key(path) || LOCKS.contains(&path) || runtime_files::is_of_runtime(path);
    let orphans: BTreeSet<&str> =
        folder.contents.files.keys().map(String::as_str).filter(|path| !is_named(path)).collect();
    orphans.into_iter().map(|path| ProblemKind::Orphan { path: path.to_owned() })
}
