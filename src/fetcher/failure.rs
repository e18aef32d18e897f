//! What could not be had, why, and whose fault it is, which decides the exit code (`commands/error.rs`).

use std::sync::Arc;

use larder_store::{
    StoreError,
    digest::{Algorithm, BlobId},
};
use reqwest::StatusCode;

use super::{
    first_bytes::{NotAPackage, not_a_package},
    manager_hints,
    packuments::PackumentError,
    sink::OtherThanRecorded,
};
use crate::{
    config::address::AddressError,
    core::{artifact::Ecosystem, error_chain::chain},
    http::DownloadError,
    lockfile::{Format, UnfetchableReason},
    plan::EntryName,
};

/// The way out where another process holds a lock.
pub const HELD: &str =
    "end that process, or continue it if it is stopped; `lslocks` lists who holds a lock; what has arrived is kept";

/// An artifact that could not be had.
#[derive(Clone, Debug)]
pub struct Failure {
    /// `react 18.2.0`.
    pub package: Arc<str>,
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// The lockfile entries that name it, at least one.
    pub entries: Vec<EntryName>,
    /// Why.
    pub kind: FailureKind,
}

/// Why an artifact could not be had.
#[derive(Clone, Debug)]
pub enum FailureKind {
    /// Its lockfile entry cannot be fetched at all.
    Unfetchable(UnfetchableReason),
    /// It has no address that can be asked.
    Address(Arc<AddressError>),
    /// No request may be made.
    Offline,
    /// Its registry did not have it when it was asked last. Of optional packages alone.
    GoneBefore,
    /// The lockfile states no digest, and that is required.
    NoIntegrity,
    /// The registry does not say what its bytes are.
    Packument(Arc<PackumentError>),
    /// It did not arrive, or its bytes are others.
    Download(Arc<DownloadError>),
    /// It cannot be kept.
    Store(Arc<StoreError>),
    /// The lockfile states another length than the bytes of its own digest have.
    Size {
        /// What is stated, bytes.
        stated: u64,
        /// What there is, bytes.
        actual: u64,
    },
    /// Its blob is not what it should be, and cannot be fetched again.
    Damaged {
        /// The blob.
        blob: BlobId,
        /// What was found.
        cause: Arc<str>,
    },
}

impl Failure {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.kind {
            FailureKind::Download(error) if self.ecosystem == Ecosystem::Download => recorded_hint(error),
            FailureKind::Download(error) if self.ecosystem != Ecosystem::Npm => python_hint(self.ecosystem, error),
            kind => managers_hint(kind, Format::of(&self.entries[0].lockfile)).or_else(|| kind.hint()),
        }
    }
}

/// Whose fault a failure is: decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The network's or a server's: another run may succeed.
    Network,
    /// The store's.
    Store,
    /// That of the lockfile, the configuration or the bytes.
    Data,
}

impl FailureKind {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unfetchable(_)
            | Self::Address(_)
            | Self::Offline
            | Self::GoneBefore
            | Self::NoIntegrity
            | Self::Size { .. } => Fault::Data,
            Self::Store(_) | Self::Damaged { .. } => Fault::Store,
            Self::Packument(error) => match &**error {
                PackumentError::Download(error) => download_fault(error),
                _ => Fault::Data,
            },
            Self::Download(error) => download_fault(error),
        }
    }

    /// Stable name for programs that read the JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unfetchable(_) => "unfetchable",
            Self::Address(_) => "address",
            Self::Offline => "offline",
            Self::GoneBefore => "gone",
            Self::NoIntegrity => "no-integrity",
            Self::Packument(_) => "packument",
            Self::Download(error) if is_mismatch(error) => "mismatch",
            Self::Download(error) if not_a_package(error).is_some() => "not-a-package",
            Self::Download(_) => "download",
            Self::Store(_) => "store",
            Self::Size { .. } => "size",
            Self::Damaged { .. } => "damaged",
        }
    }

    /// What happened, in a sentence that follows the package's name.
    pub fn sentence(&self, lockfile: &str) -> String {
        match self {
            Self::Unfetchable(_) | Self::Address(_) => "cannot be fetched".to_owned(),
            Self::Offline => "not in the store, and --offline forbids fetching it".to_owned(),
            Self::GoneBefore => "the registry did not have it when it was asked last".to_owned(),
            Self::NoIntegrity => format!("{lockfile} states no integrity, which --require-integrity demands"),
            Self::Packument(_) => "the registry gives no digest for it".to_owned(),
            Self::Download(error) => match error.last() {
                DownloadError::Mismatch { .. } => format!("digest does not match {lockfile}"),
                _ if is_mismatch(error) => "the bytes are not those of the first fetch".to_owned(),
                _ if not_a_package(error).is_some() => "what came is not a package".to_owned(),
                _ => "could not be fetched".to_owned(),
            },
            Self::Store(error) if matches!(**error, StoreError::Held { .. }) => {
                "another process is downloading it and has stalled".to_owned()
            }
            Self::Store(_) => "cannot be kept".to_owned(),
            Self::Size { .. } => format!("size does not match {lockfile}"),
            Self::Damaged { blob, .. } => format!("its blob {blob} is damaged"),
        }
    }

    /// The causes, outermost first.
    pub fn causes(&self) -> Vec<String> {
        match self {
            Self::Unfetchable(reason) => vec![reason.to_string()],
            Self::Address(error) => chain(&**error),
            Self::Offline | Self::GoneBefore | Self::NoIntegrity => Vec::new(),
            Self::Packument(error) => chain(&**error),
            Self::Download(error) => chain(&**error).into_iter().chain(in_hex(error.last())).collect(),
            Self::Store(error) => chain(&**error),
            Self::Size { stated, actual } => {
                vec![format!("{stated} bytes are stated, and the file with the stated digest has {actual}")]
            }
            Self::Damaged { cause, .. } => vec![cause.to_string()],
        }
    }

    /// The way out for a package of npm's.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) if matches!(**error, StoreError::Held { .. }) => Some(HELD),
            Self::Offline => Some("run `larder fetch` with a network first, with the same --platform and --omit"),
            Self::Size { .. } => Some(
                "the entry contradicts itself, so somebody or something changed it: put its `size` right, or bring back the last larder.lock that was committed",
            ),
            Self::Damaged { .. } => {
                Some("run it without --offline, where the store can be written: a damaged blob is then fetched again")
            }
            Self::Download(error) if is_other_than_recorded(error) => Some(
                "if you trust what is there now, `larder forget NAME@VERSION` drops what was recorded, and `larder fetch` takes it",
            ),
            Self::Download(error) if not_a_package(error).is_some() => not_a_package_hint(error),
            Self::Unfetchable(_) => {
                Some("depend on a registry's package, or on a commit at GitHub, GitLab or Bitbucket")
            }
            Self::Download(error) => download_hint(error.last()),
            Self::Packument(error) => match &**error {
                PackumentError::Download(error) => download_hint(error.last()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The way out for a download that was recorded.
fn recorded_hint(error: &DownloadError) -> Option<&'static str> {
    match error.last() {
        _ if is_digest_mismatch(error) => Some(
            "the server has other bytes there than when it was recorded: if you trust them, take its [[download]] out of larder.lock and record it again; else ask whoever publishes it",
        ),
        DownloadError::Status { status, .. } if is_about_credentials(*status) => Some(
            "a recorded download is asked for without credentials: take its [[download]] out of larder.lock if the file is not public",
        ),
        DownloadError::Status { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. } => Some(
            "it is not there any more: upgrade what asks for it, or take its [[download]] out of larder.lock and record it again",
        ),
        DownloadError::RedirectToPrivate { .. } => {
            Some("a recorded download has to be public: take its [[download]] out of larder.lock, and ask who wrote it")
        }
        error => download_hint(error),
    }
}

/// The way out for what `larder.lock` names of Pyodide.
fn python_hint(ecosystem: Ecosystem, error: &DownloadError) -> Option<&'static str> {
    match error.last() {
        DownloadError::Lookup { .. } | DownloadError::Connect { .. } | DownloadError::Timeout { .. } => {
            Some(if ecosystem == Ecosystem::Pyodide {
                "if Pyodide's CDN cannot be reached from here, name another place of its distribution in `pyodide.sources` in larder.toml: a mirror, a folder or a release archive; `larder fetch` of the package manager's lockfile alone gets its packages"
            } else {
                "if the index's file host cannot be reached from here, name a mirror of it in `pyodide.files` in larder.toml; `larder fetch` of the package manager's lockfile alone gets its packages"
            })
        }
        _ if is_mismatch(error) => Some(
            "the file there is not the one that was locked: another of `pyodide.sources` may have it, or `larder lock` chooses anew",
        ),
        DownloadError::Status { status: StatusCode::NOT_FOUND, .. }
        | DownloadError::File { .. }
        | DownloadError::Archive { .. }
        | DownloadError::NotInArchive { .. } => Some(
            "no source has it: name one that does in `pyodide.sources` in larder.toml, or lock anew with `larder lock --upgrade`",
        ),
        error => download_hint(error),
    }
}

fn download_hint(error: &DownloadError) -> Option<&'static str> {
    match error {
        // A server that says why it refuses knows who asks.
        DownloadError::Status { status: StatusCode::FORBIDDEN, is_authorized: true, reason: Some(_), .. } => None,
        DownloadError::Status { status, .. } if is_about_credentials(*status) => {
            Some("put a token for that address into .npmrc: //host/path/:_authToken=${NPM_TOKEN}")
        }
        DownloadError::Status { status: StatusCode::NOT_FOUND, .. } => {
            Some("the registry does not have it: is it the right registry, and was the version unpublished?")
        }
        DownloadError::ProxyAuthentication { .. } => Some(
            "put a user and password into the proxy's address (http://user:password@host:port/). larder knows Basic authentication alone: for a proxy that wants NTLM, Negotiate (Kerberos) or Digest, run a local proxy that authenticates there, and name that one",
        ),
        DownloadError::TooManyRedirects { .. } | DownloadError::RedirectTarget { .. } => {
            Some("the server's redirects lead nowhere: is the address that of the registry?")
        }
        DownloadError::Certificate { .. } => {
            Some("name the certificate authority's PEM file with `cafile` in .npmrc or with SSL_CERT_FILE")
        }
        DownloadError::Lookup { .. } | DownloadError::Connect { .. } => {
            Some("is there a network? A proxy is taken from HTTPS_PROXY or from `https-proxy` in .npmrc")
        }
        DownloadError::Withheld { .. } => Some(
            "if you trust the project with your credentials, say --trust-project-config, or write the same setting into your own .npmrc",
        ),
        DownloadError::TooLong { .. } => {
            Some("if it is meant to be that large, raise max-artifact-size in larder.toml")
        }
        error if error.is_network() => Some("run it again: what has arrived is kept"),
        _ => None,
    }
}

const fn is_about_credentials(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn download_fault(error: &DownloadError) -> Fault {
    match error.last() {
        DownloadError::Sink { .. } if not_a_package(error).is_some_and(NotAPackage::is_passing) => Fault::Network,
        DownloadError::Sink { .. } if not_a_package(error).is_some() => Fault::Data,
        DownloadError::Sink { .. } if !is_mismatch(error) => Fault::Store,
        error if error.is_network() => Fault::Network,
        _ => Fault::Data,
    }
}

/// The digests of a mismatch as `sha256sum` prints them, and as a recorded download's row has them.
fn in_hex(error: &DownloadError) -> Option<String> {
    let DownloadError::Mismatch { expected, actual, .. } = error else { return None };
    let ([expected], [actual]) = (expected.digests(), actual.digests()) else { return None };
    let is_sha256 = expected.algorithm() == Algorithm::Sha256;
    is_sha256.then(|| format!("in hexadecimal digits: expected {}, got {}", expected.to_hex(), actual.to_hex()))
}

fn is_mismatch(error: &DownloadError) -> bool {
    is_digest_mismatch(error) || is_other_than_recorded(error)
}

/// Whether the bytes are not those of a digest that is stated.
fn is_digest_mismatch(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Mismatch { .. })
}

fn is_other_than_recorded(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Sink { source, .. } if source.downcast_ref::<OtherThanRecorded>().is_some())
}

fn not_a_package_hint(error: &DownloadError) -> Option<&'static str> {
    match not_a_package(error)? {
        NotAPackage::Html | NotAPackage::Json | NotAPackage::NoArchive => Some(
            "this usually means a sign-in page, a missing token or an overloaded server; nothing was stored, and the next run asks again",
        ),
        NotAPackage::Empty | NotAPackage::Broken(_) => Some("nothing was stored, and the next run asks again"),
        _ => None,
    }
}

/// The way out of a failure of a package of this manager's lockfile, if it is one that its manager's commands lead to.
fn managers_hint(kind: &FailureKind, manager: Format) -> Option<&'static str> {
    match kind {
        FailureKind::NoIntegrity => Some(manager_hints::no_integrity(manager)),
        FailureKind::Download(error) if is_digest_mismatch(error) => Some(manager_hints::mismatch(manager)),
        FailureKind::Unfetchable(UnfetchableReason::PluginProtocol { .. }) => {
            Some("yarn fetches it itself where it may: `larder run` without --offline lets it")
        }
        FailureKind::Unfetchable(UnfetchableReason::NotUnderstood { .. } | UnfetchableReason::NothingStated) => {
            Some(manager_hints::not_understood(manager))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockfile::EntryProblem;

    #[test]
    fn a_hint_names_the_command_of_the_lockfiles_own_manager() {
        let problem = EntryProblem::NotAnObject;
        let odd = FailureKind::Unfetchable(UnfetchableReason::NotUnderstood { problem });
        for manager in Format::ALL {
            for kind in [&FailureKind::NoIntegrity, &odd] {
                let hint = managers_hint(kind, manager).unwrap();
                assert!(hint.contains(&format!("`{manager} install")), "{hint}");
                let others = Format::ALL.into_iter().filter(|other| *other != manager);
                assert!(others.into_iter().all(|other| !hint.contains(&format!("`{other} "))), "{hint}");
            }
        }
        assert_eq!(managers_hint(&FailureKind::Offline, Format::Yarn), None);
    }
}
