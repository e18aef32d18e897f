//! The lockfile as JSON: the keys that larder reads.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::lockfile::{
    lenient::{Field, Flag, List, Members, Part, Shaped, other_types},
    version::StatedVersion,
};

/// Members of a package's list that mean something: what it is, the registry, an object, a tag and the integrity.
const MOST_MEMBERS: usize = 5;

/// What stands at the top of a lockfile.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Document<'a> {
    #[serde(rename = "lockfileVersion")]
    pub(super) version: StatedVersion,
    #[serde(borrow)]
    pub(super) workspaces: Shaped<Part<'a, Wants<'a>>>,
    #[serde(borrow)]
    pub(super) packages: Shaped<Members<'a, Tuple<'a>>>,
}

impl<'a> Document<'a> {
    /// Reads the whole text; `None` if it is JSON, but no object.
    pub(super) fn read(text: &'a str) -> Result<Option<Self>, serde_json::Error> {
        match serde_json::from_str(text)? {
            Shaped::Object(document) => Ok(Some(document)),
            Shaped::Absent | Shaped::WrongType => Ok(None),
        }
    }
}

/// What a folder or a package asks for, and where it runs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wants<'a> {
    #[serde(borrow)]
    pub(super) name: Field<'a>,
    #[serde(borrow)]
    pub(super) dependencies: Shaped<Members<'a, Field<'a>>>,
    #[serde(borrow)]
    pub(super) dev_dependencies: Shaped<Members<'a, Field<'a>>>,
    #[serde(borrow)]
    pub(super) optional_dependencies: Shaped<Members<'a, Field<'a>>>,
    #[serde(borrow)]
    pub(super) peer_dependencies: Shaped<Members<'a, Field<'a>>>,
    pub(super) optional_peers: List,
    pub(super) os: List,
    pub(super) cpu: List,
    pub(super) libc: List,
    pub(super) bundled: Flag,
}

/// What stands at a package's key.
#[derive(Debug)]
pub(super) enum Tuple<'a> {
    /// A list.
    Members(Vec<Member<'a>>),
    /// Any other type.
    WrongType,
}

/// A member of a package's list.
#[derive(Debug)]
pub(super) enum Member<'a> {
    Text(Cow<'a, str>),
    Wants(Box<Wants<'a>>),
    WrongType,
}

impl<'a> Tuple<'a> {
    /// What the package asks for.
    pub(super) fn wants(&self) -> Option<&Wants<'a>> {
        let Self::Members(members) = self else { return None };
        members.iter().find_map(|member| match member {
            Member::Wants(wants) => Some(&**wants),
            _ => None,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tuple<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TupleVisitor)
    }
}

struct TupleVisitor;

impl<'de> Visitor<'de> for TupleVisitor {
    type Value = Tuple<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tuple<'de>, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some(member) = list.next_element()? {
            if members.len() < MOST_MEMBERS {
                members.push(member);
            }
        }
        Ok(Tuple::Members(members))
    }

    other_types!(|_| Tuple::WrongType; unit bool number text object);
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Member<'de>, A::Error> {
        Wants::deserialize(MapAccessDeserializer::new(object)).map(|wants| Member::Wants(Box::new(wants)))
    }

    other_types!(|_| Member::WrongType; unit bool number list);
}
