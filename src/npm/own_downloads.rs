//! A package's own downloads: files that it fetches by itself, in its install script, at its first use or in a command of its own, and that no lockfile names. Pure.
//!
//! Which packages do so is known from a table (`own_downloads.toml`), by name and range of versions. A package without a row of its own is recognised by what a lockfile of npm's says of it: it has an install
//! script, and it depends on a library that downloads prebuilt programs (prebuild-install, node-pre-gyp). Lockfiles of other package managers do not say that much.

mod addon;
mod address;
mod advice;
mod digests;
mod expand;
mod names;
mod table;
mod values;

use std::collections::{BTreeMap, BTreeSet};

pub use self::{
    addon::template as addon_template,
    address::{Target, UnfilledAddress},
    advice::general_advice,
    digests::{DigestFileError, in_checksums, in_lines, in_package},
    expand::{Expanded, ExpectedAddress, Given, Kind, expand},
    names::is_in_table,
    table::{DigestSource, KnownDownload, When},
    values::{ValuePlace, ValueSource},
};
use crate::{
    core::{artifact::Ecosystem, manifest::Manifests},
    plan::{
        Planned,
        selection::{Platforms, Selection, Verdict},
    },
};

/// A package of a plan that downloads files itself.
#[derive(Clone, Copy, Debug)]
pub struct OwnDownload<'a> {
    /// The package.
    pub planned: &'a Planned,
    /// What is known of it.
    pub known: &'static KnownDownload,
}

/// The packages of the selected part of a plan that download files themselves, in the plan's order. `manifests` gives what lockfiles say of packages; it is called only if it can matter.
pub fn own_downloads<'a>(
    artifacts: &'a [Planned],
    selection: &Selection,
    manifests: impl FnOnce() -> Manifests,
) -> Vec<OwnDownload<'a>> {
    let selected: Vec<&Planned> = artifacts.iter().filter(|planned| is_selected(planned, selection)).collect();
    // Reading the table costs a third of a millisecond, and most plans have none of it.
    if !selected.iter().any(|planned| is_in_table(planned.artifact.name.as_str())) {
        return Vec::new();
    }
    let names: BTreeSet<&str> = selected.iter().map(|planned| planned.artifact.name.as_str()).collect();
    let libraries: Vec<_> = KnownDownload::of_libraries().filter(|(library, _)| names.contains(library)).collect();
    let manifests = if libraries.is_empty() { Manifests::default() } else { manifests() };
    let known = |planned: &Planned| {
        let (name, version) = (planned.artifact.name.as_str(), planned.artifact.version.as_str());
        KnownDownload::of(name, version).or_else(|| {
            let manifest = manifests.get(name, version).filter(|manifest| manifest.has_install_script())?;
            libraries.iter().find(|(library, _)| manifest.depends_on(library)).map(|(_, row)| *row)
        })
    };
    let is_told = |known: &KnownDownload| {
        let is_part = known.part_of.iter().any(|whole| names.contains(whole.as_str()));
        !is_part && is_on_any(known, &selection.platforms)
    };
    let found = selected.iter().filter_map(|planned| Some(OwnDownload { planned, known: known(planned)? }));
    once_each(found.filter(|download| is_told(download.known)))
}

fn is_selected(planned: &Planned, selection: &Selection) -> bool {
    let artifact = &planned.artifact;
    artifact.ecosystem == Ecosystem::Npm && selection.verdict(artifact) == Verdict::Wanted
}

fn is_on_any(known: &KnownDownload, platforms: &Platforms) -> bool {
    match platforms {
        Platforms::All => true,
        Platforms::Only(platforms) => platforms.iter().any(|platform| known.is_on(*platform)),
    }
}

/// Packages of one row and version are parts of one thing, such as `@playwright/test` and `playwright`: the one that the row has first is kept.
fn once_each<'a>(found: impl Iterator<Item = OwnDownload<'a>>) -> Vec<OwnDownload<'a>> {
    let mut kept: Vec<OwnDownload<'a>> = Vec::new();
    let mut places: BTreeMap<(*const KnownDownload, &str), usize> = BTreeMap::new();
    for download in found {
        let OwnDownload { planned, known } = download;
        let key = (std::ptr::from_ref(known), planned.artifact.version.as_str());
        match places.get(&key) {
            Some(&place) if known.depends_on.is_none() => {
                if rank(download) < rank(kept[place]) {
                    kept[place] = download;
                }
            }
            _ => {
                places.insert(key, kept.len());
                kept.push(download);
            }
        }
    }
    kept
}

/// Which of its row's packages it is.
fn rank(download: OwnDownload<'_>) -> usize {
    let name = download.planned.artifact.name.as_str();
    download.known.packages.iter().position(|listed| listed == name).unwrap_or_default()
}

#[cfg(test)]
mod tests;
