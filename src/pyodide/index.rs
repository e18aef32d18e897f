//! The index: which files a project has there, and what their metadata says.
//!
//! [`page`] and [`archive`] are pure; [`client`] asks over HTTP. The resolver knows [`Index`] alone.

pub mod archive;
pub mod client;
mod html;
pub mod page;
pub mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use larder_store::digest::Digest;
use url::Url;

use crate::http::DownloadError;
use crate::python::{metadata::Metadata, name::ProjectName};

/// A file that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name, not yet looked into.
    pub file_name: String,
    /// Where it is. It can have a query, and even a user name: show neither.
    pub url: Url,
    /// Its digest, if the index states one.
    pub sha256: Option<Digest>,
    /// Its length, bytes.
    pub size: Option<u64>,
    /// The versions of Python that it is for.
    pub requires_python: Option<String>,
    /// When it was uploaded.
    pub uploaded: Option<Timestamp>,
    /// Whether it was yanked: chosen by nobody who does not ask for this very version.
    pub is_yanked: bool,
    /// Whether its metadata is at its address with `.metadata` after it.
    pub metadata: Offer,
}

/// Whether an index offers a file's metadata by itself (PEP 658).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It does not say. Some do offer it all the same.
    Unsaid,
    /// It says no.
    No,
    /// It does, and may state its digest.
    Yes(Option<Digest>),
}

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

/// Why an index does not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Its list of a project's files did not arrive.
    #[error("the index's list of {name} did not arrive")]
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
        source: page::PageError,
    },
    /// A wheel or its metadata did not arrive.
    #[error("the metadata of {file_name} did not arrive")]
    Metadata {
        /// The wheel.
        file_name: String,
        /// Why.
        #[source]
        source: Arc<DownloadError>,
    },
    /// Metadata or a wheel that is not what the index says it is.
    #[error("{file_name}: the index states {expected}, and what came is {actual}")]
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
    #[error("{file_name} is no wheel that can be read")]
    Archive {
        /// The wheel.
        file_name: String,
        /// Why.
        #[source]
        source: archive::ArchiveError,
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
