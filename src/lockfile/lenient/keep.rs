//! Keeps the value of a key, and says where a key that stands twice has two values.

use serde::{Deserialize, de::MapAccess};

use super::{field::Field, flag::Flag, list::List};
use crate::lockfile::error::EntryProblem;

/// A value that tells by itself whether it is at fault. `Default` is the value of a key that is not there.
pub(in crate::lockfile) trait Value: Default + PartialEq {
    /// Whether it has the wrong type, whatever the entry turns out to be.
    fn is_wrong(&self) -> bool;

    /// Takes a further value of the same key.
    fn replace(&mut self, value: Self) {
        *self = value;
    }
}

/// Text may be of any type where nobody asks for it, as in the entry of a link.
impl Value for Field<'_> {
    fn is_wrong(&self) -> bool {
        false
    }
}

impl Value for Flag {
    fn is_wrong(&self) -> bool {
        *self == Self::WrongType
    }

    /// One that stands twice is set if either is.
    fn replace(&mut self, value: Self) {
        *self = value.max(*self);
    }
}

impl Value for List {
    fn is_wrong(&self) -> bool {
        *self == Self::WrongType
    }

    /// The first counts.
    fn replace(&mut self, value: Self) {
        if *self == Self::Absent {
            *self = value;
        }
    }
}

/// Reads the value of the key `field` into its place. The problem is that it has the wrong type, or that the key stood there with another value.
pub(in crate::lockfile) fn keep<'de, V: Value + Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut V,
    object: &mut A,
    field: &'static str,
) -> Result<Option<EntryProblem>, A::Error> {
    let value: V = object.next_value()?;
    if value.is_wrong() {
        return Ok(Some(EntryProblem::WrongType { field }));
    }
    let differs = *place != V::default() && *place != value;
    place.replace(value);
    Ok(differs.then_some(EntryProblem::Duplicate { field: Some(field) }))
}
