//! Advisory locks on whole files. They die with their process, in any PID namespace.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::{
    error::StoreError,
    layout::Layout,
    open::{self, Names},
    wait::{Patience, wait_for},
};

/// How long blobs may be removed before who wants to use the store gives up.
const REMOVAL_PATIENCE: Patience = Patience::up_to(Duration::from_mins(1));

/// Says that the store is in use, until the file is closed: the shared lock on the file `lock`, where there is one.
pub(crate) fn use_store(layout: &Layout, lock_file: Option<File>) -> Result<Option<File>, StoreError> {
    if let Some(file) = &lock_file {
        shared(file, &layout.lock(), REMOVAL_PATIENCE)?;
    }
    Ok(lock_file)
}

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
