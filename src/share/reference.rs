//! A reference: `oci://…`, `s3://…`, `gs://…`, `az://…` or `file://…`, as it is typed.

use std::{fmt, str::FromStr};

use super::{
    object::{ObjectReference, ObjectReferenceError, ObjectRemote, ObjectSettings},
    remote::{Remote, RemoteError},
};

/// A place that stores are shared in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// An object store.
    Object(Box<ObjectReference>),
}

/// A text that names no place.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no place that a store is shared in")]
pub struct ReferenceError {
    /// As it was typed.
    text: String,
    /// What is wrong with it.
    #[source]
    source: ObjectReferenceError,
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let failed = |source| ReferenceError { text: text.to_owned(), source };
        Ok(Self::Object(Box::new(ObjectReference::parse(text).map_err(failed)?)))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(reference) => reference.fmt(f),
        }
    }
}

impl Reference {
    /// The place, to be read. Nothing is asked yet.
    pub(crate) fn open(&self, settings: &ObjectSettings<'_>) -> Result<Box<dyn Remote>, RemoteError> {
        match self {
            Self::Object(reference) => Ok(Box::new(ObjectRemote::open(reference, settings)?)),
        }
    }
}
