//! A reference: `oci://…`, `s3://…`, `gs://…`, `az://…` or `file://…`, as it is typed.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{
    object::{ObjectReference, ObjectReferenceError, ObjectRemote, ObjectSettings},
    oci::{
        client::Access,
        reference::{Reference as ImageReference, ReferenceError as ImageReferenceError},
        remote::OciRemote,
    },
    remote::{Remote, RemoteError},
};

/// How the reference of an image begins.
const OCI: &str = "oci://";

/// A place that stores are shared in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// An object store.
    Object(Box<ObjectReference>),
    /// An image in a registry, or with `{plan}` in its tag one for each plan.
    Image(String),
}

/// A text that names no place.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no place that a store is shared in")]
pub struct ReferenceError {
    /// As it was typed.
    text: String,
    /// What is wrong with it.
    #[source]
    source: ReferenceProblem,
}

/// What is wrong with a reference.
#[derive(Debug, thiserror::Error)]
enum ReferenceProblem {
    #[error(transparent)]
    Object(#[from] ObjectReferenceError),
    #[error(transparent)]
    Image(#[from] ImageReferenceError),
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let failed = |source| ReferenceError { text: text.to_owned(), source };
        if text.starts_with(OCI) {
            ImageReference::parse_for_any_plan(text).map_err(|error| failed(error.into()))?;
            return Ok(Self::Image(text.to_owned()));
        }
        Ok(Self::Object(Box::new(ObjectReference::parse(text).map_err(|error| failed(error.into()))?)))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(reference) => reference.fmt(f),
            Self::Image(text) => f.write_str(text),
        }
    }
}

impl Reference {
    /// The place, to be read. Nothing is asked yet. `scratch` is a folder for what has to be kept meanwhile.
    pub(crate) fn open(
        &self,
        settings: &ObjectSettings<'_>,
        scratch: Option<PathBuf>,
    ) -> Result<Box<dyn Remote>, RemoteError> {
        Ok(match self {
            Self::Object(reference) => Box::new(ObjectRemote::open(reference, settings)?),
            Self::Image(text) => {
                let remote = OciRemote::open(text, settings.environment, settings.client, Access::Pull)?;
                Box::new(remote.spooling_in(scratch))
            }
        })
    }
}
