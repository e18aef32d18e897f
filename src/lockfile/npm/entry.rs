//! One entry as the JSON has it, before anyone asks what it means.
//!
//! No value of an entry, whatever its type, ends the reading: what is wrong is kept in the entry, so that all bad entries can be named at once.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{
    super::{
        EntryProblem,
        diagnose::shown,
        field::{Field, FieldSeed, List, ListSeed, TextSeed, other_types},
    },
    document::Part,
    key::{Flag, Key, KeySeed},
};

/// How deep entries of version 1 may nest. Real ones stay below 20; a level costs two of the JSON parser's 128.
const NESTING_LIMIT: usize = 50;

/// How long an install path may be, in bytes: as long as one may be on Linux. Paths of nested entries are put together from their names, so that without
/// a limit a small file could ask for much memory.
const PATH_LIMIT: usize = 4096;

/// The two forms that npm has given its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `packages`: install path → entry.
    Flat,
    /// `dependencies`: name → entry, which has `dependencies` of its own.
    Nested,
}

/// An entry's fields as they stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawEntry<'a> {
    /// The install path.
    pub(super) path: Cow<'a, str>,
    pub(super) name: Field<'a>,
    pub(super) version: Field<'a>,
    pub(super) resolved: Field<'a>,
    pub(super) integrity: Field<'a>,
    /// `os`, `cpu` and `libc`; few entries have them.
    pub(super) limits: Option<Box<Limits>>,
    /// The names below `optionalDependencies`; few entries have them.
    pub(super) optional_dependencies: Vec<Cow<'a, str>>,
    flags: u16,
    flags_seen: u16,
    /// Whether it lists workspaces, as the root may.
    pub(super) has_workspaces: bool,
    /// Whether entries are nested in it.
    pub(super) has_children: bool,
    problem: Option<Box<EntryProblem>>,
}

/// Where an optional package runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) os: Option<Vec<Box<str>>>,
    pub(super) cpu: Option<Vec<Box<str>>>,
    pub(super) libc: Option<Vec<Box<str>>>,
}

impl RawEntry<'_> {
    /// Whether the flag is there and `true`.
    pub(super) const fn is(&self, flag: Flag) -> bool {
        self.flags & flag.bit() != 0
    }

    /// Marks the entry as bad; the first problem is kept.
    pub(super) fn fail(&mut self, problem: EntryProblem) {
        self.problem.get_or_insert_with(|| Box::new(problem));
    }

    /// Why the entry is bad, if it is.
    pub(super) fn problem(&self) -> Option<&EntryProblem> {
        self.problem.as_deref()
    }

    fn set_flag(&mut self, flag: Flag, value: &Field<'_>) {
        let is_set = match value {
            Field::Absent => false,
            Field::Flag(value) => *value,
            Field::Text(_) | Field::WrongType => return self.fail(EntryProblem::WrongType { field: flag.name() }),
        };
        if self.flags_seen & flag.bit() != 0 && self.is(flag) != is_set {
            self.fail(EntryProblem::Duplicate { field: Some(flag.name()) });
        }
        self.flags_seen |= flag.bit();
        if is_set {
            self.flags |= flag.bit();
        }
    }

    fn set_list(&mut self, which: fn(&mut Limits) -> &mut Option<Vec<Box<str>>>, field: &'static str, list: List) {
        match list {
            List::WrongType => self.fail(EntryProblem::WrongType { field }),
            List::Names(names) => {
                let slot = which(self.limits.get_or_insert_default());
                if slot.as_ref().is_some_and(|earlier| *earlier != names) {
                    self.fail(EntryProblem::Duplicate { field: Some(field) });
                } else {
                    *slot = Some(names);
                }
            }
        }
    }
}

/// Keeps a field, and says whether it stood there with another value already.
fn differs<'a>(slot: &mut Field<'a>, value: Field<'a>) -> bool {
    let differs = *slot != Field::Absent && *slot != value;
    *slot = value;
    differs
}

/// Reads `packages` or the outermost `dependencies`.
pub(super) struct Entries {
    pub(super) form: Form,
}

impl<'de> DeserializeSeed<'de> for Entries {
    type Value = Part<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part<'de>, D::Error> {
        let mut entries = Vec::new();
        let seed = EntriesSeed { form: self.form, parent: None, depth: 0, entries: &mut entries };
        Ok(match seed.deserialize(deserializer)? {
            Shape::Object => Part::Entries(entries),
            Shape::Null => Part::Absent,
            Shape::Other => Part::WrongType,
        })
    }
}

/// What a value turned out to be.
enum Shape {
    Object,
    Null,
    Other,
}

struct EntriesSeed<'s, 'de> {
    form: Form,
    /// The position of the entry that these are nested in.
    parent: Option<usize>,
    depth: usize,
    entries: &'s mut Vec<RawEntry<'de>>,
}

impl<'de> DeserializeSeed<'de> for EntriesSeed<'_, 'de> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntriesSeed<'_, 'de> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Shape, A::Error> {
        while let Some(key) = object.next_key_seed(TextSeed)? {
            let path = match self.form {
                Form::Flat => key,
                Form::Nested => {
                    let parent = self.parent.map_or("", |parent| &self.entries[parent].path);
                    let separator = if parent.is_empty() { "" } else { "/" };
                    Cow::Owned(format!("{parent}{separator}node_modules/{key}"))
                }
            };
            let position = self.entries.len();
            let too_long = path.len() > PATH_LIMIT;
            self.entries.push(RawEntry { path, ..RawEntry::default() });
            if too_long || self.depth >= NESTING_LIMIT {
                object.next_value::<IgnoredAny>()?;
                let entry = &mut self.entries[position];
                entry.path = Cow::Owned(shown(&entry.path));
                entry.fail(if too_long { EntryProblem::Path } else { EntryProblem::TooDeep { limit: NESTING_LIMIT } });
                continue;
            }
            let seed = EntrySeed { form: self.form, position, depth: self.depth, entries: self.entries };
            object.next_value_seed(seed)?;
        }
        Ok(Shape::Object)
    }

    fn visit_unit<E: Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    other_types!(|_| Shape::Other; bool number text list);
}

/// Reads one entry into its place.
struct EntrySeed<'s, 'de> {
    form: Form,
    position: usize,
    depth: usize,
    entries: &'s mut Vec<RawEntry<'de>>,
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> EntrySeed<'_, 'de> {
    fn entry(&mut self) -> &mut RawEntry<'de> {
        &mut self.entries[self.position]
    }

    fn read_text<A: MapAccess<'de>>(
        &mut self,
        object: &mut A,
        slot: for<'e> fn(&'e mut RawEntry<'de>) -> &'e mut Field<'de>,
        field: &'static str,
    ) -> Result<(), A::Error> {
        let value = object.next_value_seed(FieldSeed)?;
        let entry = self.entry();
        if differs(slot(entry), value) {
            entry.fail(EntryProblem::Duplicate { field: Some(field) });
        }
        Ok(())
    }

    fn read_children<A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        let seed =
            EntriesSeed { form: self.form, parent: Some(self.position), depth: self.depth + 1, entries: self.entries };
        let shape = object.next_value_seed(seed)?;
        let has_more = self.entries.len() > self.position + 1;
        let entry = self.entry();
        entry.has_children |= has_more;
        if matches!(shape, Shape::Other) {
            entry.fail(EntryProblem::WrongType { field: "dependencies" });
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(KeySeed)? {
            match key {
                Key::Name => self.read_text(&mut object, |entry| &mut entry.name, "name")?,
                Key::Version => self.read_text(&mut object, |entry| &mut entry.version, "version")?,
                Key::Resolved => self.read_text(&mut object, |entry| &mut entry.resolved, "resolved")?,
                Key::Integrity => self.read_text(&mut object, |entry| &mut entry.integrity, "integrity")?,
                Key::Flag(flag) => {
                    let value = object.next_value_seed(FieldSeed)?;
                    self.entry().set_flag(flag, &value);
                }
                Key::Os => {
                    let list = object.next_value_seed(ListSeed)?;
                    self.entry().set_list(|limits| &mut limits.os, "os", list);
                }
                Key::Cpu => {
                    let list = object.next_value_seed(ListSeed)?;
                    self.entry().set_list(|limits| &mut limits.cpu, "cpu", list);
                }
                Key::Libc => {
                    let list = object.next_value_seed(ListSeed)?;
                    self.entry().set_list(|limits| &mut limits.libc, "libc", list);
                }
                Key::Dependencies if self.form == Form::Nested => self.read_children(&mut object)?,
                Key::OptionalDependencies if self.form == Form::Flat => {
                    self.entry().optional_dependencies = object.next_value_seed(NamesSeed)?;
                }
                Key::Workspaces => {
                    object.next_value::<IgnoredAny>()?;
                    self.entry().has_workspaces = true;
                }
                Key::Dependencies | Key::OptionalDependencies | Key::Other => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    other_types!(|mut seed| seed.entry().fail(EntryProblem::NotAnObject); unit bool number text list);
}

/// Reads the keys of an object; none where it is no object.
struct NamesSeed;

impl<'de> DeserializeSeed<'de> for NamesSeed {
    type Value = Vec<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NamesSeed {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = object.next_key_seed(TextSeed)? {
            object.next_value::<IgnoredAny>()?;
            names.push(name);
        }
        Ok(names)
    }

    other_types!(|_| Vec::new(); unit bool number text list);
}
