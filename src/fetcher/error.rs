//! Why nothing could be fetched at all.

use larder_store::StoreError;

use crate::{config::error::ConfigError, http::ClientError};

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A program that should print a token does not.
    #[error(transparent)]
    Npmrc(#[from] ConfigError),
    /// The system gives no threads.
    #[error("cannot start the threads for downloading")]
    Runtime(#[source] std::io::Error),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}
