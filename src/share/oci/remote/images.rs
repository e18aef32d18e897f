//! What a version of a repository is: its manifests by platform, and the seed in one of them.

use larder_store::seed as form;

use super::{OciRemote, error::ImageFault};
use crate::{
    fetcher::Fault,
    share::{
        oci::{
            digest::ContentDigest,
            error::RegistryError,
            image::{Descriptor, Document, Index, Manifest, Platform},
            layers::LAYERS_AFTER_BLOBS,
            reference::Version,
            seed::{LayerError, Seed, read_seed},
        },
        remote::RemoteError,
    },
};

/// Images of other platforms than this machine's that are looked at.
const MOST_LOOKED_AT: usize = 8;

/// Layers that are looked at for the seed, from the one where it should be on downwards.
const MOST_UPON: usize = 4;

/// What is asked for first.
const METADATA: &str = "read its metadata";

impl OciRemote {
    /// The image of a version with its seed: this machine's, or the first one that can be read, since a plan's files are much the same for all. `None` if there is no such version.
    pub(super) fn image(&self, version: &Version) -> Result<Option<(Manifest, Seed)>, RemoteError> {
        match self.document(version)? {
            None => Ok(None),
            Some((_, Document::Manifest(manifest))) => self.with_seed(manifest).map(Some),
            Some((_, Document::Index(index))) => self.image_of(&index).map(Some),
        }
    }

    fn image_of(&self, index: &Index) -> Result<(Manifest, Seed), RemoteError> {
        let own = this_machine().and_then(|platform| index.for_platform(&platform));
        let others = index.manifests.iter().filter(|entry| Some(*entry) != own);
        let mut first_error = None;
        for entry in own.into_iter().chain(others).take(MOST_LOOKED_AT) {
            match self.manifest(entry).and_then(|manifest| self.with_seed(manifest)) {
                Ok(found) => return Ok(found),
                Err(error) if error.fault() == Fault::Network => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "another image of the index is looked at");
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or_else(|| self.error("read it", ImageFault::NotLarders)))
    }

    fn with_seed(&self, manifest: Manifest) -> Result<(Manifest, Seed), RemoteError> {
        let seed = self.seed(&manifest)?;
        Ok((manifest, seed))
    }

    /// What a version stands for, and its digest.
    pub(super) fn document(&self, version: &Version) -> Result<Option<(ContentDigest, Document)>, RemoteError> {
        let Some(stored) = self.block_on(self.repository.manifest(version))? else { return Ok(None) };
        match Document::read(stored.media_type.as_deref(), &stored.bytes) {
            Ok(document) => Ok(Some((stored.digest, document))),
            Err(error) => Err(self.error(format!("read the version {version}"), error)),
        }
    }

    /// The manifest that an index names.
    pub(super) fn manifest(&self, entry: &Descriptor) -> Result<Manifest, RemoteError> {
        match self.document(&Version::Digest(entry.digest))? {
            Some((_, Document::Manifest(manifest))) => Ok(manifest),
            _ => Err(self.error(format!("read the version {}", entry.digest), ImageFault::NotLarders)),
        }
    }

    /// The seed of an image. The bytes of the layer that it is in are compared with their digest.
    pub(super) fn seed(&self, manifest: &Manifest) -> Result<Seed, RemoteError> {
        let layers = &manifest.layers;
        // Where another tool has put all layers together, the seed is in the only one. Where somebody has built upon the image, it is further down.
        let top = layers.len().saturating_sub(LAYERS_AFTER_BLOBS - 1).max(1);
        for layer in layers.iter().take(top).rev().take(MOST_UPON) {
            if let Some(seed) = self.seed_in(layer)? {
                return Ok(seed);
            }
        }
        Err(self.error(METADATA, ImageFault::NotLarders))
    }

    /// The seed in a layer, if there is one.
    fn seed_in(&self, layer: &Descriptor) -> Result<Option<Seed>, RemoteError> {
        let body = self.block_on(self.repository.read_blob(&layer.digest, layer.size, None))?;
        let seed = read_seed(layer, body.into_read(self.runtime.handle().clone()));
        let seed = seed.map_err(|error| self.layer_error(error))?;
        let mut metas = seed.others.iter().filter(|file| file.path == form::meta().0).peekable();
        if metas.peek().is_none() {
            return Ok(None);
        }
        metas.try_for_each(|meta| form::check_meta(&meta.bytes)).map_err(|error| self.error(METADATA, error))?;
        Ok(Some(seed))
    }

    /// A layer's error, or the registry's if that is the reason of it.
    fn layer_error(&self, error: LayerError) -> RemoteError {
        match error {
            LayerError::Read(source) => match source.downcast::<RegistryError>() {
                Ok(error) => error.into(),
                Err(source) => self.error(METADATA, LayerError::Read(source)),
            },
            error => self.error(METADATA, error),
        }
    }
}

/// The platform of images that run here: Linux, whatever the system is.
fn this_machine() -> Option<Platform> {
    let platform = format!("linux/{}", std::env::consts::ARCH).parse().ok()?;
    Some(Platform::of(platform))
}
