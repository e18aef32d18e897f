//! The images that are to be pushed, layer by layer, and digests of layers that nobody knows.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use larder_store::{Store, key::BlobRef, stats::Tally};

use crate::{
    core::layout::Layout,
    share::oci::{
        digest::ContentDigest,
        image::Platform,
        layers::{LAYERS_AFTER_BLOBS, Layer, layers},
        remote::{error::ImageFault, known::KnownLayers},
    },
    view::context::SeedPart,
};

/// Layers that are read at once: more than a disk and a few processors do not get faster.
const MOST_THREADS: usize = 4;

/// An image that is to be pushed.
pub(super) struct OwnImage<'a> {
    pub(super) platform: &'a Platform,
    pub(super) layout: &'a Layout,
    /// All of them, those without blobs last.
    pub(super) layers: Vec<Layer>,
    /// The digests of those without blobs, whose bytes are in memory.
    pub(super) last: Vec<ContentDigest>,
}

impl<'a> OwnImage<'a> {
    pub(super) fn new(platform: &'a Platform, layout: &'a Layout, store: &Store) -> Result<Self, ImageFault> {
        let layers = layers(layout);
        let last = layers[layers.len() - LAYERS_AFTER_BLOBS..].iter().map(|layer| layer.digest(layout, store));
        let last = last.collect::<Result<_, _>>()?;
        Ok(Self { platform, layout, layers, last })
    }

    /// The digest of the layer with the receipts.
    pub(super) fn metadata(&self) -> ContentDigest {
        self.last[0]
    }

    /// The blobs of its layers.
    pub(super) fn blobs(&self) -> impl Iterator<Item = (SeedPart, BlobRef)> + '_ {
        self.with_blobs().iter().flat_map(Layer::blobs).map(|span| (span.part, span.blob))
    }

    /// The layers whose digests nobody knows.
    pub(super) fn unknown(&self, known: &KnownLayers) -> Vec<&Layer> {
        self.with_blobs().iter().filter(|layer| known.digest(layer).is_none()).collect()
    }

    /// The digests of all layers; those of layers with blobs are known.
    pub(super) fn digests(&self, known: &KnownLayers) -> Vec<ContentDigest> {
        let with_blobs = self.with_blobs().iter().map(|layer| known.digest(layer).expect("it was computed"));
        with_blobs.chain(self.last.iter().copied()).collect()
    }

    fn with_blobs(&self) -> &[Layer] {
        &self.layers[..self.layers.len() - LAYERS_AFTER_BLOBS]
    }
}

/// Computes the digests that are not known. Reads the blobs of those layers; how many and how long they were.
pub(super) fn digest_unknown(
    own: &[OwnImage<'_>],
    known: &mut KnownLayers,
    store: &Store,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Tally, ImageFault> {
    let mut unknown: Vec<(&Layout, &Layer)> = Vec::new();
    for image in own {
        for layer in image.unknown(known) {
            // Several platforms have most layers in common.
            if !unknown.iter().any(|(_, other)| *other == layer) {
                unknown.push((image.layout, layer));
            }
        }
    }
    // The largest first: the last ones end together.
    unknown.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.len));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let hold = || done.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while let Some((layout, layer)) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
            let digest = if is_stopped() {
                Err(ImageFault::Interrupted)
            } else {
                layer.digest(layout, store).map_err(ImageFault::from)
            };
            if digest.is_err() {
                // Nothing that is computed from now on would be used.
                next.store(unknown.len(), Ordering::Relaxed);
            }
            hold().push((*layer, digest));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(unknown.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut digested = Tally::default();
    for (layer, digest) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        known.add(layer.clone(), digest?);
        digested.add(layer.len);
    }
    Ok(digested)
}
