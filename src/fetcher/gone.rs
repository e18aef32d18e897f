//! Negative cache: optional packages that a registry does not have (404) or has no more (410). Package managers install without them, and so does larder.
//!
//! The store records which file was gone at which address, for runs that may not or cannot make a request. A run that can make the request makes it again.

use std::sync::Arc;

use larder_store::{Store, key::Wanted};
use reqwest::StatusCode;

use super::{Failure, FailureKind, Fault, job::Job, packuments::PackumentError};
use crate::{core::redacted::without_userinfo, http::DownloadError};

/// A file that is gone, and that nothing but optional dependencies lead to.
#[derive(Clone, Debug)]
pub struct Gone {
    /// The packages that it is, at least one, each with what was answered.
    pub packages: Vec<Failure>,
    /// How the store would know it.
    pub wanted: Wanted,
    /// Where it was looked for.
    pub address: String,
}

/// A failure of an order as what it is: an optional package that is gone, or a failure.
pub(super) fn or_failure(job: &Job, kind: FailureKind, store: &Store) -> Result<Gone, FailureKind> {
    if !job.is_optional() {
        return Err(kind);
    }
    let address = address_of(job);
    let gone = |kind: &FailureKind, address: String| {
        Ok(Gone { packages: job.failures(kind).collect(), wanted: job.wanted.clone(), address })
    };
    if is_gone(&kind) {
        store.note_gone(&job.wanted, &address);
        return gone(&kind, address);
    }
    let was_not_asked = matches!(kind, FailureKind::Offline) || kind.fault() == Fault::Network;
    let is_noted = || store.is_noted_gone(&job.wanted, &address) || store.is_noted_gone_anywhere(&job.wanted);
    if was_not_asked && is_noted() {
        return gone(&FailureKind::GoneBefore, address);
    }
    Err(kind)
}

/// Forgets that a file was gone, if that was noted.
pub(super) fn arrived(job: &Arc<Job>, store: &Store) {
    if job.is_optional() {
        store.forget_gone(&job.wanted, &address_of(job));
    }
}

/// The first address of an order: the one that is asked first.
fn address_of(job: &Job) -> String {
    without_userinfo(&job.addresses[0].url).to_string()
}

/// Whether the registry said that it has no such file.
fn is_gone(kind: &FailureKind) -> bool {
    let says_so = |error: &DownloadError| {
        matches!(error.last(), DownloadError::Status { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. })
    };
    match kind {
        FailureKind::Download(error) => says_so(error),
        FailureKind::Packument(error) => matches!(&**error, PackumentError::Download(error) if says_so(error)),
        _ => false,
    }
}
