//! The fields of one package's entry.

use serde_json::{Map, Value};

use super::error::PackageProblem;

/// A text that has to be there.
pub(super) fn text(fields: &Map<String, Value>, field: &'static str) -> Result<Box<str>, PackageProblem> {
    match optional_text(fields, field)? {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(PackageProblem::Missing { field }),
    }
}

/// A text that some releases do not write.
pub(super) fn optional_text(
    fields: &Map<String, Value>,
    field: &'static str,
) -> Result<Option<Box<str>>, PackageProblem> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(PackageProblem::WrongType { field, expected: "a text" }),
    }
}

/// A list of texts that has to be there.
pub(super) fn texts<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<Vec<&'a str>, PackageProblem> {
    let wrong = PackageProblem::WrongType { field, expected: "a list of texts" };
    match fields.get(field) {
        None | Some(Value::Null) => Err(PackageProblem::Missing { field }),
        Some(Value::Array(texts)) => texts.iter().map(|text| text.as_str().ok_or_else(|| wrong.clone())).collect(),
        Some(_) => Err(wrong),
    }
}
