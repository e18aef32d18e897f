//! The Python package index: which files a Python project has there, and what their metadata says.
//!
//! [`page`] and [`wheel_metadata`] are pure; [`client`] asks over HTTP. The resolver knows [`Index`] alone.

pub mod client;
mod error;
pub mod events;
mod file;
pub mod page;
pub mod wheel_metadata;

use std::sync::Arc;

pub use self::{
    error::IndexError,
    file::{CoreMetadata, IndexFile},
};
use crate::python::{metadata::Metadata, name::ProjectName};

/// Answers the resolver. What was answered once is answered the same again.
pub trait Index {
    /// The files of a project, in the index's order; `None` if it does not know the project.
    fn files(&self, name: &ProjectName) -> Result<Option<Arc<Vec<IndexFile>>>, IndexError>;

    /// A wheel's metadata.
    fn metadata(&self, wheel: &IndexFile) -> Result<Arc<Metadata>, IndexError>;

    /// These projects will be asked for: a good time to begin.
    fn expect(&self, names: &[ProjectName]);

    /// The metadata of these wheels may be asked for.
    fn expect_metadata(&self, wheels: &[IndexFile]);
}
