//! [`Remote`]: a place that plans are shared in, whatever engine keeps it. Nothing that it says is believed: the store compares every byte.

use larder_store::{import::Blobs, rate::DownloadRate, receipt::Receipt};

use super::{
    object::ObjectError,
    oci::{
        error::{RegistryError, RegistryFault},
        reference::ReferenceError,
        remote::error::ImageError,
    },
};
use crate::fetcher::Fault;

/// A place that plans are shared in.
pub(crate) trait Remote: Sync {
    /// What it has of a plan; `None` if nobody has shared that.
    fn plan(&self, plan: &str) -> Result<Option<Shared<'_>>, RemoteError>;

    /// Plans that it has besides, those that were shared last first; [`MOST_OTHERS`] at most.
    fn others(&self) -> Result<Vec<String>, RemoteError>;
}

/// Other plans that are looked at for what a plan has in common with them. Each costs a request, and the last ones have nearly all of it.
pub(crate) const MOST_OTHERS: usize = 16;

/// What a remote has of one plan.
pub(crate) struct Shared<'a> {
    /// The receipts of its blobs, as they were judged: [`larder_store::import::receipt`].
    pub(crate) receipts: Vec<Receipt>,
    /// The blobs.
    pub(crate) blobs: Box<dyn Blobs + 'a>,
    /// How fast the registry was on the machine that shared it, if it is known.
    pub(crate) registry: Option<DownloadRate>,
}

/// Why a remote did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// An object store.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An image in a registry.
    #[error(transparent)]
    Image(#[from] Box<ImageError>),
    /// A text that names no image.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl RemoteError {
    /// The error of the store here, if that is what failed.
    pub(crate) fn of_store(&self) -> Option<&larder_store::StoreError> {
        if let Self::Object(error) = self { error.of_store() } else { None }
    }

    /// Whether it was asked to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(self, Self::Object(error) if error.is_interrupted())
    }

    /// Whose fault it is: decides the exit code.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Object(error) => error.fault(),
            Self::Registry(error) => error.fault(),
            Self::Image(error) => error.fault(),
            Self::Reference(_) => Fault::Data,
        }
    }

    /// Whether these credentials may not do this.
    pub(crate) fn is_denied(&self) -> bool {
        match self {
            Self::Object(error) => error.is_denied(),
            Self::Registry(error) => matches!(error.fault, RegistryFault::Denied { .. }),
            Self::Image(_) | Self::Reference(_) => false,
        }
    }
}
