//! The lockfiles of pnpm: versions 5 to 9.
//!
//! ```text
//! 5.x   packages: /name/1.0.0_peers          no importers where there is one project; dev and optional on each package
//! 6.x   packages: /name@1.0.0(peers)         the same
//! 9.x   packages: name@1.0.0                 what there is to download
//!       snapshots: name@1.0.0(peers)         how it is installed; optional stands here, dev follows from the importers
//! ```
//!
//! Since version 11 pnpm may put a document before the lockfile proper, for what it needs to start: itself, and configuration packages. Both have entries. Patches
//! (`patchedDependencies`) are files of the project, and change nothing about what is downloaded.

use serde_saphyr::{Budget, Options, options};

use self::{
    document::{Document, Package},
    key::Form,
};
use super::{
    diagnose::{by_looks, printable, shown, text_of},
    entry::{Entry, EntryKind, NoDownload, Reading},
    error::{EntryProblem, LockfileError},
    format::Format,
    lenient::Shaped,
    reachability::Reachability,
};

mod classify;
mod document;
mod graph;
mod key;

/// Values that are read: 20,000 packages have 0.6 million. The file's length has a bound of its own.
const MOST_VALUES: usize = 50_000_000;

/// How deep values may nest; pnpm's nest five deep.
const MOST_LEVELS: usize = 32;

/// Reads `pnpm-lock.yaml`.
pub(super) fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    let text = text_of(lockfile, bytes)?;
    let looks = || by_looks(lockfile, text);
    let documents = documents(text).map_err(|problem| {
        let (lockfile, language) = (lockfile.to_owned(), Format::Pnpm.language());
        looks().unwrap_or(LockfileError::BadSyntax { lockfile, language, problem })
    })?;
    let documents: Vec<&Document<'_>> = documents
        .iter()
        .map(|document| match document {
            Shaped::Object(document) => Ok(document),
            Shaped::Absent => Err(LockfileError::Empty { lockfile: lockfile.to_owned() }),
            Shaped::WrongType => Err(looks().unwrap_or_else(|| LockfileError::NotAnObject {
                lockfile: lockfile.to_owned(),
                language: Format::Pnpm.language(),
            })),
        })
        .collect::<Result<_, _>>()?;
    let Some((proper, before)) = documents.split_last() else {
        return Err(LockfileError::Empty { lockfile: lockfile.to_owned() });
    };
    if proper.version.as_deref().is_none()
        && let Some(error) = looks()
    {
        return Err(error);
    }
    let mut entries = Vec::new();
    for document in before {
        add_packages(lockfile, document, &mut entries)?;
    }
    entries.extend(projects(lockfile, proper)?);
    add_packages(lockfile, proper, &mut entries)?;
    Ok(Reading { lockfile: lockfile.into(), entries, missing: Vec::new() })
}

/// The documents of a text, or, in words, why it is no YAML.
fn documents(text: &str) -> Result<Vec<Shaped<Document<'_>>>, String> {
    let mut budget = Budget::default();
    budget.max_nodes = MOST_VALUES;
    budget.max_events = 2 * MOST_VALUES;
    budget.max_total_scalar_bytes = text.len();
    budget.max_depth = MOST_LEVELS;
    // pnpm writes neither.
    (budget.max_anchors, budget.max_aliases) = (0, 0);
    // pnpm 12 reads keys of any length without a mark before them.
    budget.simple_key_max_lookahead = text.len();
    let options = options! { budget: Some(budget), with_snippet: false };
    let options: Options = options;
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| printable(&error.to_string()))
}

fn form(lockfile: &str, document: &Document<'_>) -> Result<Form, LockfileError> {
    let lockfile = || lockfile.to_owned();
    let Some(version) = document.version.as_deref() else {
        return Err(LockfileError::NoVersion { lockfile: lockfile(), format: Format::Pnpm });
    };
    match version.split('.').next() {
        Some("5") => Ok(Form::Slashes),
        Some("6") => Ok(Form::SlashAndAt),
        // 7 and 8 were never released; pnpm's reader takes them for the next form.
        Some("7" | "8" | "9") => Ok(Form::At),
        _ => {
            let version = shown(version);
            Err(LockfileError::UnknownVersion { lockfile: lockfile(), version, format: Format::Pnpm })
        }
    }
}

/// The project, or the projects of a workspace. Without `importers`, there is one.
fn projects(lockfile: &str, document: &Document<'_>) -> Result<Vec<Entry>, LockfileError> {
    let project = |path: &str| Entry { path: path.into(), kind: EntryKind::NoDownload(NoDownload::Project) };
    Ok(match document.importers.at_top(lockfile, "importers")? {
        Some(importers) => importers.iter().map(|(path, _)| project(&shown(path))).collect(),
        None => vec![project(".")],
    })
}

fn add_packages(lockfile: &str, document: &Document<'_>, entries: &mut Vec<Entry>) -> Result<(), LockfileError> {
    let form = form(lockfile, document)?;
    let Some(packages) = document.packages.at_top(lockfile, "packages")? else { return Ok(()) };
    let snapshots = document.snapshots.at_top(lockfile, "snapshots")?;
    let importers = document.importers.at_top(lockfile, "importers")?;
    let reachability = (form == Form::At).then(|| graph::reachability(importers, snapshots));
    entries.reserve(packages.iter().len());
    for (key, package) in packages.iter() {
        let kind = match package {
            Shaped::Object(package) => kind(form, key, package, reachability.as_ref()),
            Shaped::Absent | Shaped::WrongType => Err(EntryProblem::NotAnObject),
        };
        entries.push(match kind {
            Ok(kind) => Entry { path: key.as_ref().into(), kind },
            Err(problem) => {
                let name = key::parse(form, key).map_or(key.as_ref(), |named| named.name);
                Entry::not_understood(key, name, problem)
            }
        });
    }
    Ok(())
}

fn kind(
    form: Form,
    key: &str,
    package: &Package<'_>,
    reachability: Option<&Reachability<'_>>,
) -> Result<EntryKind, EntryProblem> {
    let conditions = classify::conditions(package, key, reachability)?;
    classify::classify(form, key, package, conditions)
}

#[cfg(test)]
mod tests;
