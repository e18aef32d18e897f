//! npm 12's policy for packages that no registry gives: it rejects those from git and those whose address is not below the configured registry's, even where its cache has
//! the bytes. Which setting allows them is the user's choice, so larder warns before npm fails.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use url::Url;

use super::programs::{self, package_json};
use crate::{
    config::{address::address_of, larder_toml::LarderToml, npm_client::Allowed, package_manager::NpmConfig},
    core::{artifact::Source, environment::Environment},
    plan::{EntryName, Planned},
};

/// The first npm with this policy.
pub(crate) const FIRST_VERSION: u64 = 12;

/// Artifacts that npm 12 rejects for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The reason.
    pub(crate) kind: RejectionReason,
    /// How many artifacts.
    pub(crate) artifacts: usize,
    /// The first of them, and its entry.
    pub(crate) first: (String, EntryName),
}

/// Why npm 12 rejects an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RejectionReason {
    /// It comes from git.
    Git,
    /// Its address is no registry's.
    Remote,
    /// Its address is on this host, and the configured registry is another.
    OtherRegistry {
        /// The host, with its port if it has one.
        host: String,
    },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (package, entry) = &self.first;
        let more = match self.artifacts {
            1 => String::new(),
            artifacts => format!(" and {} more", artifacts - 1),
        };
        let (code, why) = match &self.kind {
            RejectionReason::Git => ("EALLOWGIT", "it comes from git".to_owned()),
            RejectionReason::Remote => ("EALLOWREMOTE", "its address is no registry's".to_owned()),
            RejectionReason::OtherRegistry { host } => {
                ("EALLOWREMOTE", format!("its address is on {host}, which is not the configured registry"))
            }
        };
        write!(f, "npm 12 refuses {package}{more} ({code}): {why}\n  wanted by {entry}")
    }
}

impl RejectionReason {
    /// Which setting allows it.
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Git => "allow it with `allow-git=all` in .npmrc, or `npm ci --allow-git=all`".to_owned(),
            Self::Remote => "allow it with `allow-remote=all` in .npmrc, or `npm ci --allow-remote=all`".to_owned(),
            Self::OtherRegistry { host } => format!(
                "put `replace-registry-host=always` into .npmrc, or allow it with `allow-remote=all`, or name the registry on {host} with `registry=`"
            ),
        }
    }
}

/// Which of these artifacts npm 12 rejects with this configuration, by reason.
pub(crate) fn rejected<'a>(artifacts: impl IntoIterator<Item = &'a Planned>, npm: &NpmConfig) -> Vec<Rejected> {
    // npm knows nothing of mirrors for forges.
    let settings = LarderToml::default();
    let mut rejected: BTreeMap<RejectionReason, Rejected> = BTreeMap::new();
    for planned in artifacts {
        let artifact = &planned.artifact;
        let kind = match &artifact.source {
            Source::Git { .. } if npm.allow_git() == Allowed::None => RejectionReason::Git,
            Source::Remote { .. } if npm.allow_remote() == Allowed::None => RejectionReason::Remote,
            Source::Registry { resolved: Some(_) } if npm.allow_remote() != Allowed::All => {
                // What has no address to ask at is named when it is fetched.
                let Ok(address) = address_of(artifact, npm, &settings) else { continue };
                if lies_below(&address.url, npm.registry_for(&artifact.name)) {
                    continue;
                }
                RejectionReason::OtherRegistry { host: host_of(&address.url) }
            }
            _ => continue,
        };
        let first = || (artifact.to_string(), planned.entries[0].clone());
        let group = rejected.entry(kind.clone()).or_insert_with(|| Rejected { kind, artifacts: 0, first: first() });
        group.artifacts += 1;
    }
    rejected.into_values().collect()
}

fn lies_below(address: &Url, registry: &Url) -> bool {
    address.origin() == registry.origin() && address.path().starts_with(registry.path())
}

fn host_of(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The major version of the npm that a command runs: of the command itself, else of the one that would be found. npm is not run: its `package.json` is read.
pub(crate) fn npm_version(command: &[OsString], environment: &Environment) -> Option<u64> {
    // `npm` is a link to `…/npm/bin/npm-cli.js`.
    let program = programs::locate(command, &programs::NPM, environment)?.canonicalize().ok()?;
    let package = package_json(program.parent()?.parent()?)?;
    let version = package.get("version").filter(|_| package["name"] == "npm")?.as_str()?;
    version.split('.').next()?.parse().ok()
}
