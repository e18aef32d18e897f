//! A field that holds text, or should, and the text of a key.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, Visitor},
};

use super::other_types::other_types;
use crate::lockfile::error::EntryProblem;

/// A field that holds text, or should.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::lockfile) enum Field<'a> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// Text.
    Text(Cow<'a, str>),
    /// `true` or `false`.
    Flag(bool),
    /// Any other type.
    WrongType,
}

impl Field<'_> {
    /// The text, if there is any.
    pub(in crate::lockfile) fn text(&self, field: &'static str) -> Result<Option<&str>, EntryProblem> {
        match self {
            // npm 6 has written `false` where it knew nothing.
            Self::Absent | Self::Flag(false) => Ok(None),
            Self::Text(text) => Ok(Some(text).filter(|text| !text.is_empty()).map(|text| &**text)),
            Self::Flag(true) | Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }

    /// The text, where it is one.
    pub(in crate::lockfile) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Field<'de>, E> {
        Ok(Field::Flag(flag))
    }

    fn visit_unit<E: Error>(self) -> Result<Field<'de>, E> {
        Ok(Field::Absent)
    }

    other_types!(|_| Field::WrongType; number list object);
}

/// Reads a key, borrowed where it has no escapes.
pub(in crate::lockfile) struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
