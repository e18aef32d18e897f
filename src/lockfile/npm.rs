//! The lockfiles of npm: versions 1 (nested `dependencies`), 2 (both forms) and 3 (`packages` by install path).
//!
//! ```text
//! text ──document──▶ raw entries, borrowed ──classify──▶ entries
//!   └────diagnose──▶ why it is no lockfile
//! ```
//!
//! The text is walked once and no tree of it is built: memory is a small multiple of the file's size, whatever the file says.

use std::{collections::HashMap, sync::Arc};

use self::{
    classify::Classifier,
    document::Document,
    entry::{Form, RawEntry},
    path::split_package,
};
use super::{
    diagnose::{shown, text_of},
    entry::{Entry, Reading},
    error::{EntryProblem, LockfileError},
    format::Format,
    lenient::Shaped,
    version::StatedVersion,
};

mod classify;
mod diagnose;
mod document;
mod entries;
mod entry;
mod manifest;
mod optional;
mod path;

pub use manifest::LocalTarball;
pub(super) use manifest::{local_tarballs, manifests};

/// Reads `package-lock.json` or `npm-shrinkwrap.json`.
pub(super) fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    let text = text_of(lockfile, bytes)?;
    let document = Document::read(text).map_err(|error| diagnose::no_json(lockfile, text, &error))?;
    let document = document.ok_or_else(|| LockfileError::NotAnObject {
        lockfile: lockfile.to_owned(),
        language: Format::Npm.language(),
    })?;
    let version = version(lockfile, &document)?;
    let (form, raw) = raw_entries(lockfile, version, document)?;
    let missing = optional::missing(&raw);
    Ok(Reading { lockfile: lockfile.into(), entries: entries(form, raw), missing })
}

fn version(lockfile: &str, document: &Document<'_>) -> Result<u8, LockfileError> {
    let lockfile = || lockfile.to_owned();
    if let Some(tool) = diagnose::other_tool(document) {
        return Err(LockfileError::OtherTool { lockfile: lockfile(), format: Format::Npm, tool });
    }
    if let Some(key) = document.duplicate {
        return Err(LockfileError::DuplicateKey { lockfile: lockfile(), key });
    }
    let version = match &document.version {
        StatedVersion::Absent => {
            return Err(LockfileError::NoVersion { lockfile: lockfile(), format: Format::Npm });
        }
        StatedVersion::Number(version) => version.clone(),
        StatedVersion::Text(version) => format!("{:?}", shown(version)),
        StatedVersion::Null | StatedVersion::WrongType => StatedVersion::WRONG_TYPE.to_owned(),
    };
    match version.parse() {
        Ok(version @ 1..=3) => Ok(version),
        _ => Err(LockfileError::UnknownVersion { lockfile: lockfile(), version, format: Format::Npm }),
    }
}

/// npm uses `packages` where it is there, whatever the version says, and else `dependencies`.
fn raw_entries<'a>(
    lockfile: &str,
    version: u8,
    document: Document<'a>,
) -> Result<(Form, Vec<RawEntry<'a>>), LockfileError> {
    let wrong_type = |key| LockfileError::WrongType { lockfile: lockfile.to_owned(), key };
    match (document.packages, document.dependencies) {
        (Shaped::Object(entries), _) => Ok((Form::Flat, entries)),
        (Shaped::WrongType, _) => Err(wrong_type("packages")),
        (Shaped::Absent, Shaped::Object(entries)) => Ok((Form::Nested, entries)),
        (Shaped::Absent, Shaped::WrongType) => Err(wrong_type("dependencies")),
        // npm 6 writes neither for a project without dependencies.
        (Shaped::Absent, Shaped::Absent) if version == 1 => Ok((Form::Nested, Vec::new())),
        (Shaped::Absent, Shaped::Absent) => Err(LockfileError::NoPackages { lockfile: lockfile.to_owned(), version }),
    }
}

fn entries(form: Form, mut raw: Vec<RawEntry<'_>>) -> Vec<Entry> {
    settle_duplicates(&mut raw);
    let classifier = Classifier::new(form, &raw);
    let understood = |entry: &RawEntry<'_>| match classifier.classify(entry) {
        Ok(kind) => Entry { path: Arc::from(&*entry.path), kind },
        Err(problem) => {
            let name = split_package(&entry.path).map_or(&*entry.path, |(_, name)| name);
            Entry::not_understood(&entry.path, name, problem)
        }
    };
    raw.iter().map(understood).collect()
}

/// An entry that stands twice counts once if both are the same; else the later one is at fault. JSON leaves open which of the two holds.
fn settle_duplicates(raw: &mut Vec<RawEntry<'_>>) {
    let mut first_of = HashMap::with_capacity(raw.len());
    let mut repeated = Vec::new();
    for (position, entry) in raw.iter().enumerate() {
        let first = *first_of.entry(&*entry.path).or_insert(position);
        if first != position {
            repeated.push((first, position));
        }
    }
    drop(first_of);
    for (first, position) in repeated.into_iter().rev() {
        if raw[first] == raw[position] && !raw[first].has_children {
            raw.remove(position);
        } else {
            raw[position].fail(EntryProblem::Duplicate { field: None });
        }
    }
}

#[cfg(test)]
mod tests;
