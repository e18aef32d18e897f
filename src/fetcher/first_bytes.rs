//! Trust on first use: checks of bytes that have no stated digest, before the store records theirs. They must be a package; a forge's archive of a commit is first
//! rewritten as a canonical tar.

mod repack;
mod shape;

use std::{
    fs::File,
    io::{self, Write},
};

use larder_store::{Store, StoreError, part::Part};

pub(super) use shape::{ManifestPlace, NotAPackage, Shape};

use crate::http::{DownloadError, SinkError};
use repack::RepackError;

/// What is asked of the bytes.
#[derive(Clone, Debug)]
pub(super) struct FirstBytes {
    /// What they must be, unless a digest says it.
    pub(super) shape: Option<Shape>,
    /// Whether they are a forge's archive of a commit.
    pub(super) is_commit: bool,
    /// Of them, how many may be unpacked.
    pub(super) longest: u64,
    /// Where files for a while are made.
    pub(super) store: Store,
}

impl FirstBytes {
    /// Looks at a part that has come whole. On an error its bytes are dropped, so that the next run asks again.
    pub(super) fn settle(&self, part: &mut Part) -> Result<(), SinkError> {
        // What is what was recorded or stated needs no further proof: an archive of an earlier larder was kept as it came.
        if part.agrees() == Some(true) {
            return Ok(());
        }
        let settled = if self.is_commit { self.pack_again(part) } else { self.check(part) };
        match (settled, &self.shape) {
            // Where a digest says what the bytes are, they are compared with that, whatever they look like.
            (Ok(()), _) | (Err(RepackError::Shape(_)), None) => Ok(()),
            (Err(error), _) => {
                part.drop_bytes().map_err(SinkError::new)?;
                Err(match error {
                    RepackError::Shape(error) => SinkError::new(error),
                    RepackError::Io(error) => SinkError::new(in_store(&self.store, error)),
                })
            }
        }
    }

    fn check(&self, part: &Part) -> Result<(), RepackError> {
        let Some(shape) = &self.shape else { return Ok(()) };
        Ok(shape.check(part.bytes().map_err(io::Error::other)?, self.longest)?)
    }

    fn pack_again(&self, part: &mut Part) -> Result<(), RepackError> {
        let extracted: File = self.store.nameless_file().map_err(io::Error::other)?;
        let anything = Shape { name: None, manifest: ManifestPlace::Optional };
        let shape = self.shape.as_ref().unwrap_or(&anything);
        let unpacked = repack::unpack(part.bytes().map_err(io::Error::other)?, extracted, shape, self.longest)?;
        part.begin(0, None).map_err(io::Error::other)?;
        unpacked.pack(io::BufWriter::with_capacity(128 << 10, PartWriter(part)))?.flush()?;
        Ok(())
    }
}

/// Why what came is no package, if that is what is wrong.
pub(super) fn not_a_package(error: &DownloadError) -> Option<&NotAPackage> {
    match error.last() {
        DownloadError::Sink { source, .. } => source.downcast_ref(),
        _ => None,
    }
}

/// The store's own error, if it is one.
fn in_store(store: &Store, error: io::Error) -> StoreError {
    match error.downcast::<StoreError>() {
        Ok(error) => error,
        Err(source) if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            StoreError::DiskFull { path: store.root().to_owned(), source }
        }
        Err(source) => StoreError::Io { action: "write", path: store.root().to_owned(), source },
    }
}

struct PartWriter<'a>(&'a mut Part);

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
