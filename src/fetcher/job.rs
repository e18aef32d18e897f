//! [`Job`], the result of stage 3: a missing file with its keys, its addresses, and what its bytes must be.

use std::{collections::HashMap, sync::Arc};

use larder_store::{key::Wanted, receipt::Origin};
use url::Url;

use super::{
    failure::{Failure, FailureKind},
    first_bytes::Shape,
};
use crate::{
    config::{address::Address, package_manager::NpmConfig},
    core::artifact::Ecosystem,
    plan::EntryName,
};

/// One file, and the artifacts of the plan that it is: more than one where several packages have the same bytes.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// How the store knows it.
    pub wanted: Wanted,
    /// The artifacts, at least one.
    pub artifacts: Vec<JobArtifact>,
    /// Where it can be had: in this order, without repeats.
    pub addresses: Vec<Address>,
    /// Where the registry describes the package, if it is a registry's and the lockfile leaves its address or its digest open.
    pub packument: Option<Url>,
    /// Whether its addresses are guesses, since the lockfile states none: the packument knows better.
    pub is_address_built: bool,
    /// What its receipt will say.
    pub origins: Vec<Origin>,
    /// Whether it is a forge's archive of a commit, of which no lockfile states a digest: it is packed again.
    pub is_commit: bool,
    /// What its bytes must be where nobody states a digest.
    pub(super) shape: Shape,
}

/// An artifact of a job.
#[derive(Clone, Debug)]
pub(super) struct JobArtifact {
    /// `react 18.2.0`.
    pub package: Arc<str>,
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// The package's name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// The lockfile entries that name it.
    pub entries: Vec<EntryName>,
    /// Whether the package manager installs without it if it cannot be had.
    pub is_optional: bool,
}

impl Job {
    /// Whether the lockfile states no digest.
    pub(super) fn lacks_integrity(&self) -> bool {
        matches!(self.wanted, Wanted::Identity(_))
    }

    /// Whether package managers install without it.
    pub(super) fn is_optional(&self) -> bool {
        self.artifacts.iter().all(|artifact| artifact.is_optional)
    }

    /// The failure of each of its artifacts.
    pub(super) fn failures(&self, kind: &FailureKind) -> impl Iterator<Item = Failure> {
        self.artifacts.iter().map(|artifact| Failure {
            package: Arc::clone(&artifact.package),
            ecosystem: artifact.ecosystem,
            entries: artifact.entries.clone(),
            kind: kind.clone(),
        })
    }

    /// The configuration of the lockfile that it is from: what another one says of registries is for that one's packages.
    pub(super) fn configuration<'a>(&self, configurations: &'a [NpmConfig]) -> Option<&'a NpmConfig> {
        let lockfile =
            self.artifacts.first().and_then(|artifact| artifact.entries.first()).map(|entry| &*entry.lockfile);
        let own = configurations.iter().find(|npm| npm.lockfile().is_some() && npm.lockfile() == lockfile);
        own.or_else(|| configurations.first().filter(|npm| npm.lockfile().is_none()))
    }

    /// Takes over artifacts with the same bytes.
    pub(super) fn join(&mut self, others: impl Iterator<Item = Self>) {
        let mut places: HashMap<Url, Vec<usize>> = HashMap::new();
        for (position, address) in self.addresses.iter().enumerate() {
            places.entry(address.url.clone()).or_default().push(position);
        }
        for other in others {
            self.artifacts.extend(other.artifacts);
            for address in other.addresses {
                let known = places.entry(address.url.clone()).or_default();
                if !known.iter().any(|&position| self.addresses[position] == address) {
                    known.push(self.addresses.len());
                    self.addresses.push(address);
                }
            }
            self.origins.extend(other.origins);
            self.is_commit |= other.is_commit;
            if self.shape != other.shape {
                // Whatever one of them may be, the bytes may be.
                self.shape = Shape { name: None, manifest: self.shape.manifest.max(other.shape.manifest) };
            }
        }
    }
}
