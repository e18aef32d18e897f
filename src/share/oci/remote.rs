//! [`OciRemote`]: a repository of a registry as a place that plans are shared in. What is pushed there is an image that builds mount, and that stores take blobs from.
//!
//! ```text
//! versions    which tag has which plan
//! images      manifests and seeds of a version
//! blobs       a blob of an image by its place in a layer
//! spool       the same out of layers that are read whole
//! known       which layers' digests are known without reading them
//! push        what the registry lacks of an image, and the tags
//! error       what fails beside the registry's own
//! ```

mod blobs;
pub(crate) mod error;
mod images;
mod known;
pub(crate) mod push;
mod spool;
mod versions;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    future::Future,
    path::PathBuf,
};

use larder_store::{digest::BlobId, import, key::BlobRef, receipt::Receipt};
use tokio::runtime::Runtime;

use self::{
    blobs::ImageBlobs,
    error::{ImageError, ImageFault},
    versions::Versions,
};
use super::{
    client::{Access, Repository},
    credentials::Credentials,
    reference::Reference,
};
use crate::{
    core::environment::Environment,
    http::ClientSettings,
    share::remote::{MOST_OTHERS, Remote, RemoteError, Shared},
};

/// Tags that are listed, before the last ones are taken.
const MOST_TAGS: usize = 10_000;

/// A repository of a registry that plans are shared in.
pub(crate) struct OciRemote {
    /// The reference as it was written.
    name: String,
    reference: Reference,
    versions: Versions,
    repository: Repository,
    /// Where layers that are read whole are kept.
    folder: Option<PathBuf>,
    runtime: Runtime,
}

impl OciRemote {
    /// Connects to nothing yet. Looks for credentials, which may run a program. In the tag, `{plan}` stands for the plan that is asked for; without it, the reference is one image,
    /// of whatever plan. `settings` are the user's own, whatever a project's files say.
    pub(crate) fn open(
        text: &str,
        environment: &Environment,
        settings: &ClientSettings,
        access: Access,
    ) -> Result<Self, RemoteError> {
        let reference = Reference::parse_for_any_plan(text)?;
        let failed =
            |fault| Box::new(ImageError { name: text.to_owned(), asked: "connect to its registry".to_owned(), fault });
        let credentials = Credentials::find(environment, &reference).map_err(|error| failed(error.into()))?;
        let repository =
            Repository::open(&reference, access, settings, credentials).map_err(|error| failed(error.into()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| failed(ImageFault::Runtime(error)))?;
        let versions = Versions::of(text, &reference);
        Ok(Self { name: text.to_owned(), reference, versions, repository, folder: None, runtime })
    }

    /// The same, with layers that have to be read whole kept in files of this folder: [`larder_store::Store::scratch_parent`]. Without one they are where the system has such files.
    #[must_use]
    pub(crate) fn spooling_in(self, folder: Option<PathBuf>) -> Self {
        Self { folder, ..self }
    }

    /// Whether the version of a plan can be asked for: who may not write there may still read.
    pub(crate) fn can_read(&self, plan: &str) -> bool {
        self.block_on(self.repository.manifest(&self.versions.version(plan))).is_ok()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn error(&self, asked: impl Into<String>, fault: impl Into<ImageFault>) -> RemoteError {
        Box::new(ImageError { name: self.name.clone(), asked: asked.into(), fault: fault.into() }).into()
    }
}

impl Remote for OciRemote {
    fn plan(&self, plan: &str) -> Result<Option<Shared<'_>>, RemoteError> {
        let Some((manifest, seed)) = self.image(&self.versions.version(plan))? else { return Ok(None) };
        let blobs: Vec<_> = seed
            .receipts
            .iter()
            .map(|(part, receipt)| (*part, BlobRef { blob: receipt.blob, size: receipt.size }))
            .collect();
        let blobs = ImageBlobs::new(&self.repository, self.runtime.handle(), self.folder.clone(), &manifest, &blobs);
        let receipts = joined(seed.receipts.into_iter().map(|(_, receipt)| receipt));
        Ok(Some(Shared { receipts, blobs: Box::new(blobs), registry: None }))
    }

    fn others(&self) -> Result<Vec<String>, RemoteError> {
        let Some(last) = self.versions.last() else { return Ok(Vec::new()) };
        let tags = self.block_on(self.repository.tags(MOST_TAGS))?;
        let plans = tags.iter().rev().filter_map(|tag| self.versions.plan_of(tag));
        // Registries list them by name: which of them is newest, they do not say.
        Ok([last].into_iter().chain(plans).take(MOST_OTHERS).map(str::to_owned).collect())
    }
}

/// The receipts that can be believed, those of one blob in both parts put together.
fn joined(receipts: impl IntoIterator<Item = Receipt>) -> Vec<Receipt> {
    let mut by_blob: BTreeMap<BlobId, Receipt> = BTreeMap::new();
    for receipt in receipts {
        let Ok(receipt) = import::receipt(receipt.blob, &receipt.to_json()) else {
            tracing::debug!(blob = %receipt.blob, "a receipt of the image cannot be believed, and its blob is passed over");
            continue;
        };
        match by_blob.entry(receipt.blob) {
            Entry::Vacant(vacant) => drop(vacant.insert(receipt)),
            Entry::Occupied(mut known) => known.get_mut().merge(receipt),
        }
    }
    by_blob.into_values().collect()
}

impl std::fmt::Debug for OciRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OciRemote").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
