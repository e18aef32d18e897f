//! Ways out that name the commands of the package manager whose lockfile it is.

use crate::lockfile::Format;

pub(super) const fn no_integrity(manager: Format) -> &'static str {
    match manager {
        Format::Npm => "`npm install` with an empty node_modules writes the integrity of each package",
        Format::Pnpm => "`pnpm install --lockfile-only` without the old lockfile writes the integrity of each package",
        Format::Yarn => {
            "`yarn install` of yarn 1 writes the integrity of each package; yarn 2 and later state none of a tarball"
        }
        Format::Bun => "`bun install --lockfile-only` without the old lockfile writes the integrity of each package",
    }
}

pub(super) const fn mismatch(manager: Format) -> &'static str {
    match manager {
        Format::Npm => {
            "the file at that address is not the one that was locked; if it was published anew on purpose, lock it anew with npm"
        }
        Format::Pnpm => {
            "the file at that address is not the one that was locked; if it was published anew on purpose, lock it anew with pnpm"
        }
        Format::Yarn => {
            "the file at that address is not the one that was locked; if it was published anew on purpose, lock it anew with yarn"
        }
        Format::Bun => {
            "the file at that address is not the one that was locked; if it was published anew on purpose, lock it anew with bun"
        }
    }
}

pub(super) const fn not_understood(manager: Format) -> &'static str {
    match manager {
        Format::Npm => {
            "`git checkout -- FILE` brings back the last package-lock.json that was committed; `npm install --package-lock-only` makes it anew"
        }
        Format::Pnpm => {
            "`git checkout -- FILE` brings back the last pnpm-lock.yaml that was committed; `pnpm install --lockfile-only` makes it anew"
        }
        Format::Yarn => {
            "`git checkout -- FILE` brings back the last yarn.lock that was committed; `yarn install` makes it anew"
        }
        Format::Bun => {
            "`git checkout -- FILE` brings back the last bun.lock that was committed; `bun install --lockfile-only` makes it anew"
        }
    }
}
