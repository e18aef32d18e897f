//! The package manager that installs from a lockfile, as far as it decides which files of configuration are read.

use crate::{
    config::{project::LockfileBytes, sources::Installer},
    lockfile::{Format, YarnLock},
};

/// Whose files of configuration count for a lockfile. yarn 1 reads none of the later yarns'.
pub(super) fn installer(lockfile: &LockfileBytes) -> Installer {
    match Format::of(&lockfile.name) {
        Format::Npm => Installer::Npm,
        Format::Pnpm => Installer::Pnpm,
        Format::Bun => Installer::Bun,
        Format::Yarn if YarnLock::of(&lockfile.name, &lockfile.bytes) == Some(YarnLock::Classic) => Installer::Npm,
        Format::Yarn => Installer::Yarn,
    }
}
