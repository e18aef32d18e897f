//! After a 404: whether the package, the version or only the file is gone. The registry's description of the package tells.

use std::sync::Arc;

use reqwest::StatusCode;
use url::Url;

use super::{FailureKind, batch::Batch, job::Job, packuments::PackumentError, watch::FileProgress};
use crate::{core::redacted::redact, http::DownloadError};

/// More files that are gone are a registry's trouble, and are not asked about.
const MOST: usize = 20;

/// These failures, with what is known about files that are not there. Each costs a request.
pub(super) async fn explained(
    batch: &Batch,
    failed: Vec<(Arc<Job>, FailureKind)>,
    progress: &FileProgress,
) -> Vec<(Arc<Job>, FailureKind)> {
    if failed.len() > MOST {
        return failed;
    }
    let mut explained = Vec::with_capacity(failed.len());
    for (job, kind) in failed {
        let kind = match kind {
            FailureKind::Download(error) => FailureKind::Download(explained_one(batch, &job, error, progress).await),
            other => other,
        };
        explained.push((job, kind));
    }
    explained
}

/// Whether a failure is a file that is not there, and a question may tell more.
pub(super) fn is_explainable(kind: &FailureKind) -> bool {
    let FailureKind::Download(error) = kind else { return false };
    matches!(&**error, DownloadError::Status { status, reason: None, .. } if is_gone(*status))
}

async fn explained_one(
    batch: &Batch,
    job: &Job,
    error: Arc<DownloadError>,
    progress: &FileProgress,
) -> Arc<DownloadError> {
    let DownloadError::Status { url, .. } = &*error else { return error };
    // The address asked last, unless that is where a redirect led.
    let asked = job.addresses.iter().map(|address| &address.url).find(|address| redact(address) == url.as_str());
    let tarball = asked.unwrap_or(&job.addresses[0].url);
    let Some(packument) = packument_of(tarball, &job.artifacts[0].name) else { return error };
    let version = &job.artifacts[0].version;
    let why = match batch.packuments.distribution(&batch.engine.client, &packument, version, progress).await {
        Ok(_) => "the registry lists this version, and its file is gone",
        Err(PackumentError::NoVersion) => "the registry has the package, and not this version",
        Err(PackumentError::Download(told)) if is_refused_as_gone(&told) => "the registry has no package of this name",
        Err(untold) => {
            tracing::debug!(error = %untold, "whether the package or the file is gone is not known");
            return error;
        }
    };
    error.because(why).map_or(error, Arc::new)
}

/// Where npm's registries describe the package whose tarball is at this address: what is before `/-/`, with the name's slash escaped as npm does.
fn packument_of(tarball: &Url, name: &str) -> Option<Url> {
    let (before, _) = tarball.path().split_once("/-/")?;
    let escaped = name.replace('/', "%2f");
    let base = [name, &escaped, &name.replace('/', "%2F")].into_iter().find_map(|name| before.strip_suffix(name))?;
    let mut url = tarball.clone();
    url.set_path(&format!("{base}{escaped}"));
    url.set_query(None);
    Some(url)
}

fn is_refused_as_gone(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Status { status, .. } if is_gone(*status))
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_beside_the_tarballs() {
        let of = |tarball: &str, name: &str| packument_of(&tarball.parse().unwrap(), name).map(String::from);
        let cases = [
            ("https://r.example/a/-/a-1.0.0.tgz?x", "a", Some("https://r.example/a")),
            ("https://r.example/npm/@s/a/-/a-1.0.0.tgz", "@s/a", Some("https://r.example/npm/@s%2fa")),
            ("https://r.example/@s%2fa/-/a-1.0.0.tgz", "@s/a", Some("https://r.example/@s%2fa")),
            ("https://r.example/b/-/b-1.0.0.tgz", "a", None),
            ("https://r.example/files/a-1.0.0.tgz", "a", None),
        ];
        for (tarball, name, expected) in cases {
            assert_eq!(of(tarball, name).as_deref(), expected, "{tarball}");
        }
    }
}
