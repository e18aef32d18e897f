//! The version of a lockfile's format, as the file states it.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, Visitor},
};

use super::field::other_types;

/// A version: a number (pnpm has written 5.4) or a text ('9.0').
#[derive(Debug, Default)]
pub(super) struct StatedVersion(Option<String>);

impl StatedVersion {
    /// The version as it is written.
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
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
        Ok(StatedVersion(Some(version.to_owned())))
    }

    fn visit_f64<E: Error>(self, version: f64) -> Result<StatedVersion, E> {
        Ok(StatedVersion(Some(version.to_string())))
    }

    fn visit_u64<E: Error>(self, version: u64) -> Result<StatedVersion, E> {
        Ok(StatedVersion(Some(version.to_string())))
    }

    fn visit_i64<E: Error>(self, version: i64) -> Result<StatedVersion, E> {
        Ok(StatedVersion(Some(version.to_string())))
    }

    fn visit_unit<E: Error>(self) -> Result<StatedVersion, E> {
        Ok(StatedVersion(None))
    }

    other_types!(|_| StatedVersion(Some("of another type than a number".to_owned())); bool list object);
}
