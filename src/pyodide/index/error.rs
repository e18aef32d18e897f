//! Errors of an index.

use std::sync::Arc;

use larder_store::digest::Digest;

use super::{page::PageError, wheel_metadata::ArchiveError};
use crate::{http::DownloadError, python::name::ProjectName};

/// Why an index does not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Its list of a project's files did not arrive.
    #[error("cannot download the index's list of {name}")]
    List {
        /// The project.
        name: ProjectName,
        /// Why.
        #[source]
        source: Arc<DownloadError>,
    },
    /// What arrived is no such list.
    #[error("the index's list of {name} cannot be read")]
    Page {
        /// The project.
        name: ProjectName,
        /// Why.
        #[source]
        source: PageError,
    },
    /// A wheel or its metadata did not arrive.
    #[error("cannot download the metadata of {file_name}")]
    Metadata {
        /// The wheel.
        file_name: String,
        /// Why.
        #[source]
        source: Arc<DownloadError>,
    },
    /// Metadata or a wheel that is not what the index says it is.
    #[error("{file_name}: the index states {expected}, but the file is {actual}")]
    Mismatch {
        /// The wheel, or its metadata.
        file_name: String,
        /// The digest that the index states.
        expected: Box<Digest>,
        /// The digest of what came.
        actual: Box<Digest>,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// A wheel without readable metadata.
    #[error("{file_name} is not a readable wheel")]
    Archive {
        /// The wheel.
        file_name: String,
        /// Why.
        #[source]
        source: ArchiveError,
    },
}

impl IndexError {
    /// What the network said, if it was the network.
    pub fn download(&self) -> Option<&DownloadError> {
        match self {
            Self::List { source, .. } | Self::Metadata { source, .. } => Some(source.last()),
            Self::Page { .. } | Self::Mismatch { .. } | Self::Archive { .. } | Self::Interrupted => None,
        }
    }
}
