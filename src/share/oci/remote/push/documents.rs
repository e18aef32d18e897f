//! The documents of the images that are pushed, as bytes. Pure.

use std::collections::BTreeSet;

use super::layers::OwnImage;
use crate::share::oci::{
    digest::ContentDigest,
    image::{self, Annotations, CONFIG, Descriptor, INDEX, MANIFEST, PLAN_ANNOTATION, TAR},
    remote::known::KnownLayers,
};

/// Config, manifest and index of what is pushed.
pub(super) struct Documents {
    /// In the order of the images that they are of.
    pub(super) images: Vec<ImageDocuments>,
    /// Each manifest under its digest.
    pub(super) manifests: Vec<(ContentDigest, Vec<u8>)>,
    /// What the tag is to stand for.
    pub(super) index: Vec<u8>,
    /// Its digest.
    pub(super) digest: ContentDigest,
}

/// What one image's manifest names.
pub(super) struct ImageDocuments {
    pub(super) config: Vec<u8>,
    /// The digests of its layers.
    pub(super) layers: Vec<ContentDigest>,
}

impl Documents {
    /// Those of images whose layers' digests are all known.
    pub(super) fn new(plan: &str, own: &[OwnImage<'_>], known: &KnownLayers) -> Self {
        let annotations = Annotations::from([(PLAN_ANNOTATION.to_owned(), format!("blake3:{plan}"))]);
        let (mut images, mut manifests, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for image in own {
            let layers = image.digests(known);
            let config = image::config(image.platform, &layers);
            let described = layers.iter().zip(&image.layers);
            let described: Vec<_> = described.map(|(digest, layer)| Descriptor::new(TAR, *digest, layer.len)).collect();
            let manifest = image::manifest(&Descriptor::of(CONFIG, &config), &described, &annotations);
            let entry = Descriptor { platform: Some(image.platform.clone()), ..Descriptor::of(MANIFEST, &manifest) };
            images.push(ImageDocuments { config, layers });
            manifests.push((entry.digest, manifest));
            entries.push(entry);
        }
        let index = image::index(&entries, &annotations);
        let digest = Descriptor::of(INDEX, &index).digest;
        Self { images, manifests, index, digest }
    }

    /// How many layers there are; one that several images have counts once.
    pub(super) fn layers(&self) -> u64 {
        self.images.iter().flat_map(|image| &image.layers).collect::<BTreeSet<_>>().len() as u64
    }
}
