//! Stage 6 of a fetch: runs one job. It asks the registry for a missing digest, takes the download lock, requests the addresses in order, and hands the complete file
//! to the committer.

use std::sync::Arc;

use larder_store::{
    StoreError, digest::Integrity, download_lock::DownloadLock, key::BlobRef, part::Sealed, receipt::Origin,
};
use reqwest::StatusCode;
use tokio::sync::{SemaphorePermit, oneshot};
use url::Url;

use super::{
    FailureKind,
    batch::Batch,
    blocking::blocking,
    first_bytes::{FirstBytes, not_a_package},
    flights::{Leader, Role},
    job::Job,
    local,
    packuments::PackumentError,
    sink::PartSink,
    watch::FileProgress,
};
use crate::{
    config::address::Address,
    core::artifact::PackageName,
    http::{DownloadError, RedactedUrl, Request, download},
};

/// What became of a download.
pub(super) enum Outcome {
    /// Another larder had it, or an earlier run, or somebody else in this process.
    Here {
        /// The blob.
        found: BlobRef,
        /// Whether the registry stated its digest, where the lockfile does not.
        is_stated: bool,
    },
    /// It is with the committer.
    Submitted {
        /// What becomes of it there.
        published: oneshot::Receiver<Result<BlobRef, StoreError>>,
        /// Whether the registry stated its digest, where the lockfile does not.
        is_stated: bool,
    },
    /// Another larder is at it.
    Busy,
    /// It could not be had.
    Failed(FailureKind),
}

enum Tried {
    Here(BlobRef),
    Busy,
    Sealed(Box<Sealed>),
}

/// Makes one download.
pub(super) async fn run(batch: &Arc<Batch>, job: &Arc<Job>, progress: Arc<FileProgress>) -> Outcome {
    let permit = permit(batch).await;
    let integrity = match &job.packument {
        Some(packument) if job.lacks_integrity() => stated_by_registry(batch, job, packument, &progress).await,
        _ => Ok(None),
    };
    let integrity = match integrity {
        Ok(integrity) => integrity,
        Err(kind) => return Outcome::Failed(kind),
    };
    let is_stated = integrity.is_some();
    // The permit is held until the end.
    let (leader, _permit) = match join(batch, job, permit).await {
        Ok(Joined::Leader(leader, permit)) => (leader, permit),
        Ok(Joined::Here(found)) => return Outcome::Here { found, is_stated },
        Err(kind) => return Outcome::Failed(kind),
    };
    match have(batch, job, integrity.as_ref(), &progress).await {
        Ok(Tried::Here(found)) => Outcome::Here { found, is_stated },
        Ok(Tried::Busy) => Outcome::Busy,
        Ok(Tried::Sealed(sealed)) => Outcome::Submitted { published: batch.submit(*sealed, leader).await, is_stated },
        Err(kind) => {
            leader.fail(&job.addresses, &kind);
            Outcome::Failed(kind)
        }
    }
}

enum Joined<'a> {
    Leader(Leader, SemaphorePermit<'a>),
    Here(BlobRef),
}

async fn permit(batch: &Batch) -> SemaphorePermit<'_> {
    batch.engine.permits.acquire().await.expect("nobody closes it")
}

/// Waits while another caller in this process downloads the same file. A follower gives its permit back, so other files download meanwhile.
async fn join<'a>(batch: &'a Arc<Batch>, job: &Arc<Job>, held: SemaphorePermit<'a>) -> Result<Joined<'a>, FailureKind> {
    let mut held = Some(held);
    loop {
        let key = job.wanted.keys().into_iter().next().expect("what is wanted has a key");
        let follower = match batch.engine.flights.join(key) {
            Role::Leader(leader) => {
                let permit = match held.take() {
                    Some(permit) => permit,
                    None => permit(batch).await,
                };
                return Ok(Joined::Leader(leader, permit));
            }
            Role::Follower(follower) => follower,
        };
        drop(held.take());
        if let Some(kind) = follower.wait(&job.addresses).await {
            return Err(kind);
        }
        let (look_up, wanted) = (Arc::clone(&batch.engine.look_up), job.wanted.clone());
        let found = blocking(move || look_up.look_again(&[wanted])).await;
        if let Some(found) = found.map_err(|error| FailureKind::Store(Arc::new(error)))?.into_iter().flatten().next() {
            return Ok(Joined::Here(found));
        }
    }
}

async fn have(
    batch: &Batch,
    job: &Arc<Job>,
    integrity: Option<&Integrity>,
    progress: &Arc<FileProgress>,
) -> Result<Tried, FailureKind> {
    let mut addresses = job.addresses.clone();
    // Shared by all tries: there may be as many origins as addresses.
    let origins: Arc<[Origin]> = job.origins.clone().into();
    let mut next = 0;
    let mut wrong_bytes = None;
    loop {
        let error = match once(batch, job, integrity, &origins, &addresses[next], progress).await {
            Err(FailureKind::Download(error)) => error,
            done => return done,
        };
        if job.is_address_built && is_not_found(&error) && next == 0 {
            // Not every registry has its tarballs where the public one has them.
            let stated = stated_address(batch, job, progress).await;
            let stated = stated.filter(|stated| *stated != addresses[0].url);
            addresses.extend(stated.map(|url| Address { url, authorization: None, is_anonymous: false, member: None }));
        }
        next += 1;
        let is_hopeless = matches!(error.last(), DownloadError::Sink { .. }) && not_a_package(&error).is_none();
        let is_last = next == addresses.len() || is_hopeless;
        if !is_last {
            tracing::debug!(%error, "the next address is tried");
        }
        // That one source has other bytes must not be hidden by another that has none.
        if matches!(error.last(), DownloadError::Mismatch { .. }) {
            wrong_bytes.get_or_insert_with(|| Arc::clone(&error));
        }
        if is_last {
            return Err(FailureKind::Download(wrong_bytes.unwrap_or(error)));
        }
    }
}

async fn once(
    batch: &Batch,
    job: &Arc<Job>,
    integrity: Option<&Integrity>,
    origins: &Arc<[Origin]>,
    address: &Address,
    progress: &Arc<FileProgress>,
) -> Result<Tried, FailureKind> {
    let failed = |error| FailureKind::Download(Arc::new(error));
    let part = match claim(batch, job, integrity, origins).await.map_err(|error| FailureKind::Store(Arc::new(error)))? {
        DownloadLock::Busy => return Ok(Tried::Busy),
        DownloadLock::Present(found) => return Ok(Tried::Here(found)),
        DownloadLock::Acquired(part) => part,
    };
    // Where a digest is stated, it says what the bytes are. A commit is packed again before it is compared.
    let is_open = job.lacks_integrity() && integrity.is_none();
    let first = (is_open || job.is_commit).then(|| FirstBytes {
        shape: is_open.then(|| job.shape.clone()),
        is_commit: job.is_commit,
        longest: batch.engine.longest,
        store: batch.engine.store.clone(),
    });
    let (sink, url) = (PartSink::new(part, first), address.url.clone());
    let sealed = if let Some(member) = &address.member {
        let watched = Arc::clone(progress) as _;
        let kept =
            batch.archives.member(&batch.engine.client, &url, member, &watched).await.map_err(FailureKind::Download)?;
        let (archive, file, progress) = (RedactedUrl::new(&url), member.to_string(), Arc::clone(progress));
        let unread = move |source| DownloadError::Archive {
            archive: archive.clone(),
            file: file.clone(),
            source: Arc::new(source),
        };
        let len = kept.len();
        blocking(move || local::pour((kept, len), unread, &url, sink, &*progress)).await
    } else if url.scheme() == "file" {
        let progress = Arc::clone(progress);
        blocking(move || local::copy(&url, sink, &*progress)).await
    } else {
        let request = Request { url, is_checked: !is_open && !job.is_commit };
        let client = &batch.engine.client;
        let client = if address.is_anonymous { &client.anonymous() } else { client };
        download(client, &request, sink, Arc::clone(progress) as _).await
    };
    Ok(Tried::Sealed(Box::new(sealed.map_err(failed)?)))
}

async fn claim(
    batch: &Batch,
    job: &Arc<Job>,
    integrity: Option<&Integrity>,
    origins: &Arc<[Origin]>,
) -> Result<DownloadLock, StoreError> {
    let (look_up, job, integrity) = (Arc::clone(&batch.engine.look_up), Arc::clone(job), integrity.cloned());
    let origins = Arc::clone(origins);
    let claim = move || DownloadLock::acquire(&look_up, &job.wanted, integrity.as_ref(), origins);
    blocking(claim).await
}

/// The digest that the registry states of a version; `None` if it states none: it does not list the version, though it may serve it still, or does not
/// describe the package at all.
async fn stated_by_registry(
    batch: &Batch,
    job: &Job,
    packument: &Url,
    progress: &Arc<FileProgress>,
) -> Result<Option<Integrity>, FailureKind> {
    let version = &job.artifacts[0].version;
    let progress = FileProgress::of_documents(progress);
    let stated = batch.packuments.distribution(&batch.engine.client, packument, version, &progress).await;
    let error = match stated {
        Ok(distribution) => return Ok(distribution.integrity),
        Err(PackumentError::NoVersion) => return Ok(None),
        Err(PackumentError::Download(error)) if is_not_found(&error) => return Ok(None),
        Err(error) => error,
    };
    Err(FailureKind::Packument(Arc::new(error)))
}

/// Where the registry says that the tarball is, with the configured registry's host where that is due.
async fn stated_address(batch: &Batch, job: &Job, progress: &Arc<FileProgress>) -> Option<Url> {
    let artifact = &job.artifacts[0];
    let progress = FileProgress::of_documents(progress);
    let packument = job.packument.as_ref()?;
    let stated = batch.packuments.distribution(&batch.engine.client, packument, &artifact.version, &progress).await;
    let tarball = match stated {
        Ok(distribution) => distribution.tarball?,
        Err(error) => {
            tracing::debug!(%error, package = %artifact.package, "no other address is known");
            return None;
        }
    };
    let name = PackageName::parse(&artifact.name).ok()?;
    let replaced = job.configuration(&batch.engine.configurations).and_then(|npm| npm.replaced(&tarball, &name));
    Some(replaced.unwrap_or(tarball))
}

fn is_not_found(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Status { status: StatusCode::NOT_FOUND, .. })
}
