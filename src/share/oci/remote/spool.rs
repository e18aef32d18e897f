//! [`Spool`]: layers that have to be read whole, because another tool packed them or because the registry gives no parts. Each is read once, by whoever needs it first, and its blobs are kept
//! in a file without a name.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use larder_store::{digest::BlobId, import::RefusalReason};
use tokio::runtime::Handle;

use crate::share::oci::{
    client::{BlobBody, Repository},
    error::{RegistryError, RegistryFault},
    image::Descriptor,
    seed::{LayerError, read_blobs},
};

/// Besides its blobs, a layer may have headers: bytes for each of them.
const HEADERS: u64 = 4096;

/// And what larder does not know: bytes. Somebody has built another image upon it.
const MOST_OTHERS: u64 = 64 << 20;

/// Written at once: bytes.
const BATCH: usize = 256 << 10;

/// Layers of an image, read whole when they are needed.
pub(super) struct Spool {
    pub(super) repository: Repository,
    pub(super) handle: Handle,
    /// Where files are made, unless where the system makes them.
    pub(super) folder: Option<PathBuf>,
    /// The blobs that are kept, and their lengths.
    pub(super) sizes: HashMap<BlobId, u64>,
    layers: Vec<(Descriptor, Mutex<Slot>)>,
}

/// What came of reading a layer.
#[derive(Clone)]
enum Slot {
    Unread,
    Read(Arc<Spooled>),
    /// It is not tried again: the client has done so.
    Failed(Arc<SpoolError>),
}

/// A layer's blobs.
struct Spooled {
    file: File,
    /// The first byte of each.
    places: HashMap<BlobId, u64>,
}

/// Why a layer's blobs cannot be had.
#[derive(Debug, thiserror::Error)]
enum SpoolError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error("a temporary file cannot be used")]
    File(#[from] io::Error),
}

impl Spool {
    pub(super) fn new(
        repository: &Repository,
        handle: &Handle,
        folder: Option<PathBuf>,
        layers: &[Descriptor],
        sizes: HashMap<BlobId, u64>,
    ) -> Self {
        let layers = layers.iter().map(|layer| (layer.clone(), Mutex::new(Slot::Unread))).collect();
        Self { repository: repository.clone(), handle: handle.clone(), folder, sizes, layers }
    }

    /// A blob's bytes. `expected` is the layer that it should be in, and is read first; `begun` are its bytes, if they are coming already.
    pub(super) fn open(
        &self,
        blob: BlobId,
        expected: Option<usize>,
        mut begun: Option<BlobBody>,
    ) -> Result<Box<dyn Read + '_>, RefusalReason> {
        let others = (0..self.layers.len()).filter(|at| Some(*at) != expected);
        for at in expected.into_iter().chain(others) {
            let spooled = self.layer(at, begun.take())?;
            if let Some(place) = spooled.places.get(&blob) {
                return Ok(Box::new(SpooledBlob { at: *place, left: self.sizes[&blob], spooled }));
            }
        }
        Err(RefusalReason::Missing)
    }

    fn layer(&self, at: usize, begun: Option<BlobBody>) -> Result<Arc<Spooled>, RefusalReason> {
        let (described, slot) = &self.layers[at];
        // Held while the layer is read: single flight.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*slot, Slot::Unread) {
            *slot = match self.read(described, begun) {
                Ok(spooled) => Slot::Read(Arc::new(spooled)),
                Err(error) => Slot::Failed(Arc::new(error)),
            };
        }
        match &*slot {
            Slot::Read(spooled) => Ok(Arc::clone(spooled)),
            Slot::Failed(error) => Err(match &**error {
                SpoolError::Registry(RegistryError { fault: RegistryFault::NotFound { .. }, .. }) => {
                    RefusalReason::Missing
                }
                _ => RefusalReason::Unread(io::Error::other(Arc::clone(error))),
            }),
            Slot::Unread => unreachable!("it was read"),
        }
    }

    fn read(&self, described: &Descriptor, begun: Option<BlobBody>) -> Result<Spooled, SpoolError> {
        let body = match begun {
            Some(body) => body,
            None => self.handle.block_on(self.repository.read_blob(&described.digest, described.size, None))?,
        };
        let file = self.folder.as_ref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        let mut written = BufWriter::with_capacity(BATCH, &file);
        let (mut places, mut end) = (HashMap::new(), 0);
        let most = self.sizes.values().fold(MOST_OTHERS, |sum, size| sum.saturating_add(size.saturating_add(HEADERS)));
        read_blobs(described, body.into_read(self.handle.clone()), most, |_, blob, len, bytes| {
            if self.sizes.get(&blob) == Some(&len) && !places.contains_key(&blob) {
                let count = io::copy(bytes, &mut written)?;
                places.insert(blob, end);
                end += count;
            }
            Ok(())
        })?;
        written.flush()?;
        drop(written);
        Ok(Spooled { file, places })
    }
}

/// A blob of a layer that was read.
struct SpooledBlob {
    spooled: Arc<Spooled>,
    at: u64,
    left: u64,
}

impl Read for SpooledBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.spooled.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
