//! What a plan offers to npm and to whoever speaks to a registry: each artifact with its address, its digests and its package's description, whether
//! its bytes are in the store or not.
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
    Store, StoreError, blob,
    digest::{Algorithm, Integrity},
    look_up::Found,
};
use url::Url;

use crate::{
    config::{
        address::{address_of, packument_url},
        larder_toml::LarderToml,
        package_manager::NpmConfig,
    },
    core::{
        artifact::{Artifact, Ecosystem, Source},
        manifest::{Manifest, Manifests},
        redacted::redact,
    },
    fetcher::Stored,
    npm::{
        packument::{Release, packument, version_document},
        tarball::{TarballError, package_json},
    },
    plan::{EntryName, Planned},
};

/// An artifact, and how npm knows it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The artifact.
    pub artifact: Artifact,
    /// The lockfile entries that name it.
    pub entries: Vec<EntryName>,
    /// Its blob, if it is here.
    pub found: Option<Found>,
    /// Where npm would ask for it.
    pub address: Url,
    /// Where npm would ask for its package's description.
    pub packument: Url,
    /// Digests of its bytes: the lockfile's, or the receipt's where the lockfile has no sha512 or several to choose from. `None` if they are known only
    /// once it is here.
    pub integrity: Option<Integrity>,
}

/// Offers and descriptions.
#[derive(Debug, Default)]
pub struct Catalog {
    offers: Vec<Offer>,
    manifests: Manifests,
    placeholders: BTreeMap<String, Vec<String>>,
}

/// Why an artifact cannot be offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
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

impl Catalog {
    /// The catalog of a plan's npm artifacts, of which `here` are in the store. `configurations` are those of the lockfiles, by name; `manifests` is what the
    /// lockfiles say of packages.
    pub fn new(
        store: &Store,
        artifacts: &[Planned],
        here: &[Stored<'_>],
        configurations: &HashMap<&str, &NpmConfig>,
        manifests: Manifests,
    ) -> Result<Self, CatalogError> {
        let here: HashMap<&EntryName, Found> = here.iter().map(|item| (&item.planned.entries[0], item.found)).collect();
        // npm knows nothing of mirrors for forges.
        let settings = LarderToml::default();
        let offer = |planned: &Planned| {
            let artifact = planned.artifact.clone();
            let npm = configurations[&*planned.entries[0].lockfile];
            let found = here.get(&planned.entries[0]).copied();
            let address = match address_of(&artifact, npm, &settings) {
                Ok(address) => address.url,
                // Where that is no failure, the entry is left to the package manager.
                Err(error) => {
                    tracing::debug!(%error, "an artifact without an address is not offered");
                    return Ok(None);
                }
            };
            Ok(Some(Offer {
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
        let offers = of_npm.filter_map(|planned| offer(planned).transpose()).collect::<Result<_, CatalogError>>()?;
        Ok(Self { offers, manifests, placeholders: BTreeMap::new() })
    }

    /// Adds another project's.
    pub fn extend(&mut self, other: Self) {
        self.offers.extend(other.offers);
        self.manifests.extend(other.manifests);
    }

    /// Every offer, in the order of the plan.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The offers that a registry has and that can be described, by the address of their package's description.
    pub fn by_package(&self) -> BTreeMap<&Url, Vec<&Offer>> {
        let mut by_package: BTreeMap<&Url, Vec<&Offer>> = BTreeMap::new();
        for offer in self.offers.iter().filter(|offer| offer.is_in_registry() && self.describes(offer)) {
            by_package.entry(&offer.packument).or_default().push(offer);
        }
        by_package
    }

    /// Whether all that a packument says of a version is known.
    pub fn describes(&self, offer: &Offer) -> bool {
        offer.integrity.is_some() && self.manifest(offer).is_some()
    }

    /// What the package says about itself.
    fn manifest(&self, offer: &Offer) -> Option<&Manifest> {
        self.manifests.get(offer.artifact.name.as_str(), offer.artifact.version.as_str())
    }

    /// Reads the descriptions that no lockfile has from the tarballs that are here, with `threads` threads: of a lockfile of version 1, all of them. Without
    /// it, packages that only their tarballs describe are left out of packuments. Tarballs that give no description come back.
    pub fn describe(&mut self, store: &Store, threads: usize) -> Vec<CatalogError> {
        let unknown: Vec<&Offer> = self.offers.iter().filter(|offer| self.lacks_manifest(offer)).collect();
        let read = Mutex::new(Vec::with_capacity(unknown.len()));
        thread::scope(|scope| {
            let read = &read;
            for some in unknown.chunks(unknown.len().div_ceil(threads.max(1)).max(1)) {
                scope.spawn(move || {
                    for offer in some {
                        let manifest = from_tarball(store, offer);
                        read.lock().unwrap_or_else(PoisonError::into_inner).push((offer.artifact.clone(), manifest));
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
        let locked = self.offers.iter().filter(|offer| offer.is_in_registry());
        let locked = locked.map(|offer| (offer.artifact.name.as_str(), offer.artifact.version.as_str()));
        self.placeholders = placeholder::placeholders(locked, self.manifests.all());
        errors
    }

    fn lacks_manifest(&self, offer: &Offer) -> bool {
        offer.is_in_registry() && offer.found.is_some() && self.manifest(offer).is_none()
    }

    /// Notes that an artifact's bytes are here now.
    pub fn arrived(&mut self, store: &Store, artifact: &Artifact, found: Found) -> Result<(), CatalogError> {
        for position in 0..self.offers.len() {
            if self.offers[position].artifact != *artifact {
                continue;
            }
            let integrity = integrity(store, &self.offers[position].artifact, Some(found))?;
            let offer = &mut self.offers[position];
            (offer.found, offer.integrity) = (Some(found), integrity);
            let offer = &self.offers[position];
            if self.lacks_manifest(offer) {
                let manifest = from_tarball(store, offer)?;
                let Artifact { name, version, .. } = &offer.artifact;
                self.manifests.insert(name.as_str(), version.as_str(), manifest);
            }
        }
        Ok(())
    }

    /// The packument of these offers, which are of one package and can be described. `tarball` gives each tarball's address.
    pub fn packument(&self, offers: &[&Offer], tarball: impl Fn(&Offer) -> String) -> Vec<u8> {
        let name = offers[0].artifact.name.as_str();
        let releases: Vec<Release<'_>> =
            offers.iter().filter_map(|offer| self.release(offer, tarball(offer))).collect();
        packument(name, &releases, self.placeholders.get(name).map_or(&[], Vec::as_slice))
    }

    /// The description of one version; `None` if it cannot be described.
    pub fn version(&self, offer: &Offer, tarball: String) -> Option<Vec<u8>> {
        Some(version_document(offer.artifact.name.as_str(), &self.release(offer, tarball)?))
    }

    /// All packuments, each with its address, sorted; tarballs have the addresses that npm would ask.
    pub fn packuments(&self) -> Vec<(Url, Vec<u8>)> {
        let packument = |offers: &[&Offer]| self.packument(offers, Offer::shown_address);
        self.by_package().into_iter().map(|(url, offers)| (url.clone(), packument(&offers))).collect()
    }

    fn release<'a>(&'a self, offer: &'a Offer, tarball: String) -> Option<Release<'a>> {
        let (manifest, integrity) = (self.manifest(offer)?, offer.integrity.as_ref()?);
        Some(Release { version: offer.artifact.version.as_str(), manifest, integrity, tarball })
    }
}

impl Offer {
    /// The address for packuments and for what is found by its digest: without a query, which can hold a secret.
    pub fn shown_address(&self) -> String {
        redact(&self.address)
    }

    /// Whether a registry has it, and not just any host.
    pub fn is_in_registry(&self) -> bool {
        matches!(self.artifact.source, Source::Registry { .. } | Source::Named { .. })
    }
}

fn from_tarball(store: &Store, offer: &Offer) -> Result<Manifest, CatalogError> {
    let package = || offer.artifact.to_string();
    let found = offer.found.ok_or_else(|| CatalogError::NotHere { package: package() })?;
    let tarball = blob::open_checked(store, &found.blob, offer.artifact.integrity.as_ref())?;
    let bytes = package_json(tarball).map_err(|source| CatalogError::Tarball { package: package(), source })?;
    Manifest::from_package_json(&bytes).map_err(|source| CatalogError::PackageJson { package: package(), source })
}

fn integrity(store: &Store, artifact: &Artifact, found: Option<Found>) -> Result<Option<Integrity>, CatalogError> {
    match (&artifact.integrity, found) {
        (Some(stated), _) if is_plain(stated) => Ok(Some(stated.clone())),
        (_, None) => Ok(None),
        (_, Some(found)) => match store.receipt(&found.blob) {
            Some(receipt) => Ok(Some(receipt.digests)),
            None => Err(CatalogError::NoReceipt { package: artifact.to_string() }),
        },
    }
}

/// Whether each digest is that of the bytes, and the one that npm looks for is among them.
fn is_plain(stated: &Integrity) -> bool {
    let algorithms: Vec<Algorithm> = stated.algorithms().collect();
    algorithms.contains(&Algorithm::Sha512) && algorithms.len() == stated.digests().len()
}
