//! Checks a folder that Pyodide is to load from, whoever made it: everything that its lock says, against what is there. Pure; all that is wrong is found at
//! once.
//!
//! Pyodide itself finds little of it. Node compares no digest, a browser says "Failed to fetch", and `loadPackage` resolves in both cases; a field that one entry
//! lacks stops the loader for all; a cycle makes it wait forever.

use std::collections::{BTreeMap, BTreeSet};

use larder_store::digest::Digest;
use serde_json::{Map, Value};

use self::entry::Entry;
use super::{
    core::{self, MissingCore},
    cycles::{self, Graph},
};
use crate::{
    core::runtime_version::RuntimeVersion,
    python::{name::ProjectName, runtime::Runtime, tags::Tags},
};

mod entry;
mod problem;
#[cfg(test)]
mod tests;

pub use problem::{Problem, ProblemKind};

/// The names that the lock has, the newer first.
pub const LOCKS: [&str; 2] = ["pyodide-lock.json", "repodata.json"];

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The digest of each file, by its path.
    pub files: BTreeMap<String, Digest>,
    /// The bytes of the lock, if there is one: its name and what it holds.
    pub lock: Option<(&'static str, Vec<u8>)>,
    /// The text of `pyodide.asm.js` or `.mjs`, as far as it is text.
    pub glue: Option<String>,
    /// What is wrong with wheels, by path.
    pub bad_wheels: BTreeMap<String, String>,
}

/// What is wrong, in a fixed order: the runtime, the lock, its packages by name, cycles, files.
pub fn check(contents: &Contents) -> Vec<Problem> {
    let mut problems: Vec<Problem> = missing_core(contents)
        .map(|MissingCore { files }| Problem::of_folder(ProblemKind::NoCoreFile { files }))
        .collect();
    match read_lock(contents) {
        Ok(lock) => Checker::new(contents, &lock).run(&mut problems),
        Err(kind) => problems.push(Problem::of_folder(kind)),
    }
    problems
}

/// `package.json` is for node alone, which can be given the entry point's path.
fn missing_core(contents: &Contents) -> impl Iterator<Item = MissingCore> {
    core::missing(|file| file == core::PACKAGE_JSON || contents.files.contains_key(file))
}

/// The lock's parts.
struct Lock {
    info: Map<String, Value>,
    packages: Map<String, Value>,
}

fn read_lock(contents: &Contents) -> Result<Lock, ProblemKind> {
    let (_, bytes) = contents.lock.as_ref().ok_or(ProblemKind::NoLock)?;
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| ProblemKind::LockNotJson { why: error.to_string() })?;
    let part = |field: &'static str| match document.get(field) {
        Some(Value::Object(part)) => Ok(part.clone()),
        _ => Err(ProblemKind::LockWithout { field }),
    };
    Ok(Lock { info: part("info")?, packages: part("packages")? })
}

struct Checker<'a> {
    contents: &'a Contents,
    lock: &'a Lock,
    /// Keys by normalised name, in the lock's spelling.
    names: BTreeMap<ProjectName, &'a str>,
    /// Whether the loader finds a key by the normalised form of a name.
    normalizes: bool,
    tags: Option<Tags>,
}

impl<'a> Checker<'a> {
    fn new(contents: &'a Contents, lock: &'a Lock) -> Self {
        let names = lock.packages.keys().filter_map(|key| Some((ProjectName::parse(key).ok()?, key.as_str())));
        let stated = lock.info.get("version").and_then(Value::as_str).unwrap_or_default();
        let old = ["0.21.", "0.22.", "0.23.", "0.24."];
        let text = |field| lock.info.get(field).and_then(Value::as_str);
        let version = RuntimeVersion::parse(contents.stated("API.version").unwrap_or("0.0.0")).ok();
        let runtime = version.zip(text("python")).zip(text("platform")).and_then(|((version, python), platform)| {
            Runtime::new(version, python, platform, text("abi_version")).ok()
        });
        Self {
            contents,
            lock,
            names: names.collect(),
            normalizes: !old.iter().any(|old| stated.starts_with(old)),
            tags: runtime.map(|runtime| runtime.tags()),
        }
    }

    fn run(&self, problems: &mut Vec<Problem>) {
        problems.extend(self.info().map(Problem::of_folder));
        let mut files: BTreeMap<&str, &str> = BTreeMap::new();
        let mut graph = Graph::new();
        for (key, value) in &self.lock.packages {
            let kinds = match value.as_object() {
                Some(fields) => {
                    let entry = Entry { checker: self, key, fields };
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
        problems.extend(self.orphans(&files).map(Problem::of_folder));
    }

    /// Since 0.28 the loader compares the ABI, before that the version.
    fn info(&self) -> Option<ProblemKind> {
        let (field, expected) = match (self.contents.stated("API.abiVersion"), self.contents.stated("API.version")) {
            (Some(abi), _) => ("abi_version", abi),
            (None, Some(version)) => ("version", version),
            (None, None) => return None,
        };
        let found = self.lock.info.get(field).and_then(Value::as_str);
        (found != Some(expected)).then(|| ProblemKind::OtherRuntime {
            field,
            found: found.unwrap_or("nothing").to_owned(),
            expected: expected.to_owned(),
        })
    }

    fn orphans(&self, named: &BTreeMap<&str, &str>) -> impl Iterator<Item = ProblemKind> {
        let is_named = |path: &str| named.contains_key(path) || LOCKS.contains(&path) || core::is_of_runtime(path);
        let orphans: BTreeSet<&str> =
            self.contents.files.keys().map(String::as_str).filter(|path| !is_named(path)).collect();
        orphans.into_iter().map(|path| ProblemKind::Orphan { path: path.to_owned() })
    }
}

impl Contents {
    /// What the runtime's own code says: `API.version="0.28.3";API.abiVersion="2025_0"`.
    fn stated(&self, what: &str) -> Option<&str> {
        let glue = self.glue.as_deref()?;
        let after = glue.split_once(&format!("{what}=\""))?.1;
        after.split('"').next()
    }
}
