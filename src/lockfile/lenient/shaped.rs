//! [`Shaped`]: a field that should be an object and may be of any other type.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::other_types::other_types;
use crate::lockfile::error::LockfileError;

/// What should be an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::lockfile) enum Shaped<T> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// The object.
    Object(T),
    /// Any other type.
    WrongType,
}

impl<T> Shaped<T> {
    /// The object, if it is one.
    pub(in crate::lockfile) const fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Absent | Self::WrongType => None,
        }
    }

    /// The object at this key at the top of a lockfile, if there is one.
    pub(in crate::lockfile) fn at_top(&self, lockfile: &str, key: &'static str) -> Result<Option<&T>, LockfileError> {
        match self {
            Self::Absent => Ok(None),
            Self::Object(object) => Ok(Some(object)),
            Self::WrongType => Err(LockfileError::WrongType { lockfile: lockfile.to_owned(), key }),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shaped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ShapedSeed(Derived(PhantomData)).deserialize(deserializer)
    }
}

/// Reads the members of an object.
pub(in crate::lockfile) trait ReadObject<'de> {
    /// What they become.
    type Value;

    /// Reads them.
    fn read<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error>;
}

/// Reads an object by its own `Deserialize`.
struct Derived<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> ReadObject<'de> for Derived<T> {
    type Value = T;

    fn read<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object))
    }
}

/// Reads a [`Shaped`].
pub(in crate::lockfile) struct ShapedSeed<R>(pub(in crate::lockfile) R);

impl<'de, R: ReadObject<'de>> DeserializeSeed<'de> for ShapedSeed<R> {
    type Value = Shaped<R::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: ReadObject<'de>> Visitor<'de> for ShapedSeed<R> {
    type Value = Shaped<R::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        self.0.read(object).map(Shaped::Object)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Shaped::Absent)
    }

    other_types!(|_| Shaped::WrongType; bool number text list);
}
