//! The version of a lockfile's format, as the file states it.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, Visitor},
};

use super::lenient::other_types;

/// What stands where a version should.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum StatedVersion {
    /// Nothing.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A number, as it is written: pnpm has written 5.4.
    Number(String),
    /// A text, such as '9.0'.
    Text(String),
    /// Any other type.
    WrongType,
}

impl StatedVersion {
    /// What a message says of any other type.
    pub(super) const WRONG_TYPE: &str = "of another type than a number";

    /// The version, of a format that takes numbers and texts.
    pub(super) fn as_deref(&self) -> Option<&str> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Number(version) | Self::Text(version) => Some(version),
            Self::WrongType => Some(Self::WRONG_TYPE),
        }
    }
}

impl<'de> Deserialize<'de> for StatedVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatedVisitor)
    }
}

struct StatedVisitor;

impl<'de> Visitor<'de> for StatedVisitor {
    type Value = StatedVersion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version")
    }

    fn visit_str<E: Error>(self, version: &str) -> Result<StatedVersion, E> {
        Ok(StatedVersion::Text(version.to_owned()))
    }

    fn visit_f64<E: Error>(self, version: f64) -> Result<StatedVersion, E> {
        Ok(StatedVersion::Number(version.to_string()))
    }

    fn visit_u64<E: Error>(self, version: u64) -> Result<StatedVersion, E> {
        Ok(StatedVersion::Number(version.to_string()))
    }

    fn visit_i64<E: Error>(self, version: i64) -> Result<StatedVersion, E> {
        Ok(StatedVersion::Number(version.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<StatedVersion, E> {
        Ok(StatedVersion::Null)
    }

    other_types!(|_| StatedVersion::WrongType; bool list object);
}
