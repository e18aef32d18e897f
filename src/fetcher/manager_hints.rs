//! Ways out that name the commands of the package manager whose lockfile it is.

use super::{FailureKind, failure::is_digest_mismatch};
use crate::lockfile::{Format, UnfetchableReason};

/// The way out of a failure of a package of this manager's lockfile, if it is one that its manager's commands lead to.
pub(super) fn hint(kind: &FailureKind, manager: Format) -> Option<&'static str> {
    match kind {
        FailureKind::NoIntegrity => Some(no_integrity(manager)),
        FailureKind::Download(error) if is_digest_mismatch(error) => Some(mismatch(manager)),
        FailureKind::Unfetchable(UnfetchableReason::PluginProtocol { .. }) => {
            Some("yarn fetches it itself where it may: `larder run` without --offline lets it")
        }
        FailureKind::Unfetchable(UnfetchableReason::NotUnderstood { .. } | UnfetchableReason::NothingStated) => {
            Some(not_understood(manager))
        }
        _ => None,
    }
}

const fn no_integrity(manager: Format) -> &'static str {
    match manager {
        Format::Npm => "`npm install` with an empty node_modules writes the integrity of each package",
        Format::Pnpm => "`pnpm install --lockfile-only` without the old lockfile writes the integrity of each package",
        Format::Yarn => {
            "`yarn install` of yarn 1 writes the integrity of each package; yarn 2 and later state none of a tarball"
        }
        Format::Bun => "`bun install --lockfile-only` without the old lockfile writes the integrity of each package",
    }
}

const fn mismatch(manager: Format) -> &'static str {
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

const fn not_understood(manager: Format) -> &'static str {
    match manager {
        Format::Npm => {
            "`git checkout` brings back the last package-lock.json that was committed; `npm install --package-lock-only` makes it anew"
        }
        Format::Pnpm => {
            "`git checkout` brings back the last pnpm-lock.yaml that was committed; `pnpm install --lockfile-only` makes it anew"
        }
        Format::Yarn => {
            "`git checkout` brings back the last yarn.lock that was committed; `yarn install` makes it anew"
        }
        Format::Bun => {
            "`git checkout` brings back the last bun.lock that was committed; `bun install --lockfile-only` makes it anew"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockfile::EntryProblem;

    #[test]
    fn a_hint_names_the_command_of_the_lockfiles_own_manager() {
        let problem = EntryProblem::NotAnObject;
        let odd = FailureKind::Unfetchable(UnfetchableReason::NotUnderstood { problem });
        for manager in Format::ALL {
            for kind in [&FailureKind::NoIntegrity, &odd] {
                let hint = hint(kind, manager).unwrap();
                assert!(hint.contains(&format!("`{manager} install")), "{hint}");
                let others = Format::ALL.into_iter().filter(|other| *other != manager);
                assert!(others.into_iter().all(|other| !hint.contains(&format!("`{other} "))), "{hint}");
            }
        }
        assert_eq!(hint(&FailureKind::Offline, Format::Yarn), None);
    }
}
