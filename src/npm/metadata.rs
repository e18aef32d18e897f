//! The metadata that a plan gives npm and whoever speaks to a registry: each package's version with its address, its digests and its description, whether its
//! bytes are in the store or not.
//!
//! Descriptions come from the lockfile, which in versions 2 and 3 has all of a package's description that npm reads; else from the `package.json` in the
//! tarball. No registry is asked, so that the same lockfiles and the same bytes always give the same packuments.

mod placeholder;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    thread,
};

use larder_store::{
    Store, StoreError,
    digest::{Algorithm, Integrity},
    key::BlobRef,
};
use url::Url;

use crate::{
    config::{
        address::{address_of, packument_url},
        larder_toml::LarderToml,
        package_manager::NpmConfig,
    },
    core::{
        artifact::{Artifact, Ecosystem},
        manifest::{Manifest, Manifests},
    },
    npm::{
        package_version::PackageVersion,
        packument::{Described, packument, version_document},
        tarball::{TarballError, package_json},
    },
    plan::{EntryName, Planned},
};

/// The versions of a plan and their descriptions.
#[derive(Debug, Default)]
pub struct Metadata {
    versions: Vec<PackageVersion>,
    manifests: Manifests,
    placeholders: BTreeMap<String, Vec<String>>,
}

/// Why a version cannot be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// It is not in the store.
    #[error("{package} is not in the store")]
    NotHere {
        /// Name and version.
        package: String,
    },
    /// Its receipt is gone.
    #[error("{package}: the receipt of its blob is gone")]
    NoReceipt {
        /// Name and version.
        package: String,
    },
    /// Its blob cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its tarball has no description.
    #[error("{package}: its tarball cannot be read")]
    Tarball {
        /// Name and version.
        package: String,
        /// Why.
        #[source]
        source: TarballError,
    },
    /// The description in its tarball is none.
    #[error("{package}: the package.json in its tarball is not JSON of a package")]
    PackageJson {
        /// Name and version.
        package: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Metadata {
    /// The metadata of a plan's npm artifacts, of which `present` are in the store. `configurations` are those of the lockfiles, by name; `manifests` is what the
    /// lockfiles say of packages.
    pub fn new<'a>(
        store: &Store,
        artifacts: &[Planned],
        present: impl IntoIterator<Item = (&'a Planned, BlobRef)>,
        configurations: &HashMap<&str, &NpmConfig>,
        manifests: Manifests,
    ) -> Result<Self, MetadataError> {
        let present: HashMap<&EntryName, BlobRef> =
            present.into_iter().map(|(planned, found)| (&planned.entries[0], found)).collect();
        // npm knows nothing of mirrors for forges.
        let settings = LarderToml::default();
        let version = |planned: &Planned| {
            let artifact = planned.artifact.clone();
            let npm = configurations[&*planned.entries[0].lockfile];
            let found = present.get(&planned.entries[0]).copied();
            let address = match address_of(&artifact, npm, &settings) {
                Ok(address) => address.url,
                // Where that is no failure, the entry is left to the package manager.
                Err(error) => {
                    tracing::debug!(%error, "an artifact without an address has no metadata");
                    return Ok(None);
                }
            };
            Ok(Some(PackageVersion {
                address,
                packument: packument_url(&artifact.name, npm),
                integrity: integrity(store, &artifact, found)?,
                entries: planned.entries.clone(),
                found,
                artifact,
            }))
        };
        // A wheel may be called as an npm package is.
        let of_npm = artifacts.iter().filter(|planned| planned.artifact.ecosystem == Ecosystem::Npm);
        let versions =
            of_npm.filter_map(|planned| version(planned).transpose()).collect::<Result<_, MetadataError>>()?;
        Ok(Self { versions, manifests, placeholders: BTreeMap::new() })
    }

    /// Adds another project's.
    pub fn extend(&mut self, other: Self) {
        self.versions.extend(other.versions);
        self.manifests.extend(other.manifests);
    }

    /// Every version, in the order of the plan.
    pub fn versions(&self) -> &[PackageVersion] {
        &self.versions
    }

    /// The versions that a registry has and that can be described, by the address of their package's description.
    pub fn by_package(&self) -> BTreeMap<&Url, Vec<&PackageVersion>> {
        let mut by_package: BTreeMap<&Url, Vec<&PackageVersion>> = BTreeMap::new();
        for version in self.versions.iter().filter(|version| version.is_in_registry() && self.describes(version)) {
            by_package.entry(&version.packument).or_default().push(version);
        }
        by_package
    }

    /// Whether all that a packument says of a version is known.
    pub fn describes(&self, version: &PackageVersion) -> bool {
        version.integrity.is_some() && self.manifest(version).is_some()
    }

    /// What the package says about itself.
    fn manifest(&self, version: &PackageVersion) -> Option<&Manifest> {
        self.manifests.get(version.artifact.name.as_str(), version.artifact.version.as_str())
    }

    /// Reads the descriptions that no lockfile has from the tarballs that are here, with `threads` threads: of a lockfile of version 1, all of them. Without
    /// it, packages that only their tarballs describe are left out of packuments. Tarballs that give no description come back.
    pub fn describe(&mut self, store: &Store, threads: usize) -> Vec<MetadataError> {
        let unknown: Vec<&PackageVersion> =
            self.versions.iter().filter(|version| self.lacks_manifest(version)).collect();
        let read = Mutex::new(Vec::with_capacity(unknown.len()));
        thread::scope(|scope| {
            let read = &read;
            for some in unknown.chunks(unknown.len().div_ceil(threads.max(1)).max(1)) {
                scope.spawn(move || {
                    for version in some {
                        let manifest = from_tarball(store, version);
                        read.lock().unwrap_or_else(PoisonError::into_inner).push((version.artifact.clone(), manifest));
                    }
                });
            }
        });
        let mut errors = Vec::new();
        for (artifact, manifest) in read.into_inner().unwrap_or_else(PoisonError::into_inner) {
            match manifest {
                Ok(manifest) => self.manifests.insert(artifact.name.as_str(), artifact.version.as_str(), manifest),
                Err(error) => errors.push(error),
            }
        }
        let locked = self.versions.iter().filter(|version| version.is_in_registry());
        let locked = locked.map(|version| (version.artifact.name.as_str(), version.artifact.version.as_str()));
        self.placeholders = placeholder::placeholders(locked, self.manifests.all());
        errors
    }

    fn lacks_manifest(&self, version: &PackageVersion) -> bool {
        version.is_in_registry() && version.found.is_some() && self.manifest(version).is_none()
    }

    /// Notes that an artifact's bytes are here now.
    pub fn arrived(&mut self, store: &Store, artifact: &Artifact, found: BlobRef) -> Result<(), MetadataError> {
        for position in 0..self.versions.len() {
            if self.versions[position].artifact != *artifact {
                continue;
            }
            let integrity = integrity(store, &self.versions[position].artifact, Some(found))?;
            let version = &mut self.versions[position];
            (version.found, version.integrity) = (Some(found), integrity);
            let version = &self.versions[position];
            if self.lacks_manifest(version) {
                let manifest = from_tarball(store, version)?;
                let Artifact { name, version, .. } = &version.artifact;
                self.manifests.insert(name.as_str(), version.as_str(), manifest);
            }
        }
        Ok(())
    }

    /// The packument of these versions, which are of one package and can be described. `tarball` gives each tarball's address.
    pub fn packument(&self, versions: &[&PackageVersion], tarball: impl Fn(&PackageVersion) -> String) -> Vec<u8> {
        let name = versions[0].artifact.name.as_str();
        let described: Vec<Described<'_>> =
            versions.iter().filter_map(|version| self.described(version, tarball(version))).collect();
        packument(name, &described, self.placeholders.get(name).map_or(&[], Vec::as_slice))
    }

    /// The description of one version; `None` if it cannot be described.
    pub fn version(&self, version: &PackageVersion, tarball: String) -> Option<Vec<u8>> {
        Some(version_document(version.artifact.name.as_str(), &self.described(version, tarball)?))
    }

    /// All packuments, each with its address, sorted; tarballs have the addresses that npm would ask.
    pub fn packuments(&self) -> Vec<(Url, Vec<u8>)> {
        let packument = |versions: &[&PackageVersion]| self.packument(versions, PackageVersion::shown_address);
        self.by_package().into_iter().map(|(url, versions)| (url.clone(), packument(&versions))).collect()
    }

    fn described<'a>(&'a self, version: &'a PackageVersion, tarball: String) -> Option<Described<'a>> {
        let (manifest, integrity) = (self.manifest(version)?, version.integrity.as_ref()?);
        Some(Described { version: version.artifact.version.as_str(), manifest, integrity, tarball })
    }
}

fn from_tarball(store: &Store, version: &PackageVersion) -> Result<Manifest, MetadataError> {
    let package = || version.artifact.to_string();
    let found = version.found.ok_or_else(|| MetadataError::NotHere { package: package() })?;
    let tarball = store.open_checked(&found.blob, version.artifact.integrity.as_ref())?;
    let bytes = package_json(tarball).map_err(|source| MetadataError::Tarball { package: package(), source })?;
    Manifest::from_package_json(&bytes).map_err(|source| MetadataError::PackageJson { package: package(), source })
}

fn integrity(store: &Store, artifact: &Artifact, found: Option<BlobRef>) -> Result<Option<Integrity>, MetadataError> {
    match (&artifact.integrity, found) {
        (Some(stated), _) if is_plain(stated) => Ok(Some(stated.clone())),
        (_, None) => Ok(None),
        (_, Some(found)) => match store.receipt(&found.blob) {
            Some(receipt) => Ok(Some(receipt.digests)),
            None => Err(MetadataError::NoReceipt { package: artifact.to_string() }),
        },
    }
}

/// Whether each digest is that of the bytes, and the one that npm looks for is among them.
fn is_plain(stated: &Integrity) -> bool {
    let algorithms: Vec<Algorithm> = stated.algorithms().collect();
    algorithms.contains(&Algorithm::Sha512) && algorithms.len() == stated.digests().len()
}
