//! The lockfiles of bun, in their text form, `bun.lock`: versions 0 to 2.
//!
//! ```text
//! workspaces   folder → what it asks for
//! packages     where it is installed, a/b for b below a → a list that begins with name@what:
//!   name@1.0.0            the registry's address, "" for the usual one; an object; the integrity
//!   name@https://…        an object; the integrity, if it was recorded
//!   name@github:o/r#…     an object; the name of the archive's folder; from version 2 on the archive's digest
//!   name@git+ssh://…#…    an object; the commit
//!   name@./a.tgz          an object; the integrity
//!   name@file:folder      an object
//!   name@workspace:folder
//! ```
//!
//! It is JSON with a comma after each last member.

use std::borrow::Cow;

use self::document::Document;
use super::{
    diagnose::{by_looks, shown, text_of},
    entry::{Entry, EntryKind, NoDownload, Reading},
    error::LockfileError,
    format::Format,
};
use crate::core::artifact::Conditions;

mod classify;
mod document;
mod graph;

/// Reads `bun.lock`.
pub(super) fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    let text = text_of(lockfile, bytes)?;
    let json = plain_json(text);
    let document = Document::read(&json).map_err(|error| no_json(lockfile, text, &error))?;
    let document = document.ok_or_else(|| LockfileError::NotAnObject {
        lockfile: lockfile.to_owned(),
        language: Format::Bun.language(),
    })?;
    check_version(lockfile, &document)?;
    let workspaces = document.workspaces.at_top(lockfile, "workspaces")?;
    let packages = document.packages.at_top(lockfile, "packages")?;
    let reachability = graph::reachability(workspaces, packages);
    let mut entries = Vec::new();
    for (folder, _) in workspaces.into_iter().flat_map(|workspaces| workspaces.iter()) {
        entries.push(Entry { path: shown(folder).into(), kind: EntryKind::NoDownload(NoDownload::Project) });
    }
    for (key, tuple) in packages.into_iter().flat_map(|packages| packages.iter()) {
        let (dev, optional) = (reachability.is_dev(key), reachability.is_optional(key));
        let conditions = Conditions { dev, optional, ..Conditions::default() };
        entries.push(match classify::classify(tuple, conditions) {
            Ok(kind) => Entry { path: key.as_ref().into(), kind },
            Err(problem) => Entry::not_understood(key, key, problem),
        });
    }
    Ok(Reading { lockfile: lockfile.into(), entries, missing: Vec::new() })
}

fn check_version(lockfile: &str, document: &Document<'_>) -> Result<(), LockfileError> {
    let lockfile = || lockfile.to_owned();
    match document.version.as_deref() {
        Some("0" | "1" | "2") => Ok(()),
        None => Err(LockfileError::NoVersion { lockfile: lockfile(), format: Format::Bun }),
        Some(version) => {
            let version = shown(version);
            Err(LockfileError::UnknownVersion { lockfile: lockfile(), version, format: Format::Bun })
        }
    }
}

fn no_json(lockfile: &str, text: &str, error: &serde_json::Error) -> LockfileError {
    let looks = by_looks(lockfile, text);
    let lockfile = lockfile.to_owned();
    looks.unwrap_or_else(|| {
        if error.is_eof() {
            LockfileError::Truncated { lockfile, line: error.line() }
        } else {
            LockfileError::BadSyntax { lockfile, language: Format::Bun.language(), problem: error.to_string() }
        }
    })
}

/// The text with a space in place of each comma that nothing follows, so that lines and columns stay what they are.
fn plain_json(text: &str) -> Cow<'_, str> {
    let mut plain: Option<Vec<u8>> = None;
    let (mut in_string, mut is_escaped) = (false, false);
    let mut comma = None;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            _ if in_string => {
                in_string = is_escaped || byte != b'"';
                is_escaped = !is_escaped && byte == b'\\';
            }
            b',' => comma = Some(position),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    plain.get_or_insert_with(|| text.as_bytes().to_vec())[comma] = b' ';
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                comma = None;
                in_string = byte == b'"';
            }
        }
    }
    plain.map_or(Cow::Borrowed(text), |bytes| {
        Cow::Owned(String::from_utf8(bytes).expect("a byte of ASCII took another's place"))
    })
}

#[cfg(test)]
mod tests;
