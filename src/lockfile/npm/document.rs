//! The lockfile as JSON: the keys at its top.

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess};

use super::{
    entries::EntriesSeed,
    entry::{Form, RawEntry},
};
use crate::lockfile::{
    lenient::{ReadObject, Shaped, ShapedSeed, TextSeed},
    version::StatedVersion,
};

/// The entries of `packages` or `dependencies`.
pub(super) type RawEntries<'a> = Shaped<Vec<RawEntry<'a>>>;

/// What stands at the top of a lockfile.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    /// `lockfileVersion`.
    pub(super) version: StatedVersion,
    /// `packages`, versions 2 and 3.
    pub(super) packages: RawEntries<'a>,
    /// `dependencies`, version 1; version 2 has them too, for npm 6, and there they are passed over if they come after `packages`.
    pub(super) dependencies: RawEntries<'a>,
    /// A key that stands twice with different values.
    pub(super) duplicate: Option<&'static str>,
    /// Further keys, those that tell other tools' files.
    pub(super) tell_tales: TellTales,
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
        let document = ShapedSeed(Top).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(match document {
            Shaped::Object(document) => Some(document),
            Shaped::Absent | Shaped::WrongType => None,
        })
    }
}

struct Top;

impl<'de> ReadObject<'de> for Top {
    type Value = Document<'de>;

    fn read<A: MapAccess<'de>>(self, mut object: A) -> Result<Document<'de>, A::Error> {
        let mut document = Document::default();
        while let Some(key) = object.next_key_seed(TextSeed)? {
            let is_repeated = match &*key {
                "lockfileVersion" => replace(&mut document.version, object.next_value()?),
                "packages" => replace(&mut document.packages, object.next_value_seed(EntriesSeed(Form::Flat))?),
                "dependencies" if document.packages == Shaped::Absent => {
                    replace(&mut document.dependencies, object.next_value_seed(EntriesSeed(Form::Nested))?)
                }
                other => {
                    object.next_value::<IgnoredAny>()?;
                    document.tell_tales.note(other);
                    false
                }
            };
            if is_repeated {
                document.duplicate = ["lockfileVersion", "packages", "dependencies"].into_iter().find(|it| *it == key);
            }
        }
        Ok(document)
    }
}

/// Puts a value in its place, and says whether another one stood there.
fn replace<T: Default + PartialEq>(place: &mut T, value: T) -> bool {
    let is_repeated = *place != T::default() && *place != value;
    *place = value;
    is_repeated
}

impl TellTales {
    fn note(&mut self, key: &str) {
        match key {
            "workspaces" => self.workspaces = true,
            "content-hash" => self.content_hash = true,
            "_meta" => self.meta = true,
            "specifiers" => self.specifiers = true,
            "info" => self.info = true,
            "scripts" | "devDependencies" | "peerDependencies" | "main" | "type" => self.manifest = true,
            _ => {}
        }
    }
}
