//! The generation of the index, which is how often it was changed: 8 bytes in `index.lock`, and the same number inside the index.
//!
//! The file tells other processes to look again. The pair tells that sled lost changes: on damage in the middle of its log it opens without an error,
//! with what came before the damage alone.

use std::os::unix::fs::FileExt as _;

use crate::{
    error::{At as _, StoreError},
    layout::Layout,
    lock,
    open::{self, Names},
    writable::Writable,
};

/// The number in the file; 0 if there is none yet.
pub(crate) fn read(layout: &Layout) -> u64 {
    let mut bytes = [0; 8];
    let read = open::without_following(&layout.index_lock()).and_then(|file| file.read_exact_at(&mut bytes, 0));
    match read {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(error) => {
            tracing::debug!(%error, "no change of the index was counted yet");
            0
        }
    }
}

/// Writes the number. Only to be called by who holds the lock on the file.
pub(crate) fn write(store: Writable<'_>, generation: u64) -> Result<(), StoreError> {
    let path = store.layout().index_lock();
    lock::open(store.layout(), &path, Names::One)?.write_all_at(&generation.to_le_bytes(), 0).at("write", &path)
}
