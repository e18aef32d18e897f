//! Typed looks into a TOML document that know the line of what they look at.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::LarderTomlError;

/// The document's text and path, for messages.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    document: Document<'a>,
    /// With its table's name: `fetch.jobs`.
    pub(super) key: &'static str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Document<'a> {
    /// The items of a table in the order in which they stand, each under the name that `known` has for it.
    pub(super) fn items(
        self,
        table: &'a DeTable<'a>,
        prefix: &str,
        known: &[&'static str],
    ) -> Result<Vec<Item<'a>>, LarderTomlError> {
        let mut pairs: Vec<_> = table.iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        pairs
            .into_iter()
            .map(|(key, value)| {
                let full = format!("{prefix}{}", key.get_ref());
                match known.iter().find(|known| **known == full) {
                    Some(&key) => Ok(Item { document: self, key, value }),
                    None => Err(LarderTomlError::UnknownKey {
                        path: self.path.to_owned(),
                        line: self.line(key.span().start),
                        suggestion: super::suggestion(&full, known),
                        key: full,
                    }),
                }
            })
            .collect()
    }

    /// The number of the line that holds this byte, from 1.
    pub(super) fn line(self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        1 + before.split(|&byte| byte == b'\n').skip(1).count()
    }
}

impl<'a> Item<'a> {
    /// The line of the value, from 1.
    pub(super) fn line(self) -> usize {
        self.document.line(self.value.span().start)
    }

    pub(super) fn wrong(self, accepted: &'static str) -> LarderTomlError {
        self.wrong_at(self.line(), accepted)
    }

    fn wrong_at(self, line: usize, accepted: &'static str) -> LarderTomlError {
        LarderTomlError::WrongValue { path: self.document.path.to_owned(), line, key: self.key, accepted }
    }

    pub(super) fn table(self) -> Result<&'a DeTable<'a>, LarderTomlError> {
        self.value.get_ref().as_table().ok_or_else(|| self.wrong("a table"))
    }

    pub(super) fn flag(self) -> Result<bool, LarderTomlError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// A text that `read` accepts.
    pub(super) fn text<T>(
        self,
        accepted: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, LarderTomlError> {
        self.value.get_ref().as_str().and_then(read).ok_or_else(|| self.wrong(accepted))
    }

    /// A whole number that is not negative.
    pub(super) fn number(self) -> Option<u64> {
        let number = self.value.get_ref().as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// A list of texts that `read` accepts, each result once.
    pub(super) fn list<T: PartialEq>(
        self,
        accepted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, LarderTomlError> {
        let array = self.value.get_ref().as_array().ok_or_else(|| self.wrong(accepted))?;
        let mut list = Vec::new();
        for element in array {
            let wrong = || self.wrong_at(self.document.line(element.span().start), accepted);
            let value = element.get_ref().as_str().and_then(&read).ok_or_else(wrong)?;
            if list.contains(&value) {
                return Err(wrong());
            }
            list.push(value);
        }
        Ok(list)
    }
}
