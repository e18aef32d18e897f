//! Objects of JSON or YAML as they stand: what has the wrong type is kept as that, so that one bad value does not hide the others.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    LockfileError,
    field::{TextSeed, other_types},
};

/// What should be an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Shaped<T> {
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
    pub(super) const fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Absent | Self::WrongType => None,
        }
    }

    /// The object at this key at the top of a lockfile, if there is one.
    pub(super) fn at_top(&self, lockfile: &str, key: &'static str) -> Result<Option<&T>, LockfileError> {
        match self {
            Self::Absent => Ok(None),
            Self::Object(object) => Ok(Some(object)),
            Self::WrongType => Err(LockfileError::WrongType { lockfile: lockfile.to_owned(), key }),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shaped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapedVisitor(PhantomData))
    }
}

struct ShapedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ShapedVisitor<T> {
    type Value = Shaped<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Shaped<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Shaped::Object)
    }

    fn visit_unit<E: Error>(self) -> Result<Shaped<T>, E> {
        Ok(Shaped::Absent)
    }

    other_types!(|_| Shaped::WrongType; bool number text list);
}

/// An object whose keys are names: its members in the file's order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Members<'a, T>(Vec<(Cow<'a, str>, T)>);

/// An object of entries, each of which should be an object.
pub(super) type Part<'a, T> = Members<'a, Shaped<T>>;

impl<'a, T> Members<'a, T> {
    /// Its members.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Cow<'a, str>, T)> {
        self.0.iter()
    }
}

impl<T> Part<'_, T> {
    /// The members that are objects. The others are at fault where they are packages, which is told there.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&str, &T)> {
        self.iter().filter_map(|(key, member)| Some((&**key, member.object()?)))
    }
}

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Members(members) = deserializer.deserialize_map(MembersVisitor(PhantomData))?;
        Ok(Self(members))
    }
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Members<'de, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = object.next_key_seed(TextSeed)? {
            members.push((key, object.next_value()?));
        }
        Ok(Members(members))
    }
}
