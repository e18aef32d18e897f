//! [`ImageBlobs`]: blobs of an image, each asked for by its place in a layer; where that does not go, out of layers that are read whole.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use larder_store::{
    digest::BlobId,
    import::{Blobs, RefusalReason},
    key::BlobRef,
    receipt::Receipt,
};
use tokio::runtime::Handle;

use super::spool::Spool;
use crate::{
    share::oci::{
        client::{BlobBody, Repository},
        error::{RegistryError, RegistryFault},
        image::{Descriptor, Manifest},
        layers::{BlobSpan, LAYERS_AFTER_BLOBS},
        seed::{expected_layers, locate},
    },
    view::context::SeedPart,
};

/// Blobs of an image.
pub(super) struct ImageBlobs {
    repository: Repository,
    handle: Handle,
    layers: Vec<Descriptor>,
    /// In which layer each is by the rule, and where in it.
    places: HashMap<BlobId, (usize, BlobSpan)>,
    /// Whether the layers are as the rule says.
    is_located: bool,
    /// Whether the registry gives parts of them: its first answer says that. Until then one thread asks.
    gives_parts: OnceLock<bool>,
    first: Mutex<()>,
    spool: Spool,
}

impl ImageBlobs {
    /// Those of a manifest whose receipts name these.
    pub(super) fn new(
        repository: &Repository,
        handle: &Handle,
        folder: Option<PathBuf>,
        manifest: &Manifest,
        blobs: &[(SeedPart, BlobRef)],
    ) -> Self {
        let layers = manifest.layers.clone();
        let expected = expected_layers(blobs.iter().copied()).unwrap_or_default();
        let is_located = locate(&layers, blobs.iter().copied()).is_some();
        let mut places = HashMap::new();
        // Who packs layers leaves them in their order.
        if layers.len() >= expected.len() + LAYERS_AFTER_BLOBS {
            for (at, layer) in expected.iter().enumerate() {
                places.extend(layer.blobs().map(|span| (span.blob.blob, (at, span))));
            }
        }
        let sizes = blobs.iter().map(|(_, found)| (found.blob, found.size)).collect();
        Self {
            repository: repository.clone(),
            handle: handle.clone(),
            places,
            is_located,
            gives_parts: OnceLock::new(),
            first: Mutex::default(),
            spool: Spool::new(repository, handle, folder, &layers, sizes),
            layers,
        }
    }

    fn ask(&self, at: usize, span: &BlobSpan) -> Result<BlobBody, RefusalReason> {
        let layer = &self.layers[at];
        let range = span.offset..span.offset + span.blob.size;
        match self.handle.block_on(self.repository.read_blob(&layer.digest, layer.size, Some(range))) {
            Ok(body) => Ok(body),
            Err(RegistryError { fault: RegistryFault::NotFound { .. }, .. }) => Err(RefusalReason::Missing),
            Err(error) => Err(RefusalReason::Unread(io::Error::other(error))),
        }
    }
}

impl Blobs for ImageBlobs {
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn Read + 'a>, RefusalReason> {
        let place = self.places.get(&receipt.blob);
        let expected = place.map(|(at, _)| *at);
        let Some((at, span)) = place.filter(|_| self.is_located) else {
            return self.spool.open(receipt.blob, expected, None);
        };
        let hold = || self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.gives_parts.get().is_none().then(hold);
        if self.gives_parts.get() == Some(&false) {
            drop(first);
            return self.spool.open(receipt.blob, expected, None);
        }
        let body = self.ask(*at, span)?;
        if body.range().start == span.offset {
            if span.blob.size > 0 {
                self.gives_parts.get_or_init(|| true);
            }
            return Ok(Box::new(body.into_read(self.handle.clone())));
        }
        // What comes now is the whole layer. Until it is here, nobody asks for it again.
        let opened = self.spool.open(receipt.blob, expected, Some(body));
        self.gives_parts.get_or_init(|| false);
        opened
    }
}
