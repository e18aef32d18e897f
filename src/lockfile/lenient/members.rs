//! An object whose keys are names.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};

use super::{field::TextSeed, shaped::Shaped};

/// An object whose keys are names: its members in the file's order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::lockfile) struct Members<'a, T>(Vec<(Cow<'a, str>, T)>);

/// An object of entries, each of which should be an object.
pub(in crate::lockfile) type Part<'a, T> = Members<'a, Shaped<T>>;

impl<'a, T> Members<'a, T> {
    /// Its members.
    pub(in crate::lockfile) fn iter(&self) -> std::slice::Iter<'_, (Cow<'a, str>, T)> {
        self.0.iter()
    }
}

impl<T> Part<'_, T> {
    /// The members that are objects. The others are at fault where they are packages, which is told there.
    pub(in crate::lockfile) fn objects(&self) -> impl Iterator<Item = (&str, &T)> {
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
