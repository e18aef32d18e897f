//! [`Candidates`]: of a project's files, the one wheel of each version that the runtime loads best.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::Timestamp;
use pep440_rs::Version;
use pubgrub::Ranges;

use crate::{
    pyodide::index::IndexFile,
    python::{
        name::ProjectName,
        specifiers,
        tags::{Rank, Tags},
        wheel_name::WheelName,
    },
};

/// Versions and tags that a message lists.
const LISTED: usize = 4;

/// What decides which files can be used.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) tags: Tags,
    /// The runtime's Python, its release alone: a pre-release of 3.15 counts as 3.15, as it does for pip.
    pub(super) python: Version,
    pub(super) exclude_newer: Option<Timestamp>,
}

/// The wheel of a version.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) wheel: WheelName,
    pub(super) file: IndexFile,
}

/// A project's wheels that can be used, and why its other files cannot.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) by_version: BTreeMap<Version, Candidate>,
    /// Whether the index knows the project at all.
    pub(super) is_known: bool,
    source_distributions: usize,
    /// Tags of wheels for other WebAssembly runtimes.
    other_wasm: BTreeSet<String>,
    /// Platforms of all other wheels.
    other_platforms: BTreeSet<String>,
    other_pythons: BTreeSet<String>,
    newer: usize,
    without_time: usize,
}

impl Rules {
    /// Whether a package for these versions of Python runs. What cannot be read forbids nothing.
    pub(super) fn accepts_python(&self, requires: Option<&str>) -> bool {
        let specifiers = requires.and_then(specifiers::parse);
        specifiers.is_none_or(|specifiers| specifiers::range(&specifiers).contains(&self.python))
    }
}

impl Candidates {
    /// The candidates among a project's files; `None`: the index does not know it.
    pub(super) fn new(name: &ProjectName, files: Option<&[IndexFile]>, rules: &Rules) -> Self {
        let mut candidates = Self { is_known: files.is_some(), ..Self::default() };
        let mut best: BTreeMap<Version, (bool, Rank, Reverse<Option<_>>, String)> = BTreeMap::new();
        for file in files.unwrap_or_default() {
            let Some((wheel, rank)) = candidates.usable(name, file, rules) else { continue };
            let key = (file.is_yanked, rank, Reverse(wheel.build().cloned()), file.file_name.clone());
            if best.get(wheel.version()).is_none_or(|known| key < *known) {
                let version = wheel.version().clone();
                best.insert(version.clone(), key);
                candidates.by_version.insert(version, Candidate { wheel, file: file.clone() });
            }
        }
        candidates
    }

    fn usable(&mut self, name: &ProjectName, file: &IndexFile, rules: &Rules) -> Option<(WheelName, Rank)> {
        if file.file_name.strip_suffix(".whl").is_none() {
            let endings = [".tar.gz", ".zip", ".tar.bz2", ".tgz"];
            let is_source = endings.iter().any(|ending| file.file_name.ends_with(ending));
            self.source_distributions += usize::from(is_source);
            return None;
        }
        let wheel = match WheelName::parse(&file.file_name) {
            Ok(wheel) if wheel.name() == name => wheel,
            Ok(_) => return None,
            Err(error) => {
                tracing::debug!(%error, "a file of the index is passed over");
                return None;
            }
        };
        if let Some(bound) = rules.exclude_newer {
            match file.uploaded {
                Some(time) if time < bound => {}
                Some(_) => {
                    self.newer += 1;
                    return None;
                }
                None => {
                    self.without_time += 1;
                    return None;
                }
            }
        }
        let Some(rank) = rules.tags.rank(&wheel) else {
            for [python, abi, platform] in wheel.tags() {
                if platform.ends_with("_wasm32") {
                    self.other_wasm.insert(format!("{python}-{abi}-{platform}"));
                } else {
                    self.other_platforms.insert(platform.to_owned());
                }
            }
            return None;
        };
        if !rules.accepts_python(file.requires_python.as_deref()) {
            self.other_pythons.insert(file.requires_python.clone().unwrap_or_default());
            return None;
        }
        Some((wheel, rank))
    }

    /// Why there is no candidate at all, in words. `distributed` is the distribution's version, if it has one that was not accepted.
    pub(super) fn absence(&self, distributed: Option<&str>) -> String {
        let distribution = match distributed {
            Some(version) => format!("the distribution has {version}, which larder.toml does not accept"),
            None => "the distribution does not have it".to_owned(),
        };
        format!("{distribution}, and the index {}", self.absence_in_index())
    }

    fn absence_in_index(&self) -> String {
        if !self.is_known {
            return "does not know it".to_owned();
        }
        let mut reasons = Vec::new();
        if let Some(others) = self.others() {
            reasons.push(format!("wheels for {others}, which the runtime cannot load"));
        }
        if !self.other_pythons.is_empty() {
            reasons.push(format!("wheels for Python {}", some(&self.other_pythons)));
        }
        if self.newer > 0 {
            reasons.push("wheels that were uploaded later than `exclude-newer` allows".to_owned());
        }
        if self.without_time > 0 {
            reasons.push("wheels without a time of upload, which `exclude-newer` needs".to_owned());
        }
        if reasons.is_empty() && self.source_distributions > 0 {
            return "has only source distributions of it, where Pyodide loads wheels".to_owned();
        }
        if reasons.is_empty() {
            return "has no file of it".to_owned();
        }
        format!("has only {}", reasons.join(", and "))
    }

    /// What the wheels are for that cannot be loaded: the nearest kin where there is any.
    fn others(&self) -> Option<String> {
        let tags = if self.other_wasm.is_empty() { &self.other_platforms } else { &self.other_wasm };
        (!tags.is_empty()).then(|| some(tags))
    }

    /// What there is instead of a version in this range, in words.
    pub(super) fn instead_of(&self, range: &Ranges<Version>) -> String {
        if self.by_version.is_empty() {
            return format!("the index {}", self.absence_in_index());
        }
        let yanked: Vec<&Version> = self
            .by_version
            .iter()
            .filter(|(version, candidate)| candidate.file.is_yanked && range.contains(version))
            .map(|(version, _)| version)
            .collect();
        if let Some(last) = yanked.last() {
            return format!("{last} is yanked, and chosen only if requested with =={last}");
        }
        if let Some(version) = self.by_version.keys().rev().find(|version| range.contains(version)) {
            return format!("{version} is a pre-release, and nothing asks for one");
        }
        let mut text = String::from("the wheels that the runtime can load are ");
        let listed = self.by_version.keys().rev().take(LISTED);
        text.push_str(&listed.map(ToString::to_string).collect::<Vec<_>>().join(", "));
        if let Some(more) = self.by_version.len().checked_sub(LISTED).filter(|more| *more > 0) {
            write!(text, " and {more} older ones").expect("a string takes everything");
        }
        if !self.other_pythons.is_empty() {
            write!(text, "; others are for Python {}", some(&self.other_pythons)).expect("a string takes everything");
        } else if let Some(others) = self.others() {
            write!(text, "; others are for {others}").expect("a string takes everything");
        }
        text
    }
}

/// Some of them, for a message.
fn some(texts: &BTreeSet<String>) -> String {
    let listed: Vec<&str> = texts.iter().rev().take(LISTED).map(String::as_str).collect();
    let more = texts.len().saturating_sub(LISTED);
    if more > 0 { format!("{} and {more} more", listed.join(", ")) } else { listed.join(", ") }
}
