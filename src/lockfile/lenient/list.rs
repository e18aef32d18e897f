//! A field that is a list of names.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, SeqAccess, Visitor},
};

use super::{field::Field, other_types::other_types};
use crate::lockfile::error::EntryProblem;

/// A list of names; npm takes a single text for a list of one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::lockfile) enum List {
    /// Not there.
    #[default]
    Absent,
    /// The names, sorted, each once: their order has no meaning.
    Names(Box<[Box<str>]>),
    /// It is no list of texts.
    WrongType,
}

impl List {
    /// The names; empty where there is no list.
    pub(in crate::lockfile) fn names(&self, field: &'static str) -> Result<Vec<Box<str>>, EntryProblem> {
        match self {
            Self::Absent => Ok(Vec::new()),
            Self::Names(names) => Ok(names.to_vec()),
            Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<List, E> {
        Ok(List::Names(Box::new([name.into()])))
    }

    fn visit_unit<E: Error>(self) -> Result<List, E> {
        Ok(List::Names(Box::new([])))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List, A::Error> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut all_are_texts = true;
        while let Some(field) = list.next_element()? {
            match field {
                Field::Text(name) => names.push(name.into()),
                _ => all_are_texts = false,
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(if all_are_texts { List::Names(names.into()) } else { List::WrongType })
    }

    other_types!(|_| List::WrongType; bool number object);
}
