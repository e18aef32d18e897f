//! The entries of a lockfile as one list, in the file's order: those of version 1 come after the one that they are nested in.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess};

use super::{
    entry::{Form, RawEntry},
    path::{PATH_LIMIT, below},
};
use crate::lockfile::{
    diagnose::shown,
    error::EntryProblem,
    lenient::{ReadObject, Shaped, ShapedSeed, TextSeed},
};

/// How deep entries of version 1 may nest. Real ones stay below 20; a level costs two of the JSON parser's 128.
const NESTING_LIMIT: usize = 50;

/// Reads `packages` or the outermost `dependencies`.
pub(super) struct EntriesSeed(pub(super) Form);

impl<'de> DeserializeSeed<'de> for EntriesSeed {
    type Value = Shaped<Vec<RawEntry<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let mut entries = Vec::new();
        let level = Level { form: self.0, parent: None, depth: 0, entries: &mut entries };
        Ok(match ShapedSeed(level).deserialize(deserializer)? {
            Shaped::Object(()) => Shaped::Object(entries),
            Shaped::Absent => Shaped::Absent,
            Shaped::WrongType => Shaped::WrongType,
        })
    }
}

/// The entries of one object.
struct Level<'l, 'de> {
    form: Form,
    /// The position of the entry that these are nested in.
    parent: Option<usize>,
    depth: usize,
    entries: &'l mut Vec<RawEntry<'de>>,
}

impl<'de> Level<'_, 'de> {
    fn path_of(&self, key: Cow<'de, str>) -> Cow<'de, str> {
        match self.form {
            Form::Flat => key,
            Form::Nested => below(self.parent.map_or("", |parent| &self.entries[parent].path), &key).into(),
        }
    }
}

impl<'de> ReadObject<'de> for Level<'_, 'de> {
    type Value = ();

    fn read<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(TextSeed)? {
            let path = self.path_of(key);
            let is_too_long = path.len() > PATH_LIMIT;
            let position = self.entries.len();
            self.entries.push(RawEntry::at(path));
            if is_too_long || self.depth >= NESTING_LIMIT {
                object.next_value::<IgnoredAny>()?;
                let entry = &mut self.entries[position];
                entry.path = Cow::Owned(shown(&entry.path));
                let too_deep = EntryProblem::TooDeep { limit: NESTING_LIMIT };
                entry.fail(if is_too_long { EntryProblem::Path } else { too_deep });
                continue;
            }
            let fields = Fields { form: self.form, position, depth: self.depth, entries: self.entries };
            if object.next_value_seed(ShapedSeed(fields))?.object().is_none() {
                self.entries[position].fail(EntryProblem::NotAnObject);
            }
        }
        Ok(())
    }
}

/// The fields of the entry at `position`.
struct Fields<'l, 'de> {
    form: Form,
    position: usize,
    depth: usize,
    entries: &'l mut Vec<RawEntry<'de>>,
}

impl<'de> Fields<'_, 'de> {
    fn read_children<A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        let (parent, depth) = (Some(self.position), self.depth + 1);
        let children = Level { form: self.form, parent, depth, entries: self.entries };
        let shaped = object.next_value_seed(ShapedSeed(children))?;
        let has_more = self.entries.len() > self.position + 1;
        let entry = &mut self.entries[self.position];
        entry.has_children |= has_more;
        if shaped == Shaped::WrongType {
            entry.fail(EntryProblem::WrongType { field: "dependencies" });
        }
        Ok(())
    }
}

impl<'de> ReadObject<'de> for Fields<'_, 'de> {
    type Value = ();

    fn read<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(TextSeed)? {
            if self.form == Form::Nested && key == "dependencies" {
                self.read_children(&mut object)?;
            } else {
                self.entries[self.position].read(self.form, &key, &mut object)?;
            }
        }
        Ok(())
    }
}
