//! Packuments: a registry's description of a package. Asked for only where the lockfile leaves something open.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use larder_store::digest::{Algorithm, Digest, DigestError, Integrity};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::http::{Client, DownloadError, Progress, document};

/// The short form; a registry that does not know it sends the long one.
const ACCEPT: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";
/// Far more than a packument should have: it is held in memory.
const LONGEST: u64 = 256 << 20;

/// What a registry says of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    /// Its bytes' digests.
    pub(super) integrity: Option<Integrity>,
    /// Its address.
    pub(super) tarball: Option<Url>,
}

/// Why a registry does not say.
#[derive(Debug, thiserror::Error)]
pub enum PackumentError {
    /// The description did not arrive.
    #[error(transparent)]
    Download(Arc<DownloadError>),
    /// It is not what npm's registries send.
    #[error("the registry's description of the package cannot be read")]
    Json(#[source] Arc<serde_json::Error>),
    /// It does not have the version.
    #[error("the registry does not list this version")]
    NoVersion,
    /// It states something that is no digest.
    #[error("the registry states an integrity that is none")]
    Integrity(#[source] DigestError),
}

type Versions = BTreeMap<String, Version>;
type Asked = Arc<OnceCell<Result<Arc<Versions>, FirstError>>>;

/// An error that several artifacts share.
#[derive(Clone, Debug)]
enum FirstError {
    Download(Arc<DownloadError>),
    Json(Arc<serde_json::Error>),
}

#[derive(Deserialize)]
struct Packument {
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct Version {
    #[serde(default)]
    dist: Dist,
}

#[derive(Debug, Default, Deserialize)]
struct Dist {
    integrity: Option<String>,
    shasum: Option<String>,
    tarball: Option<Url>,
}

/// The packuments asked for so far: each once.
#[derive(Default)]
pub(super) struct Packuments(Mutex<HashMap<Url, Asked>>);

impl Packuments {
    /// What the registry says of a version.
    pub(super) async fn distribution(
        &self,
        client: &Client,
        url: &Url,
        version: &str,
        progress: &dyn Progress,
    ) -> Result<Distribution, PackumentError> {
        let asked = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(url.clone()).or_default());
        let versions = asked.get_or_init(|| ask(client, url, progress)).await;
        let versions = versions.as_ref().map_err(|error| match error {
            FirstError::Download(error) => PackumentError::Download(Arc::clone(error)),
            FirstError::Json(error) => PackumentError::Json(Arc::clone(error)),
        })?;
        distribution(&versions.get(version).ok_or(PackumentError::NoVersion)?.dist)
    }
}

/// Asks, and once more if what came is no JSON: a body without a length may have been cut.
async fn ask(client: &Client, url: &Url, progress: &dyn Progress) -> Result<Arc<Versions>, FirstError> {
    match ask_once(client, url, progress).await {
        Err(FirstError::Json(error)) => {
            tracing::debug!(%error, "a description of a package cannot be read, and is asked for once more");
            ask_once(client, url, progress).await
        }
        asked => asked,
    }
}

async fn ask_once(client: &Client, url: &Url, progress: &dyn Progress) -> Result<Arc<Versions>, FirstError> {
    let bytes = document(client, url, ACCEPT, LONGEST, progress)
        .await
        .map_err(|error| FirstError::Download(Arc::new(error)))?;
    let packument: Packument = serde_json::from_slice(&bytes).map_err(|error| FirstError::Json(Arc::new(error)))?;
    Ok(Arc::new(packument.versions))
}

fn distribution(dist: &Dist) -> Result<Distribution, PackumentError> {
    let integrity = match (dist.integrity.as_deref().filter(|text| !text.is_empty()), &dist.shasum) {
        (Some(integrity), _) => Some(integrity.parse().map_err(PackumentError::Integrity)?),
        (None, Some(shasum)) => {
            Some(Digest::from_hex(Algorithm::Sha1, shasum).map_err(PackumentError::Integrity)?.into())
        }
        (None, None) => None,
    };
    Ok(Distribution { integrity, tarball: dist.tarball.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Distribution, PackumentError> {
        distribution(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_integrity_wins_over_the_shasum() {
        let abc = Digest::of(Algorithm::Sha512, b"abc");
        let both = read(&format!(r#"{{"integrity": "{abc}", "shasum": "{}"}}"#, "0".repeat(40))).unwrap();
        assert_eq!(both.integrity, Some(abc.into()));
        let old = read(r#"{"shasum": "a9993e364706816aba3e25717850c26c9cd0d89d"}"#).unwrap();
        assert_eq!(old.integrity, Some(Digest::of(Algorithm::Sha1, b"abc").into()));
        assert_eq!(read("{}").unwrap(), Distribution { integrity: None, tarball: None });
    }

    #[test]
    fn a_digest_that_is_none_is_an_error() {
        assert!(matches!(read(r#"{"shasum": "abc"}"#), Err(PackumentError::Integrity(_))));
        assert!(matches!(read(r#"{"integrity": "sha512-abc"}"#), Err(PackumentError::Integrity(_))));
    }
}
