//! The lockfile as JSON: the keys at its top.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{
    super::{diagnose::shown, field::other_types},
    entry::{Entries, Form, RawEntry},
};

/// What stands at the top of a lockfile.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    /// `lockfileVersion`.
    pub(super) version: Stated,
    /// `packages`, versions 2 and 3.
    pub(super) packages: Part<'a>,
    /// `dependencies`, version 1; version 2 has them too, for npm 6, and there they are passed over if they come after `packages`.
    pub(super) dependencies: Part<'a>,
    /// A key that stands twice with different values.
    pub(super) duplicate: Option<&'static str>,
    /// Further keys, those that tell other tools' files.
    pub(super) tell_tales: TellTales,
}

/// A `lockfileVersion`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Stated {
    /// There is none.
    #[default]
    Nothing,
    /// A small number.
    Number(u8),
    /// Anything else, in words.
    Other(String),
}

/// `packages` or `dependencies`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// It is not there.
    #[default]
    Absent,
    /// It is no object.
    WrongType,
    /// Its entries; nested ones come after the one that they are in.
    Entries(Vec<RawEntry<'a>>),
}

/// Keys of other tools' files that were seen.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of keys")]
pub(super) struct TellTales {
    /// bun.
    pub(super) workspaces: bool,
    /// composer.
    pub(super) content_hash: bool,
    /// Pipenv.
    pub(super) meta: bool,
    /// deno.
    pub(super) specifiers: bool,
    /// Pyodide.
    pub(super) info: bool,
    /// package.json.
    pub(super) manifest: bool,
}

impl<'a> Document<'a> {
    /// Reads the whole text; `None` if it is JSON, but no object.
    pub(super) fn read(text: &'a str) -> Result<Option<Self>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let document = deserializer.deserialize_any(DocumentVisitor)?;
        deserializer.end()?;
        Ok(document)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Option<Document<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lockfile")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut document = Document::default();
        let mut version_seen = false;
        while let Some(key) = object.next_key_seed(TopKeySeed)? {
            match key {
                TopKey::Version => {
                    let stated = object.next_value_seed(StatedSeed)?;
                    if version_seen && stated != document.version {
                        document.duplicate = Some("lockfileVersion");
                    }
                    version_seen = true;
                    document.version = stated;
                }
                TopKey::Packages => {
                    let part = object.next_value_seed(Entries { form: Form::Flat })?;
                    if document.packages != Part::Absent && document.packages != part {
                        document.duplicate = Some("packages");
                    }
                    document.packages = part;
                }
                TopKey::Dependencies if matches!(document.packages, Part::Absent) => {
                    let part = object.next_value_seed(Entries { form: Form::Nested })?;
                    if document.dependencies != Part::Absent && document.dependencies != part {
                        document.duplicate = Some("dependencies");
                    }
                    document.dependencies = part;
                }
                TopKey::Dependencies | TopKey::Other => {
                    object.next_value::<IgnoredAny>()?;
                }
                TopKey::TellTale(mark) => {
                    object.next_value::<IgnoredAny>()?;
                    mark(&mut document.tell_tales);
                }
            }
        }
        Ok(Some(document))
    }

    other_types!(|_| None; unit bool number text list);
}

enum TopKey {
    Version,
    Packages,
    Dependencies,
    TellTale(fn(&mut TellTales)),
    Other,
}

struct TopKeySeed;

impl<'de> DeserializeSeed<'de> for TopKeySeed {
    type Value = TopKey;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TopKey, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TopKeySeed {
    type Value = TopKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<TopKey, E> {
        Ok(match key {
            "lockfileVersion" => TopKey::Version,
            "packages" => TopKey::Packages,
            "dependencies" => TopKey::Dependencies,
            "workspaces" => TopKey::TellTale(|seen| seen.workspaces = true),
            "content-hash" => TopKey::TellTale(|seen| seen.content_hash = true),
            "_meta" => TopKey::TellTale(|seen| seen.meta = true),
            "specifiers" => TopKey::TellTale(|seen| seen.specifiers = true),
            "info" => TopKey::TellTale(|seen| seen.info = true),
            "scripts" | "devDependencies" | "peerDependencies" | "main" | "type" => {
                TopKey::TellTale(|seen| seen.manifest = true)
            }
            _ => TopKey::Other,
        })
    }
}

struct StatedSeed;

impl<'de> DeserializeSeed<'de> for StatedSeed {
    type Value = Stated;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Stated, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StatedSeed {
    type Value = Stated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version")
    }

    fn visit_u64<E: Error>(self, version: u64) -> Result<Stated, E> {
        Ok(u8::try_from(version).map_or_else(|_| Stated::Other(version.to_string()), Stated::Number))
    }

    fn visit_i64<E: Error>(self, version: i64) -> Result<Stated, E> {
        Ok(Stated::Other(version.to_string()))
    }

    fn visit_f64<E: Error>(self, version: f64) -> Result<Stated, E> {
        Ok(Stated::Other(version.to_string()))
    }

    fn visit_str<E: Error>(self, version: &str) -> Result<Stated, E> {
        Ok(Stated::Other(format!("{:?}", shown(version))))
    }

    other_types!(|_| Stated::Other("of another type than a number".to_owned()); unit bool list object);
}
