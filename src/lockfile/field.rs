//! The values of an entry's fields, whatever their types.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor},
};

use super::EntryProblem;

/// Implements the visits of the JSON types that a visitor does not read itself; the closure gives their value.
macro_rules! other_types {
    (|$this:pat_param| $value:expr; $($visit:ident)*) => {
        $($crate::lockfile::field::other_types!(@ $visit $this, $value);)*
    };
    (@ unit $this:pat_param, $value:expr) => {
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ bool $this:pat_param, $value:expr) => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ number $this:pat_param, $value:expr) => {
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ text $this:pat_param, $value:expr) => {
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ list $this:pat_param, $value:expr) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            let $this = self;
            Ok($value)
        }
    };
    (@ object $this:pat_param, $value:expr) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            let $this = self;
            Ok($value)
        }
    };
}
pub(super) use other_types;

/// A field that holds text, or should.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Field<'a> {
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
    /// The text, if there is any. npm 6 has written `false` where it knew nothing.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, EntryProblem> {
        match self {
            Self::Absent | Self::Flag(false) => Ok(None),
            Self::Text(text) => Ok(Some(text).filter(|text| !text.is_empty()).map(|text| &**text)),
            Self::Flag(true) | Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }

    /// The text, where it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`.
    pub(super) const fn is_set(&self) -> bool {
        matches!(self, Self::Flag(true))
    }

    /// `true` or `false`, which is also what its absence says.
    pub(super) const fn flag(&self, field: &'static str) -> Result<bool, EntryProblem> {
        match self {
            Self::Absent => Ok(false),
            Self::Flag(flag) => Ok(*flag),
            Self::Text(_) | Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FieldSeed.deserialize(deserializer)
    }
}

/// Reads a [`Field`].
pub(super) struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
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
pub(super) struct TextSeed;

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

/// A list of names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum List {
    /// The names, sorted, each once: their order has no meaning.
    Names(Vec<Box<str>>),
    /// It is no list of texts.
    WrongType,
}

impl Default for List {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl List {
    /// The names; empty where there is no list.
    pub(super) fn names(&self, field: &'static str) -> Result<Vec<Box<str>>, EntryProblem> {
        match self {
            Self::Names(names) => Ok(names.clone()),
            Self::WrongType => Err(EntryProblem::WrongType { field }),
        }
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ListSeed.deserialize(deserializer)
    }
}

/// Reads a [`List`]; npm takes a single text for a list of one.
pub(super) struct ListSeed;

impl<'de> DeserializeSeed<'de> for ListSeed {
    type Value = List;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<List, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<List, E> {
        Ok(List::Names(vec![name.into()]))
    }

    fn visit_unit<E: Error>(self) -> Result<List, E> {
        Ok(List::Names(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List, A::Error> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut all_are_texts = true;
        while let Some(field) = list.next_element_seed(FieldSeed)? {
            match field {
                Field::Text(name) => names.push(name.into()),
                _ => all_are_texts = false,
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(if all_are_texts { List::Names(names) } else { List::WrongType })
    }

    other_types!(|_| List::WrongType; bool number object);
}
