//! Downloads that larder cannot make, and why.

use std::fmt;

use super::error::EntryProblem;

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
