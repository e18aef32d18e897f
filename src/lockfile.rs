//! Lockfiles: bytes → entries, each of them classified.
//!
//! Pure: nothing here reads a file, the environment or the clock. Every entry of a lockfile comes back as an [`Entry`], so that the sum of the kinds is the
//! number of entries that the file has; an entry that cannot be understood is one that cannot be fetched, and does not hide the others.

use std::{collections::HashSet, fmt, sync::Arc};

use larder_store::digest::Integrity;

use self::diagnose::{printable, shown};
use crate::{
    core::{artifact::Artifact, manifest::Manifests},
    lockfile::larder_lock::LarderLock,
};

mod address;
mod bun;
mod diagnose;
mod error;
mod field;
mod format;
mod larder;
pub mod larder_lock;
mod missing;
mod npm;
mod package;
mod pnpm;
mod shape;
#[cfg(test)]
mod testing;
mod version;
mod yarn;

pub use error::{EntryProblem, LockfileError, OtherTool};
pub use format::Format;
pub use larder::RUNTIME_PACKAGE;
pub use missing::MissingOptional;
pub use package::UNSTATED_VERSION;
pub use yarn::YarnLock;

/// Lines in which a lockfile states its version: bun and pnpm do so in the first or second.
const VERSION_LINES: usize = 10;

/// What one lockfile says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The lockfile's label: its path relative to the project, such as `package-lock.json`.
    pub lockfile: Arc<str>,
    /// Its entries, in the file's order.
    pub entries: Vec<Entry>,
    /// What npm's entries name as optional and have no entry for.
    pub missing: Vec<MissingOptional>,
}

/// One entry of a lockfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the file calls it: of npm the install path, such as `node_modules/a/node_modules/b` (version 1 nests entries instead; they get the path that npm
    /// would install them to), of others the entry's key, such as `a@1.0.0`.
    pub path: Arc<str>,
    /// What the entry is.
    pub kind: EntryKind,
}

impl Entry {
    /// An entry that is not understood. `name` is what can be told of its package's name.
    fn not_understood(path: &str, name: &str, problem: EntryProblem) -> Self {
        // A path of npm's own project is empty.
        let name = if name.is_empty() { "." } else { name };
        let reason = UnfetchableReason::NotUnderstood { problem };
        let kind = EntryKind::Unfetchable(Unfetchable { name: printable(name), version: None, reason });
        Self { path: shown(path).into(), kind }
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file to download.
    Artifact(Artifact),
    /// Nothing to download.
    NoDownload(NoDownload),
    /// A download that larder cannot make.
    Unfetchable(Unfetchable),
}

/// Why an entry needs no download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoDownload {
    /// The project itself, or one of its workspaces.
    Project,
    /// A link in `node_modules` to a folder that has an entry of its own.
    Link,
    /// A folder of this machine that is no workspace.
    LocalFolder,
    /// An archive of this machine, `file:….tgz`.
    LocalFile,
    /// Inside the archive of the package above it.
    Bundled,
    /// Another entry's package with changes that are in the project, or in the package manager itself.
    Patch,
}

/// A download that larder cannot make, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfetchable {
    /// The package's name.
    pub name: String,
    /// Its version, where the lockfile states one.
    pub version: Option<String>,
    /// Why not.
    pub reason: UnfetchableReason,
}

/// `name 1.0.0: reason`.
impl fmt::Display for Unfetchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a download cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum UnfetchableReason {
    /// A git repository elsewhere than on a forge that offers commits as tarballs.
    #[error("a git repository on {host}, which offers no tarball of a commit that larder knows of")]
    GitHost {
        /// The repository's host; empty for a repository of this machine.
        host: String,
    },
    /// A git address without a full commit: what it names can change.
    #[error("the git address names no full commit{}", .committish.as_deref().map(|found| format!(", only `{found}`")).unwrap_or_default())]
    GitCommit {
        /// What stands in the commit's place.
        committish: Option<String>,
    },
    /// A git address on a forge, without the owner and name of a repository.
    #[error("the git address names no repository of {host}")]
    GitRepository {
        /// The forge's host.
        host: String,
    },
    /// A form of its package manager for what no registry has, such as pnpm's for runtimes.
    #[error("it is of the kind `{kind}`, which larder does not fetch")]
    Resolution {
        /// What the lockfile calls it.
        kind: String,
    },
    /// An entry with neither version nor address. npm writes such entries for optional packages that it failed to read, and refuses them itself.
    #[error("the entry states neither a version nor an address (an `install` of its package manager writes it anew)")]
    NothingStated,
    /// A protocol that a plugin of yarn's adds.
    #[error("`{protocol}:` is the protocol of a yarn plugin, and only yarn with that plugin can fetch it")]
    PluginProtocol {
        /// The protocol, without its colon.
        protocol: String,
    },
    /// Something in the entry is not what its package manager writes, or is nothing that larder knows of.
    #[error("{problem}")]
    NotUnderstood {
        /// What is wrong with it.
        problem: EntryProblem,
    },
}

/// Reads a package manager's lockfile, whose it is by its name: see [`Format::of`].
///
/// `lockfile` is the label that the result and messages carry: the file's path relative to the project.
///
/// npm: `package-lock.json` and `npm-shrinkwrap.json`, versions 1, 2 and 3. Where `packages` is present it is used, else `dependencies`, as npm does. A key that
/// stands twice in an object is accepted if both values are the same.
///
/// pnpm: `pnpm-lock.yaml`, versions 5 to 9. yarn: `yarn.lock` of yarn 1, and of yarn 2 and later (versions 4 to 10). bun: `bun.lock`, versions 0 to 2.
pub fn read(lockfile: &str, bytes: &[u8]) -> Result<Reading, LockfileError> {
    match Format::of(lockfile) {
        Format::Npm => npm::read(lockfile, bytes),
        Format::Pnpm => pnpm::read(lockfile, bytes),
        Format::Yarn => yarn::read(lockfile, bytes),
        Format::Bun => bun::read(lockfile, bytes),
    }
}

/// Whether a registry has the package of this entry, though its address may be any: yarn names such an address behind `__archiveUrl`.
pub fn is_of_registry(lockfile: &str, entry: &str) -> bool {
    Format::of(lockfile) == Format::Yarn && yarn::is_of_registry(entry)
}

/// What a lockfile says about its packages beyond where their bytes are. One that cannot be read says nothing: [`read`] says why. Those of other managers than
/// npm say too little to describe a package: its tarball does.
pub fn manifests(lockfile: &str, bytes: &[u8]) -> Manifests {
    match Format::of(lockfile) {
        Format::Npm => npm::manifests(bytes),
        Format::Pnpm | Format::Yarn | Format::Bun => Manifests::default(),
    }
}

/// The `lockfileVersion` that one of the first lines states, as it is written, without reading the rest.
pub fn stated_version(bytes: &[u8]) -> Option<String> {
    let lines =
        bytes.split(|byte| *byte == b'\n').take(VERSION_LINES).filter_map(|line| std::str::from_utf8(line).ok());
    let stated = |line: &str| {
        let line = line.trim_start().trim_start_matches('"').strip_prefix("lockfileVersion")?;
        let version = line.trim_start_matches('"').trim_start().strip_prefix(':')?;
        Some(version.trim().trim_end_matches(',').trim_matches(['"', '\'']).to_owned())
    };
    lines.map(str::trim_end).find_map(stated)
}

/// The entries of a lockfile of yarn 1 that optional dependencies alone lead to, by their paths: with what this `package.json` beside it asks for.
pub fn optional_of_yarn_1(lockfile: &str, bytes: &[u8], package_json: &[u8]) -> HashSet<String> {
    yarn::optional_of_yarn_1(lockfile, bytes, package_json)
}

/// The entries of a `larder.lock`: the runtime's npm tarball, and a file for each package.
pub fn of_larder_lock(lockfile: &str, lock: &LarderLock) -> Reading {
    larder::read(lockfile, lock)
}

/// An archive of this machine that a lockfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTarball {
    /// Its path, from the lockfile's folder.
    pub path: String,
    /// What the lockfile states about its bytes.
    pub integrity: Integrity,
}

/// The archives of this machine that a lockfile of npm names with a digest: npm looks for them in its cache, too.
pub fn local_tarballs(lockfile: &str, bytes: &[u8]) -> Vec<LocalTarball> {
    match Format::of(lockfile) {
        Format::Npm => npm::local_tarballs(bytes),
        Format::Pnpm | Format::Yarn | Format::Bun => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::stated_version;

    #[test]
    fn a_lockfile_states_its_version_in_its_first_lines() {
        for (text, expected) in [
            ("lockfileVersion: '9.0'\r\n", Some("9.0")),
            ("---\nlockfileVersion: 5.4\n", Some("5.4")),
            ("{\n  \"lockfileVersion\": 2,\n", Some("2")),
            ("{\"name\": \"x\"}", None),
            ("", None),
        ] {
            assert_eq!(stated_version(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
