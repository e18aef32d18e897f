//! The vocabulary of a resolution: [`Package`], [`Edge`], [`Constraints`].

use std::{fmt, rc::Rc};

use pep440_rs::Version;
use pubgrub::Ranges;

use super::candidates::Candidates;
use crate::{pyodide::distribution::DistributionPackage, python::name::ProjectName};

/// What has a version: a project, or one of its extras, which needs that very version of it and more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Package {
    /// `larder.toml`.
    Root,
    /// A project.
    Project(ProjectName),
    /// A project's extra.
    Extra(ProjectName, ProjectName),
}

impl Package {
    /// The project; `None` for the root.
    pub(super) fn name(&self) -> Option<&ProjectName> {
        match self {
            Self::Root => None,
            Self::Project(name) | Self::Extra(name, _) => Some(name),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("larder.toml"),
            Self::Project(name) => name.fmt(f),
            Self::Extra(name, extra) => write!(f, "{name}[{extra}]"),
        }
    }
}

/// One thing that a version of a package needs.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) to: Package,
    pub(super) range: Ranges<Version>,
    /// As it is written where it stands.
    pub(super) text: Rc<str>,
}

impl Edge {
    /// Any version of a project.
    pub(super) fn any(name: &ProjectName) -> Self {
        Self { to: Package::Project(name.clone()), range: Ranges::full(), text: name.as_str().into() }
    }
}

/// What the requirements seen so far ask of a project.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    pub(super) ranges: Vec<Ranges<Version>>,
    pub(super) pins: Vec<Ranges<Version>>,
    pub(super) is_for_prereleases: bool,
}

impl Constraints {
    /// Pre-releases are chosen if somebody names one, or if somebody's requirement leaves nothing else.
    pub(super) fn accepts_prerelease(&self, version: &Version, candidates: &Candidates) -> bool {
        let has_stable = |range: &Ranges<Version>| {
            candidates.by_version.iter().any(|(version, candidate)| {
                !version.any_prerelease() && !candidate.file.is_yanked && range.contains(version)
            })
        };
        self.is_for_prereleases || self.ranges.iter().any(|range| range.contains(version) && !has_stable(range))
    }
}

/// The version of the root.
pub(super) fn root_version() -> Version {
    Version::new([0])
}

/// A distribution's version in PEP 440's order: those of shared libraries, such as 1.1.1w, are not all of its form.
pub(super) fn version_of(package: &DistributionPackage) -> Version {
    let text = package.version.as_str();
    text.parse().unwrap_or_else(|_| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        text[..end].trim_end_matches('.').parse().unwrap_or_else(|_| root_version())
    })
}
