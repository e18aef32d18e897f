//! What documents are made of: types, descriptors, platforms.

use std::{collections::BTreeMap, str::FromStr};

use serde::Serialize;

use crate::{plan::selection, share::oci::digest::ContentDigest};

/// An image's manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Manifests by platform.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An image's config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A layer as larder writes it.
pub const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// Docker's manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's index.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The annotation with the digest of the plan whose files an image holds.
pub const PLAN_ANNOTATION: &str = "dev.larder.plan";

/// Annotations, by name.
pub type Annotations = BTreeMap<String, String>;

/// What a layer or document is, how long, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of its bytes.
    pub media_type: String,
    /// Their digest.
    #[serde(serialize_with = "as_text")]
    pub digest: ContentDigest,
    /// How many there are.
    pub size: u64,
    /// For which platform, in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
}

/// An image's platform, in the words of Go, which the specification uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub struct Platform {
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `linux`, …
    pub os: String,
    /// `v7`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is no platform of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is no platform: write it like `linux/amd64`", .0.escape_debug())]
pub struct PlatformError(String);

/// How a layer's tar is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// It is not: a file of it can be asked for by its place.
    Plain,
    /// gzip: tools that copy images pack layers.
    Gzip,
    /// Something that larder does not unpack.
    Unknown,
}

impl Descriptor {
    /// A descriptor of bytes without platform and annotations.
    pub fn new(media_type: &str, digest: ContentDigest, size: u64) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, digest, size, platform: None, annotations: Annotations::new() }
    }

    /// The descriptor of these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, ContentDigest::of(bytes), bytes.len() as u64)
    }

    /// How the layer that it describes is packed.
    pub fn packing(&self) -> Packing {
        match self.media_type.as_str() {
            TAR | "application/vnd.docker.image.rootfs.diff.tar" => Packing::Plain,
            "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
                Packing::Gzip
            }
            _ => Packing::Unknown,
        }
    }
}

impl Platform {
    /// The platform that a binary is for.
    pub fn of(platform: selection::Platform) -> Self {
        let text = selection::Platform { libc: None, ..platform }.to_string();
        text.parse().expect("a platform is written as system and processor")
    }

    /// Whether an image for `self` runs where `other` is wanted; a variant that is not stated is any.
    pub fn is_for(&self, other: &Self) -> bool {
        let is_same_variant = match (&self.variant, &other.variant) {
            (Some(own), Some(wanted)) => own == wanted,
            _ => true,
        };
        self.os == other.os && self.architecture == other.architecture && is_same_variant
    }
}

/// As Docker writes it: `linux/arm/v7`.
impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let mut words = text.split('/').map(str::to_owned);
        let (os, architecture, variant) = (words.next(), words.next(), words.next());
        match (os, architecture, words.next()) {
            (Some(os), Some(architecture), None) if !os.is_empty() && !architecture.is_empty() => {
                Ok(Self { architecture, os, variant })
            }
            _ => Err(PlatformError(text.to_owned())),
        }
    }
}

fn as_text<S: serde::Serializer>(digest: &ContentDigest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}
