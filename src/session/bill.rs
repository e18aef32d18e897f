//! What a bill of materials is made of: the selected artifacts of a project, and what they say of themselves where the store has them. Nothing is fetched, and nothing is written.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
};

use larder_store::{
    Store, StoreError,
    digest::Integrity,
    key::{BlobRef, Wanted},
};
use serde_json::Value;
use url::Url;

use super::{configured::ConfiguredProject, settings::threads};
use crate::{
    config::{address::address_of, package_manager::NpmConfig},
    core::{
        artifact::{Artifact, Ecosystem, Source},
        error_chain::chain,
        file_name::FileName,
        manifest::Manifests,
    },
    npm::tarball::{TarballError, package_json},
    plan::{
        EntryName, Planned,
        selection::{Selection, Verdict},
    },
    pyodide::wheel::{Wheel, WheelError},
    python::wheel_name::{WheelName, WheelNameError},
    sbom::{Described, Licence, Project},
};

/// A package in the store that cannot be read.
#[derive(Debug)]
pub struct Unread {
    /// Name and version.
    pub package: String,
    /// Why.
    problem: UnreadPackage,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.package, chain(&self.problem).join(": "))
    }
}

/// Why a package gives no licence.
#[derive(Debug, thiserror::Error)]
enum UnreadPackage {
    #[error("its blob cannot be read")]
    Store(#[from] StoreError),
    #[error("its tarball cannot be read")]
    Tarball(#[from] TarballError),
    #[error("its file is no wheel's")]
    Name(#[from] WheelNameError),
    #[error("its wheel cannot be read")]
    Wheel(#[from] WheelError),
}

/// What a package in the store says of itself.
#[derive(Default)]
struct Contents {
    licence: Option<Licence>,
    digests: Option<Integrity>,
}

impl ConfiguredProject {
    /// The selected part of the plan for a bill, and the packages in the store that cannot be read.
    pub fn billed(
        &self,
        selection: &Selection,
        store: Option<&Store>,
        now: jiff::Timestamp,
    ) -> Result<(Project<'_>, Vec<Unread>), StoreError> {
        let (read, configurations) = (&self.read, self.by_lockfile());
        let artifacts = read.plan.artifacts().iter();
        let selected: Vec<&Planned> =
            artifacts.filter(|planned| selection.verdict(&planned.artifact) == Verdict::Wanted).collect();
        let (mut contents, unread) = match store {
            Some(store) => all_contents(store, &self.found(&selected, store, now)?),
            None => (HashMap::new(), Vec::new()),
        };
        let manifests = read.manifests();
        let artifacts = selected.iter().map(|&planned| {
            let (artifact, entry) = (&planned.artifact, &planned.entries[0]);
            let own = contents.remove(entry).unwrap_or_default();
            Described {
                planned,
                address: self.address(artifact, configurations[&*entry.lockfile]),
                licence: own.licence.or_else(|| of_lockfile(&manifests, artifact)),
                digests: own.digests,
            }
        });
        let (name, version) = self.called();
        let digest = read.plan.digest();
        let is_complete = read.plan.unfetchable().is_empty();
        Ok((Project { name, version, digest, artifacts: artifacts.collect(), is_complete }, unread))
    }

    /// Those of these artifacts that are in the store.
    fn found<'a>(
        &'a self,
        selected: &[&'a Planned],
        store: &Store,
        now: jiff::Timestamp,
    ) -> Result<Vec<(&'a Planned, BlobRef)>, StoreError> {
        let downloads = self.downloads_of(selected.iter().copied());
        let wanted: Vec<Wanted> = downloads.all.iter().map(|download| download.wanted.clone()).collect();
        let lookup = store.lookup(&wanted, now)?;
        let found = downloads.all.iter().filter_map(|download| Some((download, lookup.find(&download.wanted)?)));
        Ok(found
            .flat_map(|(download, found)| download.planned().iter().map(move |planned| (*planned, found)))
            .collect())
    }

    /// The lockfile's address, which is the same on every machine; where it states none, the one that is asked.
    fn address(&self, artifact: &Artifact, npm: &NpmConfig) -> Option<Url> {
        match &artifact.source {
            Source::Registry { resolved: Some(url) } | Source::Remote { url } => Some(url.clone()),
            _ => address_of(artifact, npm, &self.read.project.settings).ok().map(|address| address.url),
        }
    }

    /// The name and the version in `package.json`; without one, the name of the folder.
    fn called(&self) -> (String, Option<String>) {
        let folder = &self.read.project.folder;
        let package_json = std::fs::read(folder.join("package.json")).ok();
        let stated: Value = package_json.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let field = |name: &str| stated[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let of_folder = || whole.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into());
        (field("name").unwrap_or_else(of_folder), field("version"))
    }
}

/// What npm wrote down of the package that its registry has.
fn of_lockfile(manifests: &Manifests, artifact: &Artifact) -> Option<Licence> {
    let is_in_registry = artifact.ecosystem == Ecosystem::Npm && matches!(artifact.source, Source::Registry { .. });
    let manifest = manifests.get(artifact.name.as_str(), artifact.version.as_str()).filter(|_| is_in_registry)?;
    let (_, stated) = manifest.fields().find(|(name, _)| *name == "license")?;
    Licence::of_json(&serde_json::from_str(stated.get()).ok()?)
}

/// Reads these packages, several at once.
fn all_contents(store: &Store, found: &[(&Planned, BlobRef)]) -> (HashMap<EntryName, Contents>, Vec<Unread>) {
    let threads = threads().max(1);
    let read = Mutex::new((HashMap::with_capacity(found.len()), Vec::new()));
    thread::scope(|scope| {
        let read = &read;
        for some in found.chunks(found.len().div_ceil(threads).max(1)) {
            scope.spawn(move || {
                for (planned, found) in some {
                    let contents = contents(store, &planned.artifact, *found);
                    let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                    match contents {
                        Ok(contents) => drop(read.0.insert(planned.entries[0].clone(), contents)),
                        Err(problem) => read.1.push(Unread { package: planned.artifact.to_string(), problem }),
                    }
                }
            });
        }
    });
    let (contents, mut unread) = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    unread.sort_unstable_by(|a, b| a.package.cmp(&b.package));
    (contents, unread)
}

/// What a file in the store says of itself, once its bytes were compared with its name and with what is stated of them.
fn contents(store: &Store, artifact: &Artifact, found: BlobRef) -> Result<Contents, UnreadPackage> {
    let digests = store.receipt(&found.blob).map(|receipt| receipt.digests);
    // What the lockfile does not state is taken from the receipt, which thus has to be right.
    let stated = artifact.integrity.as_ref().or(digests.as_ref());
    let open = || store.open_checked(&found.blob, stated);
    let licence = match (artifact.ecosystem, &artifact.source) {
        (Ecosystem::Npm, _) => Licence::of_package_json(&package_json(open()?)?),
        (Ecosystem::Download, _) => None,
        (_, Source::Distribution { file_name, .. }) => of_wheel(file_name, open)?,
        (_, Source::Index { place }) => {
            let path = place.to_string();
            let name = path.rsplit('/').next().unwrap_or_default();
            let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            let wheel = WheelName::parse(&name)?;
            Licence::of_wheel(Wheel::read(&wheel, &mut open()?)?.metadata())
        }
        (Ecosystem::Pyodide | Ecosystem::Python, _) => None,
    };
    Ok(Contents { licence, digests })
}

/// That of a wheel; what the distribution has besides states none.
fn of_wheel(
    file_name: &FileName,
    open: impl Fn() -> Result<std::fs::File, StoreError>,
) -> Result<Option<Licence>, UnreadPackage> {
    let Ok(wheel) = WheelName::parse(file_name.as_str()) else { return Ok(None) };
    Ok(Licence::of_wheel(Wheel::read(&wheel, &mut open()?)?.metadata()))
}
