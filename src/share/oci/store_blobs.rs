//! Blobs of a store as readers that fail if the bytes are not those of the blob's name.

use std::{
    fs::File,
    io::{self, Read},
};

use larder_store::{Store, StoreError, digest::Hasher, key::BlobRef, verify::verify_blobs};

/// Where the blobs of a layer come from.
pub trait Blobs {
    /// A blob's bytes. Reading fails, at their end at the latest, if they are not those of its name. A [`StoreError`] is the inner error.
    fn open(&self, found: &BlobRef) -> io::Result<Box<dyn Read + '_>>;
}

impl Blobs for Store {
    fn open(&self, found: &BlobRef) -> io::Result<Box<dyn Read + '_>> {
        let file = self.open_blob(&found.blob).map_err(io::Error::other)?;
        // A file that is longer than it was is not the blob, and is not read to its end.
        let file = file.take(found.size.saturating_add(1));
        Ok(Box::new(VerifiedBlob { store: self, found: *found, file, hasher: Hasher::new([]) }))
    }
}

/// A blob that is compared with its name when its end is read: one pass, where a check in advance would be two.
struct VerifiedBlob<'a> {
    store: &'a Store,
    found: BlobRef,
    file: io::Take<File>,
    hasher: Hasher,
}

impl Read for VerifiedBlob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            let actual = self.hasher.clone().finish();
            if actual.blob != self.found.blob {
                // Sets it aside, unless somebody has put it right since: these bytes are wrong all the same.
                drop(verify_blobs(self.store, &[self.found], 1));
                let path = self.store.blob_path(&self.found.blob);
                return Err(io::Error::other(StoreError::DamagedBlob { path, actual: actual.blob }));
            }
        }
        Ok(count)
    }
}
