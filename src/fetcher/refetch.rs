//! Downloads of blobs that were here once, made from their receipts.

use std::sync::Arc;

use larder_store::{key::Wanted, receipt::Receipt};
use url::Url;

use super::{
    downloads::Download,
    first_bytes::{ManifestPlace, Shape},
    job::{Job, JobArtifact},
};
use crate::{
    config::address::{Address, is_commit_archive},
    core::artifact::Ecosystem,
    plan::EntryName,
};

impl Download<'_> {
    /// The download of a receipt's blob: the same bytes, from where they came. `None` if no origin has an address.
    pub fn refetch(receipt: &Receipt) -> Option<Self> {
        let mut addresses: Vec<Address> = Vec::new();
        for origin in &receipt.origins {
            let Some(Ok(url)) = origin.address.as_deref().map(str::parse::<Url>) else { continue };
            let is_anonymous = origin.ecosystem == Ecosystem::Download.name();
            let address = Address { url, authorization: None, is_anonymous, member: None };
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let first = receipt.origins.first()?;
        let entry = EntryName { lockfile: "the store".into(), path: format!("blob {}", receipt.blob).into() };
        let artifact = JobArtifact {
            is_optional: false,
            package: format!("{} {}", first.name, first.version).into(),
            // A word of a later larder is none of this one's kinds.
            ecosystem: Ecosystem::of_name(&first.ecosystem).unwrap_or(Ecosystem::Npm),
            name: Arc::from(first.name.as_str()),
            version: Arc::from(first.version.as_str()),
            entries: vec![entry],
        };
        let is_git = |identity: &String| identity.starts_with("git ");
        let is_commit = receipt.origins.iter().any(|origin| origin.identity.as_ref().is_some_and(is_git))
            || addresses.iter().any(|address| is_commit_archive(&address.url));
        let job = (!addresses.is_empty()).then(|| Job {
            wanted: Wanted::Integrity(receipt.digests.clone()),
            artifacts: vec![artifact],
            addresses,
            packument: None,
            is_address_built: false,
            origins: receipt.origins.clone(),
            is_commit,
            // Its digests say what it is.
            shape: Shape { name: None, manifest: ManifestPlace::Optional },
        });
        job.map(Self::from)
    }
}
