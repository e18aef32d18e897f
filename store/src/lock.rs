//! Advisory locks on whole files. They die with their process, in any PID namespace.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::{
    error::StoreError,
    layout::Layout,
    open::{self, Names},
    wait::{Patience, wait_for},
};

/// Opens a lock file for writing, making it if it is missing.
pub(crate) fn open(layout: &Layout, path: &Path, names: Names) -> Result<File, StoreError> {
    open::shared(layout, path, names)
}

/// Takes the lock on `file`, waiting for who has it: see [`wait_for`].
pub(crate) fn exclusive(file: &File, path: &Path, patience: Patience) -> Result<(), StoreError> {
    wait_for(path, patience, || Ok(try_exclusive(file, path)?.then_some(())))
}

/// Takes a shared lock on `file`, waiting for who keeps it for himself.
pub(crate) fn shared(file: &File, path: &Path, patience: Patience) -> Result<(), StoreError> {
    wait_for(path, patience, || Ok(try_shared(file, path)?.then_some(())))
}

/// Takes the lock on `file` if nobody else has it.
pub(crate) fn try_exclusive(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path, error)),
    }
}

/// Takes a shared lock on `file` unless somebody keeps it for himself.
pub(crate) fn try_shared(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.try_lock_shared() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path, error)),
    }
}
