//! One order: the right to download it, where to ask, and its bytes into the store.

use std::sync::Arc;

use larder_store::{StoreError, claim::Claimed, commit::Committer, digest::Integrity, look_up::LookUp, part::Sealed};
use reqwest::StatusCode;
use url::Url;

use super::{
    FailureKind, Order,
    archive::Archives,
    local,
    packuments::{PackumentError, Packuments},
    sink::PartSink,
    watch::{FileProgress, Tally},
};
use crate::{
    address::Address,
    artifact::PackageName,
    fetch::{Client, DownloadError, RedactedUrl, Request, download},
    npmrc::NpmConfig,
};

/// What all orders of a fill share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) look_up: Arc<LookUp>,
    pub(super) committer: Committer,
    pub(super) packuments: Packuments,
    pub(super) archives: Archives,
    pub(super) configurations: Vec<NpmConfig>,
    pub(super) tally: Arc<Tally>,
}

/// What became of an order.
pub(super) enum Outcome {
    /// Another larder had it, or an earlier run.
    Here,
    /// It is with the committer.
    Submitted,
    /// Another larder is at it.
    Busy,
    /// It could not be had.
    Failed(FailureKind),
}

enum Tried {
    Here,
    Busy,
    Sealed(Box<Sealed>),
}

/// Runs one order.
pub(super) async fn run(shared: &Arc<Shared>, order: &Arc<Order>, file: u64, progress: Arc<FileProgress>) -> Outcome {
    match have(shared, order, &progress).await {
        Ok(Tried::Here) => Outcome::Here,
        Ok(Tried::Busy) => Outcome::Busy,
        Ok(Tried::Sealed(sealed)) => {
            shared.tally.submit(file, Arc::clone(order));
            let shared = Arc::clone(shared);
            blocking(move || shared.committer.submit(file, *sealed)).await;
            Outcome::Submitted
        }
        Err(kind) => Outcome::Failed(kind),
    }
}

async fn have(shared: &Shared, order: &Arc<Order>, progress: &Arc<FileProgress>) -> Result<Tried, FailureKind> {
    let integrity = match &order.packument {
        Some(packument) if order.lacks_integrity() => {
            Some(stated_by_registry(shared, order, packument, progress).await?)
        }
        _ => None,
    };
    let mut addresses = order.addresses.clone();
    let mut next = 0;
    let mut wrong_bytes = None;
    loop {
        let error = match once(shared, order, integrity.as_ref(), &addresses[next], progress).await {
            Err(FailureKind::Download(error)) => error,
            done => return done,
        };
        if order.is_address_built && is_not_found(&error) && next == 0 {
            // Not every registry has its tarballs where the public one has them.
            let stated = stated_address(shared, order, progress).await;
            let stated = stated.filter(|stated| *stated != addresses[0].url);
            addresses.extend(stated.map(|url| Address { url, authorization: None, member: None }));
        }
        next += 1;
        let is_hopeless = matches!(error.last(), DownloadError::Sink { .. });
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
    shared: &Shared,
    order: &Arc<Order>,
    integrity: Option<&Integrity>,
    address: &Address,
    progress: &Arc<FileProgress>,
) -> Result<Tried, FailureKind> {
    let failed = |error| FailureKind::Download(Arc::new(error));
    let part = match claim(shared, order, integrity).await.map_err(|error| FailureKind::Store(Arc::new(error)))? {
        Claimed::Busy => return Ok(Tried::Busy),
        Claimed::Here(_) => return Ok(Tried::Here),
        Claimed::Yours(part) => part,
    };
    let (sink, url) = (PartSink::new(part), address.url.clone());
    let sealed = if let Some(member) = &address.member {
        let watched = Arc::clone(progress) as _;
        let kept =
            shared.archives.member(&shared.client, &url, member, &watched).await.map_err(FailureKind::Download)?;
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
        let request = Request { url, is_checked: integrity.is_some() || !order.lacks_integrity() };
        download(&shared.client, &request, sink, Arc::clone(progress) as _).await
    };
    Ok(Tried::Sealed(Box::new(sealed.map_err(failed)?)))
}

async fn claim(shared: &Shared, order: &Arc<Order>, integrity: Option<&Integrity>) -> Result<Claimed, StoreError> {
    let (look_up, order, integrity) = (Arc::clone(&shared.look_up), Arc::clone(order), integrity.cloned());
    let claim = move || look_up.claim(&order.wanted, integrity.as_ref(), order.origins.clone());
    blocking(claim).await
}

pub(super) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and drops this future next.
            Err(_) => std::future::pending().await,
        },
    }
}

async fn stated_by_registry(
    shared: &Shared,
    order: &Order,
    packument: &Url,
    progress: &Arc<FileProgress>,
) -> Result<Integrity, FailureKind> {
    let version = &order.artifacts[0].version;
    let failed = |error| FailureKind::Packument(Arc::new(error));
    let progress = FileProgress::of_documents(progress);
    let stated = shared.packuments.distribution(&shared.client, packument, version, &progress).await.map_err(failed)?;
    stated.integrity.ok_or_else(|| failed(PackumentError::NoIntegrity))
}

/// Where the registry says that the tarball is, with the configured registry's host where that is due.
async fn stated_address(shared: &Shared, order: &Order, progress: &Arc<FileProgress>) -> Option<Url> {
    let artifact = &order.artifacts[0];
    let progress = FileProgress::of_documents(progress);
    let packument = order.packument.as_ref()?;
    let stated = shared.packuments.distribution(&shared.client, packument, &artifact.version, &progress).await;
    let tarball = match stated {
        Ok(distribution) => distribution.tarball?,
        Err(error) => {
            tracing::debug!(%error, package = %artifact.package, "no other address is known");
            return None;
        }
    };
    let name = PackageName::parse(&artifact.name).ok()?;
    let replaced = shared.configurations.iter().find_map(|npm| npm.replaced(&tarball, &name));
    Some(replaced.unwrap_or(tarball))
}

fn is_not_found(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Status { status: StatusCode::NOT_FOUND, .. })
}
