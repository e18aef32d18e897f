//! Advisory locks on whole files. They die with their process, in any PID namespace.

use std::{
    fs::{File, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::StoreError,
    layout::Layout,
    open::{self, Names},
};

/// The longest step between two tries to get a lock.
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// Opens a lock file for writing, making it if it is missing.
pub(crate) fn open(layout: &Layout, path: &Path, names: Names) -> Result<File, StoreError> {
    open::shared(layout, path, names)
}

/// Tries for at most `patience` to get what `attempt` tries, in steps from 1 ms to 50 ms; `None` if others had it all that time.
pub(crate) fn try_for<T, E>(
    patience: Duration,
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let start = Instant::now();
    let mut step = Duration::from_millis(1);
    loop {
        if let Some(got) = attempt()? {
            return Ok(Some(got));
        }
        if start.elapsed() >= patience {
            return Ok(None);
        }
        thread::sleep(step);
        step = (step * 2).min(LONGEST_STEP);
    }
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
