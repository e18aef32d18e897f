//! [`ImageError`]: why an image of a repository cannot be written or read, where the registry itself did what it was asked.

use std::io;

use larder_store::{StoreError, seed::UnfitMeta};

use crate::{
    fetcher::Fault,
    http::ClientError,
    share::oci::{credentials::CredentialsError, image::DocumentError, seed::LayerError},
};

/// Something with an image that failed.
#[derive(Debug, thiserror::Error)]
#[error("{name}: cannot {asked}")]
pub(crate) struct ImageError {
    /// The reference.
    pub(crate) name: String,
    /// What was to be done: `read the version latest`.
    pub(crate) asked: String,
    /// Why it failed.
    #[source]
    pub(crate) fault: ImageFault,
}

/// Why something with an image failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageFault {
    /// Its document is none.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// One of its layers cannot be read.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// It is of a later larder, or what says that it is a seed is damaged.
    #[error(transparent)]
    Meta(#[from] UnfitMeta),
    /// It is somebody else's.
    #[error("it is not an image that larder made")]
    NotLarders,
    /// A digest names what is, and nothing is written under it.
    #[error("a digest names what a registry has: name a tag to push to")]
    Digest,
    /// Credentials cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Connections cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The runtime for it cannot be started.
    #[error("cannot start threads")]
    Runtime(#[source] io::Error),
    /// A blob that is to be sent cannot be read here.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The same, with another reason.
    #[error("what is to be sent cannot be read")]
    Source(#[source] io::Error),
    /// It was asked to stop.
    #[error("stopped")]
    Interrupted,
}

impl ImageError {
    /// Whose fault it is: decides the exit code.
    pub(crate) const fn fault(&self) -> Fault {
        match &self.fault {
            ImageFault::Store(_) | ImageFault::Source(_) => Fault::Store,
            _ => Fault::Data,
        }
    }
}

/// Who reads blobs of a store for a layer gives the store's error inside that of the system.
impl From<io::Error> for ImageFault {
    fn from(error: io::Error) -> Self {
        error.downcast::<StoreError>().map_or_else(Self::Source, Self::Store)
    }
}
