//! What can be wrong with a lockfile, in words that name the file and the entry and hold no secret.

use std::fmt;

use super::format::Format;

/// A lockfile that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockfileError {
    /// No bytes, or white space alone.
    #[error("{lockfile} is empty")]
    Empty {
        /// The lockfile.
        lockfile: String,
    },
    /// Bytes that are no text.
    #[error("{lockfile} is not UTF-8 text: the byte at offset {offset} cannot stand there")]
    NotText {
        /// The lockfile.
        lockfile: String,
        /// Where the first such byte is, counted from 0.
        offset: usize,
    },
    /// A merge left its markers.
    #[error("{lockfile} has merge-conflict markers, first in line {line}; `{format} install` resolves them")]
    ConflictMarkers {
        /// The lockfile.
        lockfile: String,
        /// The line of the first marker, counted from 1.
        line: usize,
        /// Whose lockfile it is.
        format: Format,
    },
    /// The binary form of bun's lockfile.
    #[error("{lockfile} is a lockfile of bun in its binary form, which larder does not read")]
    BinaryBun {
        /// The lockfile.
        lockfile: String,
    },
    /// JSON that stops too early.
    #[error("{lockfile} is truncated: it ends in line {line}, inside an unfinished value")]
    Truncated {
        /// The lockfile.
        lockfile: String,
        /// The line where it ends, counted from 1.
        line: usize,
    },
    /// Text that is not in its format's language.
    #[error("{lockfile} is not {language}: {problem}")]
    BadSyntax {
        /// The lockfile.
        lockfile: String,
        /// The language: JSON or YAML.
        language: &'static str,
        /// What the parser found, with line and column.
        problem: String,
    },
    /// JSON or YAML, but no object.
    #[error("{lockfile} is {language}, but not an object")]
    NotAnObject {
        /// The lockfile.
        lockfile: String,
        /// The language.
        language: &'static str,
    },
    /// The file of another tool.
    #[error("{lockfile} is not a lockfile of {format}: it looks like {tool}")]
    OtherTool {
        /// The lockfile.
        lockfile: String,
        /// What it should be.
        format: Format,
        /// What it looks like.
        tool: OtherTool,
    },
    /// No version of the format.
    #[error(
        "{lockfile} states no {}; larder reads {} (`{}` writes one)", .format.versions().0, .format.versions().1, .format.renewal()
    )]
    NoVersion {
        /// The lockfile.
        lockfile: String,
        /// Its format.
        format: Format,
    },
    /// A version of the format that larder does not know.
    #[error("{lockfile} states {} {version}; larder reads {}", .format.versions().0, .format.versions().1)]
    UnknownVersion {
        /// The lockfile.
        lockfile: String,
        /// Its format.
        format: Format,
        /// What it states.
        version: String,
    },
    /// Version 2 or 3 without entries.
    #[error("{lockfile} states lockfileVersion {version} and has no `packages`")]
    NoPackages {
        /// The lockfile.
        lockfile: String,
        /// Its version.
        version: u8,
    },
    /// A part of the file that has another type than its package manager writes.
    #[error("{lockfile}: `{key}` is not an object")]
    WrongType {
        /// The lockfile.
        lockfile: String,
        /// The key at the top of the file.
        key: &'static str,
    },
    /// A key at the top of the file that stands twice, with different values.
    #[error("{lockfile}: `{key}` stands twice, with different values")]
    DuplicateKey {
        /// The lockfile.
        lockfile: String,
        /// The key.
        key: &'static str,
    },
}

impl LockfileError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        let (Self::Empty { lockfile }
        | Self::NotText { lockfile, .. }
        | Self::Truncated { lockfile, .. }
        | Self::BadSyntax { lockfile, .. }) = self
        else {
            let is_binary = matches!(self, Self::BinaryBun { .. });
            return is_binary.then(|| "`bun install --save-text-lockfile` writes it as text, bun.lock".to_owned());
        };
        let renewal = Format::of(lockfile).renewal();
        Some(format!("`git checkout -- FILE` brings back the last one that was committed; `{renewal}` makes it anew"))
    }
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum EntryProblem {
    /// The entry is a number, a list or the like.
    #[error("not an object")]
    NotAnObject,
    /// The entry is a number, an object or the like, where its format has lists.
    #[error("not a list")]
    NotAList,
    /// A field has another type than its package manager writes.
    #[error("`{field}` has the wrong type")]
    WrongType {
        /// The field.
        field: &'static str,
    },
    /// A field is not there that every entry has.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// The entry, or a field of it, stands twice, with different values.
    #[error("{} stands twice, with different values", .field.map_or_else(|| "it".to_owned(), |field| format!("`{field}`")))]
    Duplicate {
        /// The field; `None` for the whole entry.
        field: Option<&'static str>,
    },
    /// Entries nested deeper than any real lockfile has them.
    #[error("nested more than {limit} levels deep")]
    TooDeep {
        /// How many levels are read.
        limit: usize,
    },
    /// A path with a control character, or with `..` after its first folder.
    #[error("a path that no package is installed to")]
    Path,
    /// A name that no package can have.
    #[error("the name {name:?} has {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A version that no package can have.
    #[error("the version {version:?} has {problem}")]
    Version {
        /// The version.
        version: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An address that is no URL. The text is not kept: it may hold a password.
    #[error("`resolved` is not an address")]
    Address,
    /// An address that larder does not fetch from.
    #[error("an address with the scheme `{scheme}`, which larder does not fetch from")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// An integrity that is none.
    #[error("integrity: {problem}")]
    Integrity {
        /// What is wrong with it, as [`DigestError`](larder_store::digest::DigestError) says it.
        problem: String,
    },
}

/// What a file looks like that is not the lockfile that its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OtherTool {
    /// `package-lock.json`.
    Npm,
    /// `yarn.lock` of either form.
    Yarn,
    /// `pnpm-lock.yaml`.
    Pnpm,
    /// `bun.lock` or `bun.lockb`.
    Bun,
    /// `deno.lock`.
    Deno,
    /// `composer.lock`.
    Composer,
    /// `Pipfile.lock`.
    Pipenv,
    /// Pyodide's `pyodide-lock.json`.
    Pyodide,
    /// `package.json`.
    Manifest,
}

impl OtherTool {
    /// The format that the tool's lockfiles have, if it is one of ours.
    pub(super) const fn format(self) -> Option<Format> {
        match self {
            Self::Npm => Some(Format::Npm),
            Self::Yarn => Some(Format::Yarn),
            Self::Pnpm => Some(Format::Pnpm),
            Self::Bun => Some(Format::Bun),
            _ => None,
        }
    }
}

impl fmt::Display for OtherTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "a package-lock.json",
            Self::Yarn => "a yarn.lock",
            Self::Pnpm => "a pnpm-lock.yaml",
            Self::Bun => "a lockfile of bun",
            Self::Deno => "a deno.lock",
            Self::Composer => "a composer.lock",
            Self::Pipenv => "a Pipfile.lock",
            Self::Pyodide => "a pyodide-lock.json",
            Self::Manifest => "a package.json",
        })
    }
}
