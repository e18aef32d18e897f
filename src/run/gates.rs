//! npm 12's gates: it refuses packages from git and from addresses that are not the configured registry's, even where the bytes are in its cache. The
//! cure is the user's to choose, so it is said before npm fails.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

use url::Url;

use super::managers::found;
use crate::{
    config::{
        address::address_of,
        larder_toml::LarderToml,
        npmrc::{Allowed, NpmConfig},
    },
    core::{artifact::Source, environment::Environment},
    plan::{EntryName, Planned},
};

/// The oldest npm that has gates which are shut by default.
pub const FIRST_GATED: u64 = 12;

/// Entries that npm 12 refuses for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The reason.
    pub kind: GateKind,
    /// How many artifacts.
    pub artifacts: usize,
    /// The first of them, and its entry.
    pub first: (String, EntryName),
}

/// Why npm 12 refuses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateKind {
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

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (package, entry) = &self.first;
        let more = match self.artifacts {
            1 => String::new(),
            artifacts => format!(" and {} more", artifacts - 1),
        };
        let (code, why) = match &self.kind {
            GateKind::Git => ("EALLOWGIT", "it comes from git".to_owned()),
            GateKind::Remote => ("EALLOWREMOTE", "its address is no registry's".to_owned()),
            GateKind::OtherRegistry { host } => {
                ("EALLOWREMOTE", format!("its address is on {host}, which is not the configured registry"))
            }
        };
        write!(f, "npm 12 refuses {package}{more} ({code}): {why}\n  wanted by {entry}")
    }
}

impl GateKind {
    /// The way out.
    pub fn cure(&self) -> String {
        match self {
            Self::Git => "allow it with `allow-git=all` in .npmrc, or `npm ci --allow-git=all`".to_owned(),
            Self::Remote => "allow it with `allow-remote=all` in .npmrc, or `npm ci --allow-remote=all`".to_owned(),
            Self::OtherRegistry { host } => format!(
                "put `replace-registry-host=always` into .npmrc, or allow it with `allow-remote=all`, or name the registry on {host} with `registry=`"
            ),
        }
    }
}

/// What npm 12 would refuse of these artifacts with this configuration.
pub fn gates<'a>(artifacts: impl IntoIterator<Item = &'a Planned>, npm: &NpmConfig) -> Vec<Gate> {
    // npm knows nothing of mirrors for forges.
    let settings = LarderToml::default();
    let mut gates: BTreeMap<GateKind, Gate> = BTreeMap::new();
    for planned in artifacts {
        let artifact = &planned.artifact;
        let kind = match &artifact.source {
            Source::Git { .. } if npm.allow_git() == Allowed::None => GateKind::Git,
            Source::Remote { .. } if npm.allow_remote() == Allowed::None => GateKind::Remote,
            Source::Registry { resolved: Some(_) } if npm.allow_remote() != Allowed::All => {
                // What has no address to ask at is named when it is fetched.
                let Ok(address) = address_of(artifact, npm, &settings) else { continue };
                if lies_below(&address.url, npm.registry_for(&artifact.name)) {
                    continue;
                }
                GateKind::OtherRegistry { host: host_of(&address.url) }
            }
            _ => continue,
        };
        let first = || (artifact.to_string(), planned.entries[0].clone());
        let gate = gates.entry(kind.clone()).or_insert_with(|| Gate { kind, artifacts: 0, first: first() });
        gate.artifacts += 1;
    }
    gates.into_values().collect()
}

fn lies_below(address: &Url, registry: &Url) -> bool {
    address.origin() == registry.origin() && address.path().starts_with(registry.path())
}

fn host_of(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The major version of the npm that a command runs: of the command itself, else of the one that would be found. npm is not run: its `package.json` is read.
pub fn npm_version(command: &[OsString], environment: &Environment) -> Option<u64> {
    let named = command.iter().take(2).map(Path::new).find(|word| {
        word.file_name().is_some_and(|name| ["npm", "npx", "npm-cli.js", "npx-cli.js"].iter().any(|npm| name == *npm))
    });
    let program = match named {
        Some(path) if path.components().count() > 1 => environment.current_dir().join(path),
        Some(name) => found(name, environment)?,
        None => found(Path::new("npm"), environment)?,
    };
    // `npm` is a link to `…/npm/bin/npm-cli.js`.
    let package = program.canonicalize().ok()?.parent()?.parent()?.join("package.json");
    let package: serde_json::Value = serde_json::from_slice(&std::fs::read(package).ok()?).ok()?;
    let version = package.get("version").filter(|_| package["name"] == "npm")?.as_str()?;
    version.split('.').next()?.parse().ok()
}
