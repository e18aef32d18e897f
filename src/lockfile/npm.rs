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
    document::{Document, Part, Stated},
    entry::{Form, RawEntry},
};
use super::{BadEntry, Entry, EntryProblem, LockfileError, Reading};

mod address;
mod classify;
mod diagnose;
mod document;
mod entry;
mod field;
mod key;
mod manifest;

pub(super) use manifest::{local_tarballs, manifests};

/// How much of a lockfile's text a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 120;

/// Reads `package-lock.json` or `npm-shrinkwrap.json`.
pub(super) fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    // npm passes over a byte-order mark, too.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| diagnose::no_text(lockfile, bytes, error.valid_up_to()))?;
    let document = Document::read(text).map_err(|error| diagnose::no_json(lockfile, text, &error))?;
    let document = document.ok_or_else(|| LockfileError::NotAnObject { lockfile: lockfile.to_owned() })?;
    let version = version(lockfile, &document)?;
    let (form, raw) = raw_entries(lockfile, version, document)?;
    Ok(Reading { lockfile: lockfile.into(), version, entries: entries(lockfile, form, raw)? })
}

fn version(lockfile: &str, document: &Document<'_>) -> Result<u8, LockfileError> {
    let lockfile = || lockfile.to_owned();
    if let Some(tool) = diagnose::other_tool(document) {
        return Err(LockfileError::OtherTool { lockfile: lockfile(), tool });
    }
    if let Some(key) = document.duplicate {
        return Err(LockfileError::DuplicateKey { lockfile: lockfile(), key });
    }
    match &document.version {
        Stated::Nothing => Err(LockfileError::NoVersion { lockfile: lockfile() }),
        Stated::Number(version @ 1..=3) => Ok(*version),
        Stated::Number(version) => {
            Err(LockfileError::UnknownVersion { lockfile: lockfile(), version: version.to_string() })
        }
        Stated::Other(version) => Err(LockfileError::UnknownVersion { lockfile: lockfile(), version: version.clone() }),
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
        (Part::Entries(entries), _) => Ok((Form::Flat, entries)),
        (Part::WrongType, _) => Err(wrong_type("packages")),
        (Part::Absent, Part::Entries(entries)) => Ok((Form::Nested, entries)),
        (Part::Absent, Part::WrongType) => Err(wrong_type("dependencies")),
        // npm 6 writes neither for a project without dependencies.
        (Part::Absent, Part::Absent) if version == 1 => Ok((Form::Nested, Vec::new())),
        (Part::Absent, Part::Absent) => Err(LockfileError::NoPackages { lockfile: lockfile.to_owned(), version }),
    }
}

fn entries(lockfile: &str, form: Form, mut raw: Vec<RawEntry<'_>>) -> Result<Vec<Entry>, LockfileError> {
    settle_duplicates(&mut raw);
    let classifier = Classifier::new(form, &raw);
    let mut entries = Vec::with_capacity(raw.len());
    let mut bad = Vec::new();
    for entry in &raw {
        match classifier.classify(entry) {
            Ok(kind) => entries.push(Entry { path: Arc::from(&*entry.path), kind }),
            Err(problem) => bad.push(BadEntry { path: shown(&entry.path), problem }),
        }
    }
    if bad.is_empty() {
        Ok(entries)
    } else {
        Err(LockfileError::BadEntries { lockfile: lockfile.to_owned(), entries: bad })
    }
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

/// The beginning of a text, for a message: a lockfile may hold texts of any length.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The same, with control characters escaped, where the message itself does not escape them.
fn printable(text: &str) -> String {
    shown(text).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
