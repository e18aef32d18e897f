//! One version of a package: an artifact of the plan, and how npm knows it.

use larder_store::{digest::Integrity, key::BlobRef};
use url::Url;

use crate::{
    core::{
        artifact::{Artifact, Source},
        redacted::redact,
    },
    plan::EntryName,
};

/// An artifact, and how npm knows it.
#[derive(Clone, Debug)]
pub struct PackageVersion {
    /// The artifact.
    pub artifact: Artifact,
    /// The lockfile entries that name it.
    pub entries: Vec<EntryName>,
    /// Its blob, if it is here.
    pub found: Option<BlobRef>,
    /// Where npm would ask for it.
    pub address: Url,
    /// Where npm would ask for its package's description.
    pub packument: Url,
    /// Digests of its bytes: the lockfile's, or the receipt's where the lockfile has no sha512 or several to choose from. `None` if they are known only
    /// once it is here.
    pub integrity: Option<Integrity>,
}

impl PackageVersion {
    /// The address for packuments and for what is found by its digest: without a query, which can hold a secret.
    pub fn shown_address(&self) -> String {
        redact(&self.address)
    }

    /// Whether a registry has it, and not just any host.
    pub fn is_in_registry(&self) -> bool {
        matches!(self.artifact.source, Source::Registry { .. } | Source::Named { .. })
    }
}
