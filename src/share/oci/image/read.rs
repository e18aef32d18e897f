//! Reads manifests and indexes, OCI's and Docker's. What is not needed is passed over, and everything is bounded: they come from a registry.

use serde::Deserialize;

use super::descriptor::{Annotations, DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, INDEX, MANIFEST, Platform};
use crate::share::oci::digest::{ContentDigest, ContentDigestError};

/// The longest document that is read: what registries accept. 4 MiB.
pub const MOST_DOCUMENT_BYTES: u64 = 4 << 20;

/// More layers or platforms has no image.
const MOST_DESCRIPTORS: usize = 1000;

/// An image's manifest as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The config.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// Annotations.
    pub annotations: Annotations,
}

/// An index as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// Annotations.
    pub annotations: Annotations,
}

/// What a tag or digest of a registry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Images by platform.
    Index(Index),
}

/// Why bytes are no manifest or index that larder reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Too long.
    #[error("{actual} bytes, only {MOST_DOCUMENT_BYTES} are accepted")]
    TooLong {
        /// How many.
        actual: u64,
    },
    /// Not the JSON of one.
    #[error("not a manifest or an index of images")]
    Json(#[source] serde_json::Error),
    /// Of a kind that larder does not read.
    #[error("a document of the type {}, which is no image", .0.escape_debug())]
    MediaType(String),
    /// Neither layers nor manifests, or both.
    #[error("neither a manifest of one image nor an index of images")]
    Neither,
    /// Of another version.
    #[error("of schema version {0}; larder reads version 2")]
    SchemaVersion(u64),
    /// Too many layers or platforms.
    #[error("{0} layers or platforms, only {MOST_DESCRIPTORS} are accepted")]
    TooMany(usize),
    /// A digest that cannot be checked.
    #[error("the digest {}: {source}", text.escape_debug())]
    Digest {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        #[source]
        source: ContentDigestError,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: u64,
    media_type: Option<String>,
    config: Option<WrittenDescriptor>,
    layers: Option<Vec<WrittenDescriptor>>,
    manifests: Option<Vec<WrittenDescriptor>>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenDescriptor {
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<Platform>,
    annotations: Option<Annotations>,
}

impl Document {
    /// Reads a document. `media_type` is what the registry says of it, if it says so; what stands in it goes before.
    pub fn read(media_type: Option<&str>, bytes: &[u8]) -> Result<Self, DocumentError> {
        if bytes.len() as u64 > MOST_DOCUMENT_BYTES {
            return Err(DocumentError::TooLong { actual: bytes.len() as u64 });
        }
        let written: Written = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
        if written.schema_version != 2 {
            return Err(DocumentError::SchemaVersion(written.schema_version));
        }
        // Docker's clients read a document as what it says of itself, and a registry that calls it otherwise must not make two readers see two images.
        let stated = written.media_type.as_deref().or(media_type);
        let is_index = match stated {
            Some(MANIFEST | DOCKER_MANIFEST) => false,
            Some(INDEX | DOCKER_INDEX) => true,
            // Some registries know no types.
            None | Some("application/json" | "application/octet-stream") => written.manifests.is_some(),
            Some(other) => return Err(DocumentError::MediaType(other.to_owned())),
        };
        let annotations = written.annotations.unwrap_or_default();
        match (is_index, written.config, written.layers, written.manifests) {
            (false, Some(config), Some(layers), None) => {
                Ok(Self::Manifest(Manifest { config: descriptor(config)?, layers: descriptors(layers)?, annotations }))
            }
            (true, None, None, Some(manifests)) => {
                Ok(Self::Index(Index { manifests: descriptors(manifests)?, annotations }))
            }
            _ => Err(DocumentError::Neither),
        }
    }
}

impl Index {
    /// The manifest for a platform, if there is one; the first of several.
    pub fn for_platform(&self, wanted: &Platform) -> Option<&Descriptor> {
        self.manifests.iter().find(|found| found.platform.as_ref().is_some_and(|own| own.is_for(wanted)))
    }
}

fn descriptors(written: Vec<WrittenDescriptor>) -> Result<Vec<Descriptor>, DocumentError> {
    if written.len() > MOST_DESCRIPTORS {
        return Err(DocumentError::TooMany(written.len()));
    }
    written.into_iter().map(descriptor).collect()
}

fn descriptor(written: WrittenDescriptor) -> Result<Descriptor, DocumentError> {
    let WrittenDescriptor { media_type, digest, size, platform, annotations } = written;
    let digest: ContentDigest =
        digest.parse().map_err(|source| DocumentError::Digest { text: digest.clone(), source })?;
    Ok(Descriptor { media_type, digest, size, platform, annotations: annotations.unwrap_or_default() })
}
