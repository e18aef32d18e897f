//! Lockfiles: bytes → entries, each of them classified.
//!
//! Pure: nothing here reads a file, the environment or the clock. Every entry of a lockfile comes back as an [`Entry`], so that the sum of the kinds is the
//! number of entries that the file has; an entry that cannot be understood is one that cannot be fetched, and does not hide the others.

use std::collections::HashSet;

use self::larder_lock::LarderLock;
use crate::core::manifest::Manifests;

mod address;
mod bun;
mod diagnose;
mod entry;
mod error;
mod format;
pub mod larder_lock;
mod lenient;
mod missing;
mod npm;
mod package;
mod pnpm;
mod reachability;
#[cfg(test)]
mod testing;
mod unfetchable;
mod version;
mod yarn;

pub use entry::{Entry, EntryKind, NoDownload, Reading, RecordedAnswer, RecordedEntry};
pub use error::{EntryProblem, LockfileError, OtherTool};
pub use format::Format;
pub use larder_lock::{RUNTIME_PACKAGE, Requester};
pub use missing::MissingOptional;
pub use npm::LocalTarball;
pub use package::UNSTATED_VERSION;
pub use unfetchable::{Unfetchable, UnfetchableReason};
pub use yarn::YarnLock;

/// Lines in which a lockfile states its version: bun and pnpm do so in the first or second.
const VERSION_LINES: usize = 10;

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

/// The entries of a `larder.lock`: the runtime's npm tarball, a file for each package, and each download and absence.
pub fn of_larder_lock(lockfile: &str, lock: &LarderLock) -> Reading {
    larder_lock::entries(lockfile, lock)
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
