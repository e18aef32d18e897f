//! [`Warning`]: what a person should know, and what stops nothing.

use std::{fmt, path::PathBuf};

use super::{git_builds::GitBuild, own_downloads::UnlockedDownload};
use crate::{
    config::{error::ConfigWarning, project::Several},
    core::{error_chain::chain, path_error::below},
    lockfile::MissingOptional,
    npm::metadata::MetadataError,
    plan::{EntryName, StaleRow},
};

/// What a person should know, and what stops nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Warning {
    /// The folder is a package of a workspace, so its root's lockfile is used.
    Member {
        /// The folder.
        member: PathBuf,
        /// The root's lockfile.
        lockfile: PathBuf,
    },
    /// There are lockfiles of several package managers.
    Several {
        /// The project's folder.
        folder: PathBuf,
        /// Which, and which of them counts.
        several: Several,
    },
    /// A lockfile that larder cannot read stands beside those that it can.
    PassedOver {
        /// Its name.
        name: &'static str,
    },
    /// Entries name optional packages that their lockfile has no entry for.
    MissingOptional(
        /// Each with its lockfile's name.
        Vec<(String, MissingOptional)>,
    ),
    /// A setting is not used, or not as it was meant.
    Configuration(ConfigWarning),
    /// `larder.toml` asks for Pyodide's packages, and there is no `larder.lock`.
    NoLarderLock,
    /// `larder.toml` asks for Pyodide's packages, and `larder.lock` has downloads alone.
    NoLockedPyodide,
    /// An npm lockfile names another runtime than `larder.lock`.
    OtherRuntime {
        /// The lockfile's entry.
        entry: EntryName,
        /// Its version.
        version: String,
        /// The version of `larder.lock`.
        locked: String,
    },
    /// Packages from git are built when they are installed.
    GitBuilds(
        /// At least one.
        Vec<GitBuild>,
    ),
    /// Packages download files that no lockfile names.
    OwnDownloads(
        /// At least one.
        Vec<UnlockedDownload>,
    ),
    /// Rows of `larder.lock` are for packages that no lockfile has.
    UnusedRows(
        /// At least one.
        Vec<StaleRow>,
    ),
    /// A package has no description.
    NoDescription(MetadataError),
    /// A tarball in the project is not what its lockfile states.
    LocalTarball {
        /// The tarball.
        file: PathBuf,
        /// The lockfile's name.
        lockfile: String,
    },
    /// A tarball in the project cannot be read.
    UnreadableTarball {
        /// The tarball.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

impl Warning {
    /// The warning's lines, one for each thing that it names. More than a few are of one kind.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::MissingOptional(missing) => {
                missing.iter().map(|(lockfile, missing)| format!("{lockfile}: {missing}")).collect()
            }
            Self::GitBuilds(builds) => builds.iter().map(ToString::to_string).collect(),
            Self::OwnDownloads(downloads) => downloads.iter().map(ToString::to_string).collect(),
            Self::UnusedRows(rows) => rows.iter().map(unused_row).collect(),
            _ => vec![self.line()],
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Member { member, lockfile } => format!(
                "{} is a package of a workspace: its root's lockfile is used, {}",
                member.display(),
                lockfile.display()
            ),
            Self::Several { folder, several } => format!("{}{several}", below(folder)),
            Self::PassedOver { name } => {
                format!(
                    "{name} is ignored, since larder cannot read it: packages that only this file names are not fetched"
                )
            }
            Self::Configuration(warning) => warning.to_string(),
            Self::NoLarderLock => {
                "larder.toml asks for Pyodide's packages, and larder.lock does not exist: run `larder lock`".to_owned()
            }
            Self::NoLockedPyodide => {
                "larder.toml asks for Pyodide's packages, and larder.lock does not have them: run `larder lock`"
                    .to_owned()
            }
            Self::OtherRuntime { entry, version, locked } => {
                format!("{entry} is Pyodide {version}, larder.lock has {locked}")
            }
            Self::NoDescription(error) => chain(error).join(": "),
            Self::LocalTarball { file, lockfile } => {
                format!("{}: digest does not match {lockfile}", file.display())
            }
            Self::UnreadableTarball { file, error } => format!("{} is left out: {error}", file.display()),
            Self::MissingOptional(_) | Self::GitBuilds(_) | Self::OwnDownloads(_) | Self::UnusedRows(_) => {
                unreachable!("they have a line for each package")
            }
        }
    }

    /// The ways out, as far as there are some to name.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Several { several, .. } => return vec![several.cure()],
            Self::OwnDownloads(downloads) => {
                let record = "`larder lock` writes the rows of such downloads to larder.lock, and `larder record -- COMMAND` those of whatever COMMAND downloads";
                return std::iter::once(record.to_owned())
                    .chain(downloads.iter().map(UnlockedDownload::hint))
                    .collect();
            }
            Self::MissingOptional(_) => {
                "npm installs without them, also where they are needed; `npm install` with neither node_modules nor the lockfile writes those of every platform"
            }
            Self::UnusedRows(_) => {
                "what nobody asks for is neither fetched nor served: take such a [[download]] or [[absent]] out of larder.lock, or, if another package asks for it now, name that one in its `by`"
            }
            Self::GitBuilds(_) => {
                "with the network cut, such a package cannot be built: depend on one that was published, or on a commit that has its built files"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }

    /// Whether it says what is done, rather than what may be wrong.
    pub const fn is_note(&self) -> bool {
        matches!(self, Self::Member { .. })
    }
}

/// `larder.lock: https://…: unused, since no lockfile has a@1.0.0, for which it was recorded`.
fn unused_row(StaleRow { entry, by, .. }: &StaleRow) -> String {
    let by: Vec<String> = by.iter().map(ToString::to_string).collect();
    let (none_has, by) = (if by.len() == 1 { "no lockfile has" } else { "no lockfile has any of" }, by.join(", "));
    format!("{entry}: unused, since {none_has} {by}, for which it was recorded")
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}
