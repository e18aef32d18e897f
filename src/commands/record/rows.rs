//! New rows of a `larder.lock` beside its own. Pure.

use crate::lockfile::larder_lock::{LarderLock, RecordedAbsence, RecordedDownload};

/// The lock with these rows beside its own, by address.
pub(super) fn merged(
    mut lock: LarderLock,
    downloads: Vec<RecordedDownload>,
    absent: Vec<RecordedAbsence>,
) -> LarderLock {
    lock.downloads.extend(downloads);
    lock.downloads.sort_by(|a, b| a.url.cmp(&b.url));
    lock.absent.extend(absent);
    lock.absent.sort_by(|a, b| a.url.cmp(&b.url));
    lock
}
