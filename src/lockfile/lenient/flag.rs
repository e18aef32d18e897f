//! A field that is `true` or `false`, in one byte: an entry of npm has seven.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, Visitor},
};

use super::other_types::other_types;
use crate::lockfile::error::EntryProblem;

/// What a flag says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lockfile) enum Flag {
    /// Not there.
    #[default]
    Absent,
    /// `false` or `null`.
    Unset,
    /// `true`.
    Set,
    /// Any other type.
    WrongType,
}

impl Flag {
    /// Whether it is `true`.
    pub(in crate::lockfile) const fn is_set(self) -> bool {
        matches!(self, Self::Set)
    }

    /// `true` or `false`, which is also what its absence says.
    pub(in crate::lockfile) const fn value(self, field: &'static str) -> Result<bool, EntryProblem> {
        match self {
            Self::Absent | Self::Unset => Ok(false),
            Self::Set => Ok(true),
            Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl<'de> Visitor<'de> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flag")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Flag, E> {
        Ok(if flag { Flag::Set } else { Flag::Unset })
    }

    fn visit_unit<E: Error>(self) -> Result<Flag, E> {
        Ok(Flag::Unset)
    }

    other_types!(|_| Flag::WrongType; number text list object);
}
