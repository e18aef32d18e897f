//! Configuration files in YAML, read into a tree, and looks into it that name the key where they do not understand it.

use serde_json::{Map, Value as Tree};
use serde_saphyr::{Options, options};

use super::settings::{Misread, Setting, Value};

/// Tables by their names.
type Tables<'a> = Vec<(&'a str, Map<String, Tree>)>;

/// A table of a document, and the keys that lead to it.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    tree: &'a Map<String, Tree>,
    prefix: &'a str,
}

/// The document of a YAML file. An empty one has no keys.
pub(super) fn yaml(bytes: &[u8]) -> Result<Map<String, Tree>, Misread> {
    let text = String::from_utf8_lossy(bytes);
    let options: Options = options! { with_snippet: false, duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
    let tree: Tree = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let place = error.location().map_or_else(String::new, |place| format!(" (line {})", place.line()));
        Misread::Syntax { language: "YAML", place }
    })?;
    match tree {
        Tree::Object(map) => Ok(map),
        Tree::Null => Ok(Map::new()),
        _ => Err(Misread::Syntax { language: "a YAML mapping", place: String::new() }),
    }
}

impl<'a> Table<'a> {
    pub(super) const fn top(tree: &'a Map<String, Tree>) -> Self {
        Self { tree, prefix: "" }
    }

    /// The key with those that lead to it: `npmScopes.company.npmAuthToken`.
    pub(super) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn value(&self, key: &str) -> Option<&'a Tree> {
        self.tree.get(key).filter(|value| !value.is_null())
    }

    /// A text. A number is none: it could have lost what it was written with.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Misread> {
        match self.value(key) {
            None => Ok(None),
            Some(Tree::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Misread::Value { key: self.full(key), accepted: "a text (in quotes, if it is a number)" }),
        }
    }

    /// A number, a truth value or a text, as npm's own files have it.
    pub(super) fn scalar(&self, key: &str) -> Result<Option<Value>, Misread> {
        match self.value(key) {
            None => Ok(None),
            Some(Tree::String(text)) => Ok(Some(Value::Text(text.clone()))),
            Some(Tree::Bool(flag)) => Ok(Some(Value::Flag(*flag))),
            Some(Tree::Number(number)) => Ok(Some(Value::Text(number.to_string()))),
            Some(_) => Err(Misread::Value { key: self.full(key), accepted: "one value" }),
        }
    }

    /// One value, or a list of texts.
    pub(super) fn setting(&self, key: &str) -> Result<Option<Setting>, Misread> {
        let Some(Tree::Array(list)) = self.value(key) else { return Ok(self.scalar(key)?.map(Setting::One)) };
        let texts = list.iter().map(|item| match item {
            Tree::String(text) => Ok(Value::Text(text.clone())),
            _ => Err(Misread::Value { key: self.full(key), accepted: "a text or a list of texts" }),
        });
        Ok(Some(Setting::Many(texts.collect::<Result<_, _>>()?)))
    }

    /// The same of a key that decides nothing of what is fetched: what is not understood says nothing.
    pub(super) fn lenient(&self, key: &str) -> Option<Setting> {
        self.setting(key).ok().flatten()
    }

    /// The keys and values of the table of this key.
    pub(super) fn entries(&self, key: &str) -> Result<impl Iterator<Item = (&'a str, &'a Tree)> + use<'a>, Misread> {
        let map = match self.value(key) {
            None => None,
            Some(Tree::Object(map)) => Some(map),
            Some(_) => return Err(Misread::Value { key: self.full(key), accepted: "a mapping" }),
        };
        Ok(map.into_iter().flatten().map(|(key, value)| (key.as_str(), value)))
    }

    /// The tables of the table of this key, by their names. One that says nothing is empty.
    pub(super) fn tables(&self, key: &str) -> Result<Tables<'a>, Misread> {
        let table = |(name, value): (&'a str, &'a Tree)| match value {
            Tree::Object(map) => Ok((name, map.clone())),
            Tree::Null => Ok((name, Map::new())),
            _ => Err(Misread::Value { key: format!("{}.{name}", self.full(key)), accepted: "a mapping" }),
        };
        self.entries(key)?.map(table).collect()
    }
}

impl<'a> Table<'a> {
    /// The table of this key.
    pub(super) fn one_table(&self, key: &str) -> Result<Option<&'a Map<String, Tree>>, Misread> {
        match self.value(key) {
            None => Ok(None),
            Some(Tree::Object(map)) => Ok(Some(map)),
            Some(_) => Err(Misread::Value { key: self.full(key), accepted: "a table" }),
        }
    }

    /// A table below, with the keys that lead to it, which end with a dot.
    pub(super) const fn below(tree: &'a Map<String, Tree>, prefix: &'a str) -> Self {
        Self { tree, prefix }
    }
}
