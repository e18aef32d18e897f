//! One entry of a `yarn.lock`: its keys, and the statements below them.

use std::collections::HashMap;

use super::syntax::Statement;
use crate::lockfile::error::EntryProblem;

/// An entry's statements: the first is the one with its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEntry<'s, 'a>(&'s [Statement<'a>]);

/// The entries of a file, in its order.
pub(super) fn entries<'s, 'a>(statements: &'s [Statement<'a>]) -> impl Iterator<Item = RawEntry<'s, 'a>> {
    // What stands in another statement has a greater depth, and the first has none.
    statements.chunk_by(|_, next| next.depth > 0).map(RawEntry)
}

impl<'s> RawEntry<'s, '_> {
    /// What the entry is called: its first key.
    pub(super) fn path(self) -> &'s str {
        self.0[0].key()
    }

    /// Its keys.
    pub(super) fn keys(self) -> impl Iterator<Item = &'s str> {
        self.0[0].keys.iter().map(|key| &**key)
    }

    /// What its keys describe: names and ranges. Later versions put all into one key.
    pub(super) fn descriptors(self) -> impl Iterator<Item = (&'s str, &'s str)> {
        self.keys().flat_map(|key| key.split(", ")).map(split_descriptor)
    }

    /// The line where it begins, if it is no entry: a value stands where statements should be.
    pub(super) fn line_of_value(self) -> Option<usize> {
        self.0[0].value.as_ref().map(|_| self.0[0].line)
    }

    /// A field that is a text.
    pub(super) fn text(self, field: &'static str) -> Result<Option<&'s str>, EntryProblem> {
        let mut found = None;
        for statement in self.below().filter(|statement| statement.key() == field) {
            let value = statement.value.as_deref().ok_or(EntryProblem::WrongType { field })?;
            if found.is_some_and(|earlier| earlier != value) {
                return Err(EntryProblem::Duplicate { field: Some(field) });
            }
            found = Some(value);
        }
        Ok(found)
    }

    /// The texts below a field, with their keys.
    pub(super) fn texts(self, field: &'static str) -> impl Iterator<Item = (&'s str, &'s str)> {
        let below = self.section(field).iter().filter(|statement| statement.depth == 2);
        below.filter_map(|statement| Some((statement.key(), statement.value.as_deref()?)))
    }

    /// The keys below a field below which `flag` is `true`: `field:`, `key:`, `flag: true`.
    pub(super) fn flagged(self, field: &'static str, flag: &'static str) -> impl Iterator<Item = &'s str> {
        let groups = self.section(field).chunk_by(|_, next| next.depth > 2);
        let is_set = move |statement: &Statement<'_>| {
            statement.depth == 3 && statement.key() == flag && statement.value.as_deref() == Some("true")
        };
        groups.filter(move |group| group.iter().any(is_set)).map(|group| group[0].key())
    }

    /// Whether two entries say the same.
    pub(super) fn says_the_same_as(self, other: Self) -> bool {
        let said = |statement: &Statement<'s>| (statement.depth, statement.keys.clone(), statement.value.clone());
        self.0.len() == other.0.len() && self.0.iter().zip(other.0).all(|(a, b)| said(a) == said(b))
    }

    fn below(self) -> impl Iterator<Item = &'s Statement<'s>> {
        self.0.iter().filter(|statement| statement.depth == 1)
    }

    /// The statements below a field.
    fn section(self, field: &'static str) -> &'s [Statement<'s>] {
        let is_field = |statement: &Statement<'_>| statement.depth == 1 && statement.key() == field;
        let Some(start) = self.0.iter().position(is_field) else { return &[] };
        let below = &self.0[start + 1..];
        &below[..below.iter().position(|statement| statement.depth == 1).unwrap_or(below.len())]
    }
}

/// Which keys stand in the file already, and where.
#[derive(Debug, Default)]
pub(super) struct Seen<'s, 'a>(HashMap<&'s str, RawEntry<'s, 'a>>);

impl<'s, 'a> Seen<'s, 'a> {
    /// Notes an entry's keys. yarn itself takes the last of two with one key, so that a merge gone wrong passes unnoticed.
    pub(super) fn note(&mut self, entry: RawEntry<'s, 'a>) -> Result<(), EntryProblem> {
        for key in entry.keys() {
            let earlier = self.0.insert(key, entry);
            if earlier.is_some_and(|earlier| !earlier.says_the_same_as(entry)) {
                return Err(EntryProblem::Duplicate { field: None });
            }
        }
        Ok(())
    }
}

/// `@scope/name@range` → `@scope/name` and `range`; without a second at sign, the range is empty.
pub(super) fn split_descriptor(text: &str) -> (&str, &str) {
    match text.char_indices().skip(1).find(|(_, character)| *character == '@') {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}
