//! One order: the right to download it, where to ask, and its bytes into the store.

use std::sync::Arc;

use larder_store::{
    Store, StoreError, claim::Claimed, commit::Committer, digest::Integrity, look_up::LookUp, part::Sealed,
    receipt::Origin,
};
use reqwest::StatusCode;
use url::Url;

use super::{
    FailureKind, Order,
    archive::Archives,
    first_bytes::{FirstBytes, NotAPackage},
    local,
    packuments::{PackumentError, Packuments},
    sink::PartSink,
    watch::{FileProgress, Tally},
};
use crate::{
    config::{address::Address, package_manager::NpmConfig},
    core::artifact::PackageName,
    http::{Client, DownloadError, RedactedUrl, Request, download},
};

/// What all orders of a fill share.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) look_up: Arc<LookUp>,
    pub(super) committer: Committer,
    pub(super) packuments: Packuments,
    pub(super) archives: Archives,
    pub(super) store: Store,
    /// The longest file that is taken, and that is unpacked. Bytes.
    pub(super) longest: u64,
    pub(super) configurations: Vec<NpmConfig>,
    pub(super) tally: Arc<Tally>,
}

/// What became of an order.
pub(super) enum Outcome {
    /// Another larder had it, or an earlier run.
    Here {
        /// Whether the registry stated its digest, where the lockfile does not.
        is_stated: bool,
    },
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
    let integrity = match &order.packument {
        Some(packument) if order.lacks_integrity() => stated_by_registry(shared, order, packument, &progress).await,
        _ => Ok(None),
    };
    let integrity = match integrity {
        Ok(integrity) => integrity,
        Err(kind) => return Outcome::Failed(kind),
    };
    let is_stated = integrity.is_some();
    match have(shared, order, integrity.as_ref(), &progress).await {
        Ok(Tried::Here) => Outcome::Here { is_stated },
        Ok(Tried::Busy) => Outcome::Busy,
        Ok(Tried::Sealed(sealed)) => {
            shared.tally.submit(file, Arc::clone(order), is_stated);
            let shared = Arc::clone(shared);
            blocking(move || shared.committer.submit(file, *sealed)).await;
            Outcome::Submitted
        }
        Err(kind) => Outcome::Failed(kind),
    }
}

async fn have(
    shared: &Shared,
    order: &Arc<Order>,
    integrity: Option<&Integrity>,
    progress: &Arc<FileProgress>,
) -> Result<Tried, FailureKind> {
    let mut addresses = order.addresses.clone();
    // Shared by all tries: there may be as many origins as addresses.
    let origins: Arc<[Origin]> = order.origins.clone().into();
    let mut next = 0;
    let mut wrong_bytes = None;
    loop {
        let error = match once(shared, order, integrity, &origins, &addresses[next], progress).await {
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
    shared: &Shared,
    order: &Arc<Order>,
    integrity: Option<&Integrity>,
    origins: &Arc<[Origin]>,
    address: &Address,
    progress: &Arc<FileProgress>,
) -> Result<Tried, FailureKind> {
    let failed = |error| FailureKind::Download(Arc::new(error));
    let part =
        match claim(shared, order, integrity, origins).await.map_err(|error| FailureKind::Store(Arc::new(error)))? {
            Claimed::Busy => return Ok(Tried::Busy),
            Claimed::Here(_) => return Ok(Tried::Here),
            Claimed::Yours(part) => part,
        };
    // Where a digest is stated, it says what the bytes are. A commit is packed again before it is compared.
    let is_open = order.lacks_integrity() && integrity.is_none();
    let first = (is_open || order.is_commit).then(|| FirstBytes {
        shape: is_open.then(|| order.shape.clone()),
        is_commit: order.is_commit,
        longest: shared.longest,
        store: shared.store.clone(),
    });
    let (sink, url) = (PartSink::new(part, first), address.url.clone());
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
        let request = Request { url, is_checked: !is_open && !order.is_commit };
        download(&shared.client, &request, sink, Arc::clone(progress) as _).await
    };
    Ok(Tried::Sealed(Box::new(sealed.map_err(failed)?)))
}

async fn claim(
    shared: &Shared,
    order: &Arc<Order>,
    integrity: Option<&Integrity>,
    origins: &Arc<[Origin]>,
) -> Result<Claimed, StoreError> {
    let (look_up, order, integrity) = (Arc::clone(&shared.look_up), Arc::clone(order), integrity.cloned());
    let origins = Arc::clone(origins);
    let claim = move || look_up.claim(&order.wanted, integrity.as_ref(), origins);
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

/// The digest that the registry states of a version; `None` if it states none: it does not list the version, though it may serve it still, or does not
/// describe the package at all.
async fn stated_by_registry(
    shared: &Shared,
    order: &Order,
    packument: &Url,
    progress: &Arc<FileProgress>,
) -> Result<Option<Integrity>, FailureKind> {
    let version = &order.artifacts[0].version;
    let progress = FileProgress::of_documents(progress);
    let stated = shared.packuments.distribution(&shared.client, packument, version, &progress).await;
    let error = match stated {
        Ok(distribution) => return Ok(distribution.integrity),
        Err(PackumentError::NoVersion) => return Ok(None),
        Err(PackumentError::Download(error)) if is_not_found(&error) => return Ok(None),
        Err(error) => error,
    };
    Err(FailureKind::Packument(Arc::new(error)))
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
    let replaced = order.configuration(&shared.configurations).and_then(|npm| npm.replaced(&tarball, &name));
    Some(replaced.unwrap_or(tarball))
}

fn is_not_found(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Status { status: StatusCode::NOT_FOUND, .. })
}

/// Why what came is no package, if that is what is wrong.
pub(super) fn not_a_package(error: &DownloadError) -> Option<&NotAPackage> {
    match error.last() {
        DownloadError::Sink { source, .. } => source.downcast_ref(),
        _ => None,
    }
}
