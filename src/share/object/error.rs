//! [`ObjectError`]: why an object store did not do what it was asked, and whose fault that is.

use std::time::Duration;

use super::catalog::CatalogError;
use crate::{
    core::path_error::PathError,
    fetcher::Fault,
    http::{ClientError, RedactedUrl},
};

/// A question to an object store that failed.
#[derive(Debug, thiserror::Error)]
#[error("{name}: cannot {asked}")]
pub(crate) struct ObjectError {
    /// The reference.
    pub(crate) name: String,
    /// What was asked: `read plans/….jsonl`.
    pub(crate) asked: String,
    /// Why it failed.
    #[source]
    pub(crate) fault: Box<ObjectFault>,
}

/// Why a question to an object store failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectFault {
    /// It is not there.
    #[error("it is not there")]
    NotFound,
    /// It is not allowed.
    #[error("the object store denies it; credentials come from the environment")]
    Denied(#[source] object_store::Error),
    /// Somebody else has written it meanwhile.
    #[error("others write it all the time")]
    Contended,
    /// Nothing came for that long.
    #[error("nothing came for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The object store or the way to it failed.
    #[error(transparent)]
    Engine(object_store::Error),
    /// It gave something else than it has.
    #[error("it gave {actual} bytes, and has {expected}")]
    Length {
        /// Bytes that it is to have.
        expected: u64,
        /// Bytes that came.
        actual: u64,
    },
    /// A plan's file is too long.
    #[error("it has more than {0} bytes")]
    TooLong(u64),
    /// A plan's file is none.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Credentials and blobs would go without encryption.
    #[error("{address} has no encryption; {allow}=true allows that")]
    Plain {
        /// Where.
        address: RedactedUrl,
        /// The variable.
        allow: String,
    },
    /// A folder cannot be made.
    #[error(transparent)]
    Folder(#[from] PathError),
    /// Connections cannot be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The runtime for it cannot be started.
    #[error("cannot start threads")]
    Runtime(#[source] std::io::Error),
    /// A blob cannot be read here.
    #[error(transparent)]
    Store(#[from] larder_store::StoreError),
    /// It was asked to stop.
    #[error("stopped")]
    Interrupted,
}

impl From<object_store::Error> for ObjectFault {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error;
        match error {
            Error::NotFound { .. } => Self::NotFound,
            error @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => Self::Denied(error),
            error => Self::Engine(error),
        }
    }
}

impl ObjectError {
    /// Whose fault it is: decides the exit code.
    pub(crate) fn fault(&self) -> Fault {
        match &*self.fault {
            ObjectFault::Stalled(_)
            | ObjectFault::Contended
            | ObjectFault::Length { .. }
            | ObjectFault::Engine(object_store::Error::Generic { .. }) => Fault::Network,
            ObjectFault::Store(_) => Fault::Store,
            _ => Fault::Data,
        }
    }

    /// Whether these credentials may not do this.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(*self.fault, ObjectFault::Denied(_))
    }

    /// The error of the store here, if that is what failed.
    pub(crate) fn of_store(&self) -> Option<&larder_store::StoreError> {
        if let ObjectFault::Store(error) = &*self.fault { Some(error) } else { None }
    }

    /// Whether it was asked to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(*self.fault, ObjectFault::Interrupted)
    }
}
