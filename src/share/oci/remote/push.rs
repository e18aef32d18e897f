//! Pushes a plan: layers that the registry lacks, a config and a manifest for each platform, an index over them, and the tags, which come last.

mod documents;
mod layers;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, stream};
use larder_store::{Store, key::BlobRef, receipt::Receipt, stats::Tally};

use self::{
    documents::Documents,
    layers::{OwnImage, digest_unknown},
};
use super::{OciRemote, error::ImageFault, known::KnownLayers};
use crate::{
    core::layout::Layout,
    share::{
        object::PushOptions,
        oci::{
            client::BlobSource,
            digest::ContentDigest,
            image::{Document, INDEX, Index, MANIFEST, Manifest, Platform},
            layers::LAYERS_AFTER_BLOBS,
            reference::Version,
        },
        remote::RemoteError,
    },
};

/// Layers that are asked for or sent at once.
const AT_ONCE: usize = 6;

/// How often is asked whether to stop.
const STOP_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What was sent.
#[derive(Debug)]
pub(crate) struct PushedImage {
    /// Layers that were not there.
    pub(crate) sent: Tally,
    /// Layers that were there. One that several platforms have counts once.
    pub(crate) already_there: u64,
    /// Layers with blobs that were read for their digests.
    pub(crate) digested: Tally,
    /// Whether the tag was written: it stands for something else now than before.
    pub(crate) is_written: bool,
    /// The images by their digest: `registry.example/team/app@sha256:…`.
    pub(crate) image: String,
}

/// Something to send.
struct Job {
    digest: ContentDigest,
    len: u64,
    source: BlobSource,
    /// A layer, and no config.
    is_layer: bool,
}

impl OciRemote {
    /// Pushes the images of a plan; each layout is a whole build context, whose blobs `store` has. Nothing is written where nothing is new, and then no blob is read either: what the tag
    /// stands for says the digests of layers with blobs that are the same ([`KnownLayers`]). Other layers are read twice, for their digests and while they are sent.
    pub(crate) fn push(
        &self,
        plan: &str,
        images: &[(Platform, Layout)],
        store: &Store,
        options: PushOptions<'_>,
    ) -> Result<PushedImage, RemoteError> {
        let version = self.versions.version(plan);
        if let Version::Digest(_) = version {
            return Err(self.error("push to it", ImageFault::Digest));
        }
        let failed = |fault| self.error("push to it", fault);
        let own = images.iter().map(|(platform, layout)| OwnImage::new(platform, layout, store));
        let own = own.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let there = self.index(&version)?;
        let mut known = KnownLayers::default();
        if !options.is_repair {
            self.learn(&mut known, there.as_ref().map(|(_, index)| index), &own)?;
        }
        let digested = digest_unknown(&own, &mut known, store, options.is_stopped).map_err(failed)?;
        let documents = Documents::new(plan, &own, &known);
        let is_written = there.is_none_or(|(digest, _)| digest != documents.digest);
        let layers = documents.layers();
        let image = self.reference.with_digest(documents.digest).to_string();
        let mut pushed = PushedImage { sent: Tally::default(), already_there: layers, digested, is_written, image };
        if is_written || options.is_repair {
            pushed.sent = self.send(&own, &documents, store, options.is_stopped)?;
            pushed.already_there -= pushed.sent.count;
            self.write_documents(&version, &documents, is_written)?;
        }
        Ok(pushed)
    }

    /// What a version stands for, if it may be an index of larder's.
    fn index(&self, version: &Version) -> Result<Option<(ContentDigest, Index)>, RemoteError> {
        match self.document(version) {
            Ok(Some((digest, Document::Index(index)))) => Ok(Some((digest, index))),
            Ok(_) => Ok(None),
            // It is replaced, as by everybody who pushes.
            Err(RemoteError::Image(error)) => {
                tracing::debug!(%error, "what the tag stands for is no image");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Learns digests from what the tag stands for; if it is new, from what was pushed last.
    fn learn(&self, known: &mut KnownLayers, there: Option<&Index>, own: &[OwnImage<'_>]) -> Result<(), RemoteError> {
        let last;
        let index = match (there, self.versions.last()) {
            (Some(index), _) => index,
            (None, Some(name)) => match self.index(&self.versions.version(name))? {
                Some((_, index)) => {
                    last = index;
                    &last
                }
                None => return Ok(()),
            },
            (None, None) => return Ok(()),
        };
        let mut read = BTreeSet::new();
        for image in own {
            let entry = index.manifests.iter().find(|entry| entry.platform.as_ref() == Some(image.platform));
            let Some(entry) = entry else { continue };
            match self.manifest(entry).and_then(|manifest| self.learn_from(known, &manifest, image, &mut read)) {
                Ok(()) => {}
                Err(RemoteError::Image(error)) => tracing::debug!(%error, "nothing is known from this image"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn learn_from(
        &self,
        known: &mut KnownLayers,
        manifest: &Manifest,
        own: &OwnImage<'_>,
        read: &mut BTreeSet<ContentDigest>,
    ) -> Result<(), RemoteError> {
        let Some(metadata) = manifest.layers.iter().nth_back(LAYERS_AFTER_BLOBS - 1).map(|layer| layer.digest) else {
            return Ok(());
        };
        if metadata == own.metadata() {
            // The same receipts, so the same blobs: nothing more is asked for.
            known.add_image(manifest, own.blobs());
        } else if !own.unknown(known).is_empty() && read.insert(metadata) {
            let seed = self.seed(manifest)?;
            let blob = |receipt: &Receipt| BlobRef { blob: receipt.blob, size: receipt.size };
            known.add_image(manifest, seed.receipts.iter().map(|(part, receipt)| (*part, blob(receipt))));
        }
        Ok(())
    }

    /// Sends what the registry lacks, the largest layers first: the last ones end together.
    fn send(
        &self,
        own: &[OwnImage<'_>],
        documents: &Documents,
        store: &Store,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Tally, RemoteError> {
        let mut jobs = jobs(own, documents, store);
        jobs.sort_by_key(|job| std::cmp::Reverse((job.is_layer, job.len)));
        let one = |job: Job| async move {
            let is_there = self.repository.has_blob(&job.digest).await?;
            let is_sent = !is_there && self.repository.write_blob(&job.digest, job.len, job.source).await?;
            Ok::<_, RemoteError>((is_sent && job.is_layer).then_some(job.len))
        };
        let all = async {
            let mut sent = Tally::default();
            let mut all = stream::iter(jobs.into_iter().map(one)).buffer_unordered(AT_ONCE);
            while let Some(one) = all.next().await {
                if let Some(len) = one? {
                    sent.add(len);
                }
            }
            Ok(sent)
        };
        let stopped = async {
            while !is_stopped() {
                tokio::time::sleep(STOP_PAUSE).await;
            }
        };
        self.block_on(async {
            tokio::select! {
                biased;
                () = stopped => Err(self.error("push to it", ImageFault::Interrupted)),
                sent = all => sent,
            }
        })
    }

    /// Writes what names the layers. A tag is written last, so whoever finds it finds all of it.
    fn write_documents(&self, version: &Version, documents: &Documents, is_new: bool) -> Result<(), RemoteError> {
        self.block_on(async {
            for (digest, manifest) in &documents.manifests {
                self.repository.put_manifest(&Version::Digest(*digest), MANIFEST, manifest).await?;
            }
            self.repository.put_manifest(version, INDEX, &documents.index).await?;
            if let Some(last) = self.versions.last().filter(|_| is_new) {
                self.repository.put_manifest(&self.versions.version(last), INDEX, &documents.index).await?;
            }
            Ok(())
        })
    }
}

/// The layers and configs of all images, each once.
fn jobs(own: &[OwnImage<'_>], documents: &Documents, store: &Store) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    let mut add = |job: Job| {
        if jobs.iter().all(|known| known.digest != job.digest) {
            jobs.push(job);
        }
    };
    for (image, written) in own.iter().zip(&documents.images) {
        let layout = Arc::new(image.layout.clone());
        for (layer, digest) in image.layers.iter().zip(&written.layers) {
            let (len, layer, layout, store) = (layer.len, layer.clone(), Arc::clone(&layout), store.clone());
            let source: BlobSource = Arc::new(move |out| layer.write(&layout, &store, out));
            add(Job { digest: *digest, len, source, is_layer: true });
        }
        let config = written.config.clone();
        let (digest, len) = (ContentDigest::of(&config), config.len() as u64);
        add(Job { digest, len, source: Arc::new(move |out| out.write_all(&config)), is_layer: false });
    }
    jobs
}
