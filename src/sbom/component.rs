//! [`Component`]: an artifact as a bill has it.

use std::collections::BTreeSet;

use larder_store::digest::{Algorithm, Digest, Integrity};
use url::Url;

use super::{licence::Licence, purl::Purl};
use crate::{
    core::{
        artifact::{Artifact, Conditions, Ecosystem, Forge, Source},
        endpoints,
        file_host::FilePlace,
        redacted::redact,
    },
    lockfile::UNSTATED_VERSION,
    plan::Planned,
    python::wheel_name::WheelName,
};

/// An artifact of a plan, and what is known of it besides.
#[derive(Clone, Debug)]
pub struct Described<'a> {
    /// The artifact.
    pub planned: &'a Planned,
    /// Where the lockfile says that its bytes are or, where it does not, where they are asked for.
    pub address: Option<Url>,
    /// What the package says of its licence.
    pub licence: Option<Licence>,
    /// Digests of its bytes, if they are in the store.
    pub digests: Option<Integrity>,
}

/// How much a project needs a component. The first of two holds where both do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It is needed.
    Required,
    /// Optional dependencies alone lead to it.
    Optional,
    /// Development dependencies alone lead to it.
    Development,
}

impl Scope {
    /// The scope that a lockfile's flags are.
    pub(super) const fn of(conditions: &Conditions) -> Self {
        if conditions.dev {
            Self::Development
        } else if conditions.optional || conditions.dev_optional {
            Self::Optional
        } else {
            Self::Required
        }
    }
}

/// An artifact as a bill has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// Whether it is a file of its own, and no package.
    pub(super) is_file: bool,
    /// `@scope`.
    pub(super) group: Option<String>,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) purl: String,
    /// Sorted.
    pub(super) hashes: Vec<Digest>,
    /// Where its bytes are from, without anything that may be secret.
    pub(super) address: Option<String>,
    /// The repository and the commit.
    pub(super) repository: Option<String>,
    pub(super) licence: Option<Licence>,
    /// Whether its bytes are in the store.
    pub(super) is_stored: bool,
    /// The lockfiles that name it.
    pub(super) lockfiles: BTreeSet<String>,
    /// What it is for, of all projects together.
    pub(super) scope: Scope,
}

impl Component {
    pub(super) fn of(described: &Described<'_>) -> Self {
        let artifact = &described.planned.artifact;
        let hashes = hashes(artifact.integrity.as_ref(), described.digests.as_ref());
        let address = address(artifact, described.address.as_ref());
        let version = artifact.version.as_str();
        let is_package = artifact.ecosystem != Ecosystem::Download;
        Self {
            is_file: !is_package || is_plain_file(artifact),
            group: artifact.name.scope().filter(|_| is_package).map(str::to_owned),
            name: if is_package { artifact.name.base() } else { artifact.name.as_str() }.to_owned(),
            version: (version != UNSTATED_VERSION).then(|| version.to_owned()),
            purl: purl(artifact, &hashes, address.as_deref()),
            repository: repository(artifact),
            hashes,
            address,
            licence: described.licence.clone(),
            is_stored: described.digests.is_some(),
            lockfiles: described.planned.entries.iter().map(|entry| entry.lockfile.to_string()).collect(),
            scope: Scope::of(&artifact.conditions),
        }
    }

    /// Adds what another project knows of the same one.
    pub(super) fn join(&mut self, other: Self) {
        self.address = self.address.take().or(other.address);
        self.licence = self.licence.take().or(other.licence);
        self.is_stored |= other.is_stored;
        self.lockfiles.extend(other.lockfiles);
        self.scope = self.scope.min(other.scope);
    }

    /// The name with its scope.
    pub(super) fn full_name(&self) -> String {
        self.group.as_ref().map_or_else(|| self.name.clone(), |group| format!("{group}/{}", self.name))
    }
}

/// All digests that the lockfile states, without those of other bytes; where it states none, the sha512 of the bytes in the store.
fn hashes(stated: Option<&Integrity>, found: Option<&Integrity>) -> Vec<Digest> {
    let found = found.map_or(&[][..], |found| found.digests());
    let is_of_the_bytes = |digest: &&Digest| {
        // A lockfile may state several of one algorithm, of which one has to hold.
        let mut same = found.iter().filter(|other| other.algorithm() == digest.algorithm()).peekable();
        same.peek().is_none() || same.any(|other| other == *digest)
    };
    let mut hashes: Vec<Digest> = match stated {
        Some(stated) => stated.digests().iter().filter(is_of_the_bytes).copied().collect(),
        None => found.iter().filter(|digest| digest.algorithm() == Algorithm::Sha512).copied().collect(),
    };
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn address(artifact: &Artifact, asked: Option<&Url>) -> Option<String> {
    match &artifact.source {
        // It has no secret, and its query tells files apart.
        Source::Recorded { url } => Some(url.to_string()),
        // A folder of this machine is nothing that others could ask.
        _ => asked.filter(|url| matches!(url.scheme(), "http" | "https")).map(redact),
    }
}

fn repository(artifact: &Artifact) -> Option<String> {
    let Source::Git { forge, repository, commit } = &artifact.source else { return None };
    let host = match forge {
        Forge::GitHub => endpoints::GITHUB_HOST,
        Forge::GitLab => endpoints::GITLAB_HOST,
        Forge::Bitbucket => endpoints::BITBUCKET_HOST,
    };
    Some(format!("git+https://{host}/{repository}@{commit}"))
}

/// Of Pyodide's distribution, what is no wheel: a library in C, a module of the standard library.
fn is_plain_file(artifact: &Artifact) -> bool {
    matches!(&artifact.source, Source::Distribution { file_name, .. } if WheelName::parse(file_name.as_str()).is_err())
}

fn purl(artifact: &Artifact, hashes: &[Digest], address: Option<&str>) -> String {
    let (name, version) = (artifact.name.as_str(), artifact.version.as_str());
    let version = (version != UNSTATED_VERSION).then_some(version);
    let download = || ("download_url", address.unwrap_or_default().to_owned());
    let (kind, qualifiers) = match (&artifact.source, artifact.ecosystem) {
        (Source::Git { .. }, _) => ("npm", vec![("vcs_url", repository(artifact).unwrap_or_default())]),
        (Source::Remote { .. }, _) => ("npm", vec![download()]),
        (_, Ecosystem::Npm) => ("npm", registry(name, address).into_iter().collect()),
        // No index has the distribution's wheels, which are built for Pyodide.
        (Source::Distribution { file_name, .. }, _) if !is_plain_file(artifact) => {
            ("pypi", vec![("file_name", file_name.as_str().to_owned()), download()])
        }
        (Source::Index { place: FilePlace::Hosted(path) }, _) => ("pypi", vec![("file_name", last(path.as_str()))]),
        (Source::Index { place: FilePlace::Url(url) }, _) => {
            ("pypi", vec![("file_name", last(url.path())), download()])
        }
        (_, Ecosystem::Download | Ecosystem::Pyodide | Ecosystem::Python) => {
            let checksums: Vec<String> =
                hashes.iter().map(|digest| format!("{}:{}", digest.algorithm().name(), digest.to_hex())).collect();
            ("generic", vec![("checksum", checksums.join(",")), download()])
        }
    };
    Purl { kind, path: name.split('/').collect(), version, qualifiers }.to_text()
}

/// What tells a package of another registry than the public one from that one's.
fn registry(name: &str, address: Option<&str>) -> Option<(&'static str, String)> {
    let address = address?;
    if [endpoints::NPM_REGISTRY, endpoints::YARN_REGISTRY].iter().any(|public| address.starts_with(public)) {
        return None;
    }
    let base = address.rsplit_once("/-/").and_then(|(package, _)| registry_above(name, package));
    Some(base.map_or_else(|| ("download_url", address.to_owned()), |base| ("repository_url", base.to_owned())))
}

/// What is before a package's name in its address, whichever of the name's characters are escaped there.
fn registry_above<'a>(name: &str, address: &'a str) -> Option<&'a str> {
    let (above, last) = address.rsplit_once('/')?;
    if decoded(last) == name {
        return Some(above);
    }
    let (above, scope) = above.rsplit_once('/')?;
    (format!("{}/{}", decoded(scope), decoded(last)) == name).then_some(above)
}

fn last(path: &str) -> String {
    decoded(path.rsplit('/').next().unwrap_or_default())
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
