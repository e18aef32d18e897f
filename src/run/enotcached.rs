//! Why npm failed with `ENOTCACHED`. npm reports it for what is missing, for what the lockfile states no digest of, and for what it has just deleted because the bytes were
//! wrong. Its log and the cache tell which of these it was. Pure.

use std::{collections::BTreeSet, fmt};

use url::Url;

use crate::{core::redacted::redact, npm::PackageVersion, plan::EntryName};

/// What stands before and after the address in npm's log.
const BEFORE: &str = "request to ";
const AFTER: &str = " failed: cache mode is 'only-if-cached' but no cached response is available";

/// A request that npm's cache did not answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The address, without secrets.
    pub(crate) address: String,
    /// Why.
    pub(crate) cause: Cause,
}

/// Why npm's cache did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No lockfile names it.
    NotPlanned,
    /// A lockfile names it, and the selection leaves it out.
    LeftOut {
        /// Name and version.
        package: String,
        /// The lockfile entry.
        entry: EntryName,
    },
    /// Its bytes were not what they should be: npm has removed them from its cache.
    Damaged {
        /// Name and version.
        package: String,
        /// The lockfile entry.
        entry: EntryName,
    },
    /// The lockfile does not state both its address and its digest, and npm asked for it at another address than it has with this configuration.
    Hashless {
        /// Name and version.
        package: String,
        /// The lockfile entry.
        entry: EntryName,
    },
    /// A description of a package whose versions the lockfile names: npm wants another version, or cannot write to its cache.
    Description {
        /// The package's name.
        name: String,
    },
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.address;
        match &self.cause {
            Cause::NotPlanned => write!(f, "npm asked for {address}, which no lockfile of the project names"),
            Cause::LeftOut { package, entry } => {
                write!(
                    f,
                    "npm asked for {package}, which was left out: it is for another platform, or of a group that is omitted\n  wanted by {entry}"
                )
            }
            Cause::Damaged { package, entry } => {
                write!(
                    f,
                    "{package}: npm found other bytes than the lockfile states, and dropped them\n  wanted by {entry}"
                )
            }
            Cause::Hashless { package, entry } => write!(
                f,
                "{package}: the lockfile does not state both its address and its digest, and npm asked for it at {address}, which its cache does not know\n  wanted by {entry}"
            ),
            Cause::Description { name } => {
                write!(
                    f,
                    "npm asked for the packument of {name} at {address}, and did not find the one that larder put into its cache"
                )
            }
        }
    }
}

impl Cause {
    /// What to do about it.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NotPlanned => {
                "`npm install --package-lock-only` brings the lockfile up to date with package.json; what npx runs has to be a dependency"
            }
            Self::LeftOut { .. } => {
                "pass `larder run` the --platform that npm installs for, and only the --omit groups that npm omits too"
            }
            Self::Damaged { .. } => {
                "`larder verify` names damaged blobs, and `larder verify --repair` fetches them again"
            }
            Self::Hashless { .. } => {
                "is another registry named on the command line? `npm install` with an empty node_modules writes the integrity of each package"
            }
            Self::Description { .. } => {
                "npm writes to its cache when it reads a description: the folder for temporary files may be full"
            }
        }
    }
}

/// The addresses that npm's log says were not in its cache, each once, in order.
pub(crate) fn not_cached(log: &str) -> Vec<Url> {
    let mut seen = BTreeSet::new();
    let address = |line: &str| {
        let (before, _) = line.split_once(AFTER)?;
        before.rsplit_once(BEFORE)?.1.trim().parse::<Url>().ok()
    };
    log.lines().filter_map(address).filter(|url| seen.insert(url.clone())).collect()
}

/// Why a request was not answered. `has_content`: whether the bytes that the cache had of this version are in it still.
pub(crate) fn explain(
    url: &Url,
    versions: &[PackageVersion],
    has_content: impl Fn(&PackageVersion) -> bool,
) -> Explanation {
    let named = |version: &PackageVersion| (version.artifact.to_string(), version.entries[0].clone());
    let cause = if let Some(version) = versions.iter().find(|version| is_tarball_of(url, version)) {
        let (package, entry) = named(version);
        match version.found {
            None => Cause::LeftOut { package, entry },
            Some(_) if !has_content(version) => Cause::Damaged { package, entry },
            Some(_) => Cause::Hashless { package, entry },
        }
    } else if let Some(version) = versions.iter().find(|version| is_description_of(url, version)) {
        Cause::Description { name: version.artifact.name.to_string() }
    } else {
        Cause::NotPlanned
    };
    Explanation { address: redact(url), cause }
}

/// By the address, or by the file's name below another host: npm may have been given another registry on its command line.
fn is_tarball_of(url: &Url, version: &PackageVersion) -> bool {
    version.address == *url || (url.path().contains("/-/") && url.path().ends_with(version.address.path()))
}

fn is_description_of(url: &Url, version: &PackageVersion) -> bool {
    let escaped = version.artifact.name.as_str().replace('/', "%2f");
    version.packument == *url || url.path().strip_suffix(&escaped).is_some_and(|before| before.ends_with('/'))
}
