//! Entries that name the same artifact become one.

use std::{cmp::Ordering, sync::Arc};

use larder_store::digest::{Algorithm, Digest, Integrity};
use url::Url;

use super::{
    contradiction::{Contradiction, PlanError},
    planned::{EntryName, Planned},
};
use crate::core::{
    artifact::{Artifact, Conditions, Forge, Source},
    file_host::{FilePath, FilePlace},
    redacted::without_userinfo,
};

/// Operating systems, processors or C libraries that an artifact can be for.
const MOST_NAMES: usize = 64;

/// An entry that names an artifact.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    artifact: &'a Artifact,
    /// The address without user name and password, where it has them.
    bare: Option<Url>,
    lockfile: &'a Arc<str>,
    path: &'a Arc<str>,
}

/// A source as artifacts are told apart by it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SourceKey<'a> {
    Registry(Option<&'a str>),
    Named(&'a str),
    Remote(&'a str),
    Git(Forge, &'a str, &'a str),
    Distribution(&'a str, &'a str),
    Index(&'a str),
    HostedByIndex(&'a FilePath),
    Recorded(&'a str),
}

impl<'a> Candidate<'a> {
    pub(super) fn new(artifact: &'a Artifact, lockfile: &'a Arc<str>, path: &'a Arc<str>) -> Self {
        let bare = address(&artifact.source)
            .filter(|url| url.as_str().contains('@') && url.has_authority())
            .map(without_userinfo);
        Self { artifact, bare, lockfile, path }
    }

    fn address(&self) -> Option<&str> {
        self.bare.as_ref().or_else(|| address(&self.artifact.source)).map(Url::as_str)
    }

    fn source(&self) -> SourceKey<'_> {
        match &self.artifact.source {
            Source::Registry { .. } => SourceKey::Registry(self.address()),
            Source::Named { registry } => SourceKey::Named(registry),
            Source::Remote { .. } => SourceKey::Remote(self.address().unwrap_or_default()),
            Source::Git { forge, repository, commit } => SourceKey::Git(*forge, repository, commit),
            Source::Distribution { release, file_name } => {
                SourceKey::Distribution(release.as_str(), file_name.as_str())
            }
            Source::Index { place: FilePlace::Url(_) } => SourceKey::Index(self.address().unwrap_or_default()),
            Source::Index { place: FilePlace::Hosted(path) } => SourceKey::HostedByIndex(path),
            Source::Recorded { url } => SourceKey::Recorded(url.as_str()),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.artifact, other.artifact);
        (ours.ecosystem, &ours.name, &ours.version)
            .cmp(&(theirs.ecosystem, &theirs.name, &theirs.version))
            .then_with(|| self.source().cmp(&other.source()))
    }

    fn entry(&self) -> EntryName {
        EntryName { lockfile: Arc::clone(self.lockfile), path: Arc::clone(self.path) }
    }
}

fn address(source: &Source) -> Option<&Url> {
    match source {
        Source::Registry { resolved } => resolved.as_ref(),
        Source::Remote { url } | Source::Index { place: FilePlace::Url(url) } => Some(url),
        Source::Named { .. }
        | Source::Index { place: FilePlace::Hosted(_) }
        | Source::Git { .. }
        | Source::Distribution { .. }
        | Source::Recorded { .. } => None,
    }
}

/// The artifacts that these entries name, each once, sorted.
pub(super) fn merge(mut candidates: Vec<Candidate<'_>>) -> Result<Vec<Planned>, PlanError> {
    candidates.sort_unstable_by(|a, b| a.compare(b).then_with(|| (a.lockfile, a.path).cmp(&(b.lockfile, b.path))));
    let mut artifacts = Vec::with_capacity(candidates.len());
    let mut contradictions = Vec::new();
    for group in candidates.chunk_by(|a, b| a.compare(b).is_eq()) {
        match one_of(group) {
            Ok(planned) => artifacts.push(planned),
            Err(contradiction) => contradictions.push(*contradiction),
        }
    }
    let artifacts = unite_registries(artifacts);
    if contradictions.is_empty() { Ok(artifacts) } else { Err(PlanError::Contradictions { contradictions }) }
}

/// What one lockfile gives an address in a registry and another leaves to the configuration (pnpm's and bun's do) is one file if both state the same digest.
fn unite_registries(artifacts: Vec<Planned>) -> Vec<Planned> {
    let mut united: Vec<Planned> = Vec::with_capacity(artifacts.len());
    for planned in artifacts {
        // Sorted: what states no address comes right before what does.
        match united.last_mut() {
            Some(last) if is_same_without_address(&last.artifact, &planned.artifact) => *last = unite(last, planned),
            _ => united.push(planned),
        }
    }
    united
}

fn is_same_without_address(one: &Artifact, other: &Artifact) -> bool {
    let is_same_package = (one.ecosystem, &one.name, &one.version) == (other.ecosystem, &other.name, &other.version);
    let sources = (&one.source, &other.source);
    let leaves_address_out =
        matches!(sources, (Source::Registry { resolved: None }, Source::Registry { resolved: Some(_) }));
    let have_a_digest_in_common = || match (&one.integrity, &other.integrity) {
        (Some(ours), Some(theirs)) => {
            ours.is_compatible_with(theirs) && ours.digests().iter().any(|digest| theirs.contains(digest))
        }
        _ => false,
    };
    is_same_package && leaves_address_out && have_a_digest_in_common()
}

/// Both as one, with the address of the second.
fn unite(one: &Planned, other: Planned) -> Planned {
    let Planned { mut artifact, mut entries } = other;
    artifact.integrity = both_hold(artifact.integrity, one.artifact.integrity.as_ref()).expect("they are compatible");
    artifact.size = artifact.size.or(one.artifact.size);
    artifact.conditions = settled(both_needed(artifact.conditions, &one.artifact.conditions));
    entries.extend(one.entries.iter().cloned());
    entries.sort_unstable();
    Planned { artifact, entries }
}

fn one_of(group: &[Candidate<'_>]) -> Result<Planned, Box<Contradiction>> {
    let (first, rest) = group.split_first().expect("a group has a member");
    let mut artifact = first.artifact.clone();
    for (position, candidate) in rest.iter().enumerate() {
        let other = candidate.artifact;
        artifact.integrity = both_hold(artifact.integrity, other.integrity.as_ref())
            .ok_or_else(|| Box::new(contradiction(candidate, &group[..=position])))?;
        artifact.size = artifact.size.or(other.size);
        artifact.conditions = both_needed(artifact.conditions, &other.conditions);
    }
    // A user name in the address may be what makes it answer, and which entry comes first must not decide.
    let with_user = group.iter().filter(|candidate| candidate.bare.is_some());
    if let Some(source) = with_user.map(|candidate| &candidate.artifact.source).max() {
        artifact.source = source.clone();
    }
    artifact.conditions = settled(artifact.conditions);
    Ok(Planned { artifact, entries: group.iter().map(Candidate::entry).collect() })
}

fn contradiction(candidate: &Candidate<'_>, earlier: &[Candidate<'_>]) -> Contradiction {
    let stated = |candidate: &Candidate<'_>| {
        let text = candidate.artifact.integrity.as_ref().map(Integrity::to_string).unwrap_or_default();
        (candidate.entry(), text)
    };
    let contradicts = |earlier: &&Candidate<'_>| match (&earlier.artifact.integrity, &candidate.artifact.integrity) {
        (Some(theirs), Some(ours)) => !theirs.is_compatible_with(ours),
        _ => false,
    };
    // Three entries with alternatives may contradict where no two do.
    let other = earlier.iter().find(contradicts).unwrap_or(&earlier[0]);
    Contradiction { package: candidate.artifact.to_string(), first: stated(other), second: stated(candidate) }
}

/// The integrity of bytes for which both hold; `None` if there can be none such.
///
/// Several digests of one algorithm are alternatives, so of an algorithm that both name only the digests that both name are left.
#[expect(clippy::option_option, reason = "no integrity is stated, or no integrity is possible")]
fn both_hold(ours: Option<Integrity>, theirs: Option<&Integrity>) -> Option<Option<Integrity>> {
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != *theirs => (ours, theirs),
        (Some(either), _) => return Some(Some(either)),
        (None, theirs) => return Some(theirs.cloned()),
    };
    if !ours.is_compatible_with(theirs) {
        return None;
    }
    let left = |digest: &&Digest, other: &Integrity, named: &[Algorithm]| {
        other.contains(digest) || !named.contains(&digest.algorithm())
    };
    let (our_algorithms, their_algorithms): (Vec<_>, Vec<_>) =
        (ours.algorithms().collect(), theirs.algorithms().collect());
    let ours_left = ours.digests().iter().filter(|digest| left(digest, theirs, &their_algorithms));
    let theirs_left = theirs.digests().iter().filter(|digest| left(digest, &ours, &our_algorithms));
    Some(Integrity::new(ours_left.chain(theirs_left).copied()))
}

/// "Development or optional" says nothing beside either of them.
pub(super) fn settled(mut conditions: Conditions) -> Conditions {
    conditions.dev_optional &= !conditions.dev && !conditions.optional;
    conditions
}

/// What decides about an artifact that two entries need: it may be left out only where both may be.
///
/// An entry is left out with its group. Of two entries, one for development and one optional, both are left out when both groups are: `dev_optional`.
/// One for development and one for peers would be left out with those two groups together, for which npm has no word: it is kept.
pub(super) fn both_needed(ours: Conditions, theirs: &Conditions) -> Conditions {
    let without_both = |conditions: &Conditions| conditions.dev || conditions.optional || conditions.dev_optional;
    let dev_optional = without_both(&ours) && without_both(theirs);
    let (dev, optional) = (ours.dev && theirs.dev, ours.optional && theirs.optional);
    Conditions {
        dev,
        optional,
        dev_optional,
        peer: ours.peer && theirs.peer,
        os: either(ours.os, &theirs.os),
        cpu: either(ours.cpu, &theirs.cpu),
        libc: either(ours.libc, &theirs.libc),
    }
}

/// Entries of one package have the same lists; where a lockfile has none (npm's version 1), it may be wanted anywhere. bun writes `none` for processors that it does
/// not run on.
fn either(mut ours: Vec<Box<str>>, theirs: &[Box<str>]) -> Vec<Box<str>> {
    if ours == theirs {
        return ours;
    }
    let says_nothing = |list: &[Box<str>]| list.is_empty() || list.iter().any(|name| name.starts_with('!'));
    // Nor does a list that is longer than there are systems: it is no filter, and would grow with each entry.
    if says_nothing(&ours) || says_nothing(theirs) || ours.len() > MOST_NAMES {
        return Vec::new();
    }
    ours.extend_from_slice(theirs);
    ours.sort_unstable();
    ours.dedup();
    ours
}
