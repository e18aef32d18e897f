//! Systems without namespaces.

use std::{net::IpAddr, path::Path};

use super::error::IsolationError;

/// There are none.
pub(crate) fn enter() -> Result<(), IsolationError> {
    Err(IsolationError::NotLinux)
}

/// There are none.
pub(crate) fn add_address(_: IpAddr) -> Result<(), IsolationError> {
    Err(IsolationError::NotLinux)
}

/// There are none.
pub(crate) fn put_over(_: &Path, _: &Path) -> Result<(), IsolationError> {
    Err(IsolationError::NotLinux)
}
