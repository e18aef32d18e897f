//! The lockfiles of yarn: version 1 of yarn 1, and versions 4 to 10 of yarn 2 and later, which use the same file name.
//!
//! ```text
//! text ──syntax──▶ statements ──entry──▶ entries, borrowed ──┬─classic─▶ what each entry is
//!                                                            └─berry───▶
//!
//! syntax.rs      text → statements, nested by indentation
//! entry.rs       one entry: its keys, and the statements below them
//! classic.rs     version 1: address and sha1
//! berry.rs       versions 4 to 10: resolution → address
//! reference.rs   ranges and references: a plugin's protocol, or an address
//! optional.rs    version 1: which entries are optional, from `package.json`
//! ```

use std::{collections::HashSet, sync::Arc};

use self::{
    berry::Needed,
    entry::{RawEntry, Seen, entries, split_descriptor},
    syntax::{Statement, SyntaxError, statements},
};
use super::{
    diagnose::{by_looks, shown, text_of},
    entry::{Entry, EntryKind, Reading},
    error::{EntryProblem, LockfileError},
    format::Format,
};

mod berry;
mod classic;
mod entry;
mod optional;
mod reference;
mod syntax;

/// The entry that is none: it holds the version, and since yarn 4 the level of compression.
const METADATA: &str = "__metadata";

/// The versions that yarn 2 and later have written: 4 to 6 by yarn 2 and 3, 8 by yarn 4, 10 by its later releases.
const BERRY_VERSIONS: std::ops::RangeInclusive<u32> = 4..=10;

/// Which yarns a lockfile is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YarnLock {
    /// yarn 1.
    Classic,
    /// yarn 2 and later, which tell their lockfiles apart by this version.
    Berry {
        /// The version.
        version: u32,
    },
}

impl YarnLock {
    /// Which yarns a file of this name is for; `None` if it is no `yarn.lock`, or one that cannot be read.
    pub fn of(lockfile: &str, bytes: &[u8]) -> Option<Self> {
        if Format::of(lockfile) != Format::Yarn {
            return None;
        }
        let text = text_of(lockfile, bytes).ok()?;
        // Nobody can tell whose an empty one is.
        if text.trim().is_empty() {
            return None;
        }
        let statements = statements(text).ok()?;
        kind(lockfile, &statements).ok()
    }
}

/// Whether the entry of this path is a registry's package, wherever its tarball is. A lockfile of later versions says so before every range; that of yarn 1
/// before an alias.
pub(super) fn is_of_registry(path: &str) -> bool {
    split_descriptor(path.split(", ").next().unwrap_or(path)).1.starts_with("npm:")
}

/// Reads a `yarn.lock`.
pub(super) fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    let text = text_of(lockfile, bytes)?;
    // Every yarn takes it for a project without packages; later ones ask for it, so that they know where a project begins.
    if text.trim().is_empty() {
        return Ok(Reading { lockfile: lockfile.into(), entries: Vec::new(), missing: Vec::new() });
    }
    let wrong = |SyntaxError { line, problem }: SyntaxError| {
        by_looks(lockfile, text).unwrap_or_else(|| LockfileError::BadSyntax {
            lockfile: lockfile.to_owned(),
            language: Format::Yarn.language(),
            problem: format!("line {line}: {problem}"),
        })
    };
    let statements = statements(text).map_err(wrong)?;
    if let Some(line) = entries(&statements).find_map(RawEntry::line_of_value) {
        return Err(wrong(SyntaxError { line, problem: "it is no entry, but a value" }));
    }
    let kind = kind(lockfile, &statements)?;
    Ok(Reading { lockfile: lockfile.into(), entries: classified(kind, &statements), missing: Vec::new() })
}

/// See [`super::optional_of_yarn_1`]. Of what is no lockfile of yarn 1, nothing.
pub(super) fn optional_of_yarn_1(lockfile: &str, bytes: &[u8], package_json: &[u8]) -> HashSet<String> {
    let statements = text_of(lockfile, bytes).ok().and_then(|text| statements(text).ok());
    match statements {
        Some(statements) if kind(lockfile, &statements) == Ok(YarnLock::Classic) => {
            optional::optional(&statements, package_json)
        }
        _ => HashSet::new(),
    }
}

fn kind(lockfile: &str, statements: &[Statement<'_>]) -> Result<YarnLock, LockfileError> {
    let lockfile = || lockfile.to_owned();
    let Some(metadata) = entries(statements).find(|entry| entry.path() == METADATA) else {
        return Ok(YarnLock::Classic);
    };
    let stated = metadata.text("version").ok().flatten();
    let stated = stated.ok_or_else(|| LockfileError::NoVersion { lockfile: lockfile(), format: Format::Yarn })?;
    match stated.parse() {
        Ok(version) if BERRY_VERSIONS.contains(&version) => Ok(YarnLock::Berry { version }),
        _ => Err(LockfileError::UnknownVersion { lockfile: lockfile(), format: Format::Yarn, version: shown(stated) }),
    }
}

fn classified(kind: YarnLock, statements: &[Statement<'_>]) -> Vec<Entry> {
    let entries = || entries(statements).filter(|entry| kind == YarnLock::Classic || entry.path() != METADATA);
    let mut needed = Needed::default();
    if kind != YarnLock::Classic {
        entries().for_each(|entry| needed.note(entry));
    }
    let mut seen = Seen::default();
    let classify = |entry: RawEntry<'_, '_>| -> Result<EntryKind, EntryProblem> {
        match kind {
            YarnLock::Classic => classic::classify(entry),
            YarnLock::Berry { .. } => berry::classify(entry, &needed),
        }
    };
    let understood = |entry| match seen.note(entry).and_then(|()| classify(entry)) {
        Ok(kind) => Entry { path: Arc::from(entry.path()), kind },
        Err(problem) => Entry::not_understood(entry.path(), split_descriptor(entry.path()).0, problem),
    };
    entries().map(understood).collect()
}

#[cfg(test)]
mod tests;
