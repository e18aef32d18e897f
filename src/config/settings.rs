//! Settings by npm's keys: the common form into which each package manager's file is translated. Later steps do not depend on the file that a setting came from.

use std::collections::BTreeMap;

/// npm's keys and their values, whatever file they come from.
pub(super) type Settings = BTreeMap<String, Setting>;

/// A setting's value: one, or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `key = value`.
    One(Value),
    /// `key[] = value`, once or more.
    Many(Vec<Value>),
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any text.
    Text(String),
    /// `true` or `false`; a key without a value is true.
    Flag(bool),
    /// `null`.
    Null,
}

/// Why a file is not understood. Without its values: they can be secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misread {
    /// It is not of the format.
    Syntax {
        language: &'static str,
        /// Where, in words.
        place: String,
    },
    /// A value is of another kind than its key has.
    Value { key: String, accepted: &'static str },
}

/// What a text means that is `true`, `false` or `null`.
pub(super) fn value_of(text: String) -> Value {
    match text.as_str() {
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        "null" => Value::Null,
        _ => Value::Text(text),
    }
}

/// A setting of one text.
pub(super) fn one(text: impl Into<String>) -> Setting {
    Setting::One(Value::Text(text.into()))
}
