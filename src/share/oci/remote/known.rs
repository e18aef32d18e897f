//! [`KnownLayers`]: digests of layers that are known without reading them. Pure.
//!
//! A layer with blobs is determined by which blobs these are: the blobs' names are digests of their bytes, and the bytes around them follow. So an image whose receipts are known says
//! the digest of each of its layers, and a layer with the same blobs in another image has the same one. That is believed of the registry that is pushed to: what lies in a layer with blobs
//! is compared wherever it is used, and the program and the metadata, whose digests are computed here always, are above it. A repair believes nothing.

use std::collections::BTreeMap;

use larder_store::key::BlobRef;

use crate::{
    share::oci::{
        digest::ContentDigest,
        image::Manifest,
        layers::{Layer, LayerKind},
        seed::locate,
    },
    view::context::SeedPart,
};

/// Layers with blobs, each with its digest.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownLayers(BTreeMap<LayerKind, Vec<(Layer, ContentDigest)>>);

impl KnownLayers {
    /// Adds a layer.
    pub(super) fn add(&mut self, layer: Layer, digest: ContentDigest) {
        if self.digest(&layer).is_none() {
            self.0.entry(layer.kind).or_default().push((layer, digest));
        }
    }

    /// Adds the layers of an image with these blobs, if it is as larder writes images.
    pub(super) fn add_image(&mut self, manifest: &Manifest, blobs: impl IntoIterator<Item = (SeedPart, BlobRef)>) {
        for (described, layer) in locate(&manifest.layers, blobs).unwrap_or_default() {
            self.add(layer, described.digest);
        }
    }

    /// The digest of a layer with these blobs at these places.
    pub(super) fn digest(&self, layer: &Layer) -> Option<ContentDigest> {
        let of_kind = self.0.get(&layer.kind)?;
        of_kind.iter().find(|(known, _)| known == layer).map(|(_, digest)| *digest)
    }
}

#[cfg(test)]
mod tests {
    use larder_store::digest::BlobId;

    use super::*;
    use crate::share::oci::{
        image::{Annotations, CONFIG, Descriptor, TAR},
        layers::blob_layers,
    };

    fn blobs(sizes: &[u64]) -> Vec<(SeedPart, BlobRef)> {
        let blob = |size: &u64| BlobRef { blob: BlobId::of(&size.to_le_bytes()), size: *size };
        sizes.iter().map(|size| (SeedPart::Packages, blob(size))).collect()
    }

    /// An image with these blobs; each layer's digest is made of its place alone.
    fn image(blobs: &[(SeedPart, BlobRef)]) -> Manifest {
        let described = |at: usize, len| Descriptor::new(TAR, ContentDigest::of(&at.to_le_bytes()), len);
        let with_blobs = blob_layers(blobs.iter().copied());
        let lengths = with_blobs.iter().map(|layer| layer.len).chain([1, 2]);
        Manifest {
            config: Descriptor::of(CONFIG, b""),
            layers: lengths.enumerate().map(|(at, len)| described(at, len)).collect(),
            annotations: Annotations::new(),
        }
    }

    #[test]
    fn one_changed_dependency_leaves_the_digests_of_all_other_layers_known() {
        let sizes: Vec<u64> = (1..200).chain([3 << 20, 5 << 20]).collect();
        let before = blobs(&sizes);
        let mut known = KnownLayers::default();
        known.add_image(&image(&before), before.iter().copied());
        let is_known = |layer: &&Layer| known.digest(layer).is_some();
        let same = blob_layers(before.iter().copied());
        assert_eq!(same.iter().filter(is_known).count(), same.len());
        assert_eq!(known.digest(&same[0]), Some(ContentDigest::of(&0_usize.to_le_bytes())));

        let mut changed = sizes.clone();
        changed[7] = 4711;
        let after = blob_layers(blobs(&changed));
        let unknown = after.len() - after.iter().filter(is_known).count();
        assert!((1..=2).contains(&unknown), "{unknown} of {}", after.len());
    }

    #[test]
    fn a_layer_of_the_same_length_with_another_blob_is_another_layer() {
        let blob = |byte: u8, rest: u8| {
            let mut name = [rest; 32];
            name[0] = byte;
            (SeedPart::Packages, BlobRef { blob: BlobId::from_bytes(name), size: 9 })
        };
        let (one, other) = ([blob(0, 1)], [blob(0, 2)]);
        let mut known = KnownLayers::default();
        known.add_image(&image(&one), one);
        let (layer, lookalike) = (blob_layers(one).remove(0), blob_layers(other).remove(0));
        assert_eq!((layer.kind, layer.len), (lookalike.kind, lookalike.len));
        assert!(known.digest(&layer).is_some());
        assert_eq!(known.digest(&lookalike), None);
    }

    #[test]
    fn of_an_image_that_is_not_as_its_receipts_say_nothing_is_known() {
        let own = blobs(&[1, 2, 3]);
        let mut packed = image(&own);
        packed.layers[0].media_type.push_str("+gzip");
        let mut known = KnownLayers::default();
        known.add_image(&packed, own.iter().copied());
        known.add_image(&image(&own), blobs(&[1, 2]));
        let is_unknown = |layer: &Layer| known.digest(layer).is_none();
        assert!(blob_layers(own).iter().all(is_unknown));
    }
}
