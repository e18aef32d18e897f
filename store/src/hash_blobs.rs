//! Hashing many blobs, to compare them with what they should be: several at a time on each thread, so that their SHA-512 are computed side by side.

use std::{
    fs::File,
    io,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    digest::{Algorithm, BlobId, Digests, Hasher},
    error::{At as _, StoreError},
    hash::{READ_BYTES, hash_piece},
    open,
    store::Store,
};

/// Files that a thread reads in turns. Four fill the lanes of SHA-512 together with another thread's, and keep few files open.
const AT_ONCE: usize = 4;

/// Reads these blobs with `threads` threads. `algorithms` says which digests beside blake3 are computed of each, `judge` gets them. Both get the
/// blob's place in the list.
pub(crate) fn hash_all(
    store: &Store,
    blobs: &[BlobId],
    threads: usize,
    algorithms: &(impl Fn(usize) -> Vec<Algorithm> + Sync),
    judge: &(impl Fn(usize, Result<Digests, StoreError>) + Sync),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, blobs.len().max(1)) {
            scope.spawn(|| {
                let mut buffer = vec![0; READ_BYTES];
                loop {
                    let start = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                    if start >= blobs.len() {
                        break;
                    }
                    let end = (start + AT_ONCE).min(blobs.len());
                    let mut readers: Vec<Reader> =
                        (start..end).map(|at| Reader::open(&store.blob_path(&blobs[at]), algorithms(at))).collect();
                    read_in_turns(&mut readers, &mut buffer);
                    for (at, reader) in (start..end).zip(readers) {
                        judge(at, reader.finish(&store.blob_path(&blobs[at])));
                    }
                }
            });
        }
    });
}

struct Reader {
    /// `None` once it is read, or where it could not be.
    file: Option<File>,
    hasher: Hasher,
    failed: Option<io::Error>,
}

impl Reader {
    fn open(path: &Path, algorithms: Vec<Algorithm>) -> Self {
        let hasher = Hasher::new(algorithms);
        match open::to_read(path) {
            Ok((file, _)) => Self { file: Some(file), hasher, failed: None },
            Err(error) => Self { file: None, hasher, failed: Some(error) },
        }
    }

    /// Reads the next piece. False at the end.
    fn read(&mut self, buffer: &mut [u8]) -> bool {
        let Some(file) = &mut self.file else { return false };
        match hash_piece(file, &mut self.hasher, buffer) {
            Ok(0) => {
                self.hasher.close();
                self.file = None;
                false
            }
            Ok(_) => true,
            Err(error) => {
                (self.file, self.failed) = (None, Some(error));
                false
            }
        }
    }

    fn finish(self, path: &Path) -> Result<Digests, StoreError> {
        match self.failed {
            Some(error) => Err(error).at("read", path),
            None => Ok(self.hasher.finish()),
        }
    }
}

fn read_in_turns(readers: &mut [Reader], buffer: &mut [u8]) {
    loop {
        let mut is_over = true;
        for reader in &mut *readers {
            is_over &= !reader.read(buffer);
        }
        if is_over {
            return;
        }
    }
}
