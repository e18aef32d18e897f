//! The plan: every artifact that a project's lockfiles name, each once, and its digest. Pure.

use std::{fmt, sync::Arc};

use self::merge::Candidate;
use crate::{
    core::artifact::Artifact,
    lockfile::{EntryKind, NoDownload, Reading, Unfetchable},
};

mod digest;
mod merge;
pub mod selection;

pub use digest::PlanDigest;

/// How many contradictions a message lists.
const LISTED_CONTRADICTIONS: usize = 20;

/// An entry's name, for messages: `package-lock.json: node_modules/a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// The lockfile's label.
    pub lockfile: Arc<str>,
    /// The entry's path.
    pub path: Arc<str>,
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.lockfile, self.path.escape_debug())
    }
}

/// An artifact of the plan and the entries that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The artifact, with what all its entries state.
    pub artifact: Artifact,
    /// The entries, sorted; at least one.
    pub entries: Vec<EntryName>,
}

/// An entry that cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnfetchableEntry {
    /// The entry.
    pub entry: EntryName,
    /// What it is, and why not.
    pub unfetchable: Unfetchable,
}

/// How many entries there are of each kind. `entries` is the sum of all the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sum {
    /// All entries of all lockfiles.
    pub entries: usize,
    /// Artifacts of the plan.
    pub artifacts: usize,
    /// Entries that name an artifact that another entry named already.
    pub repeats: usize,
    /// Entries inside the archive of the package above them.
    pub bundled: usize,
    /// Packages of other entries, with changes.
    pub patches: usize,
    /// Links.
    pub links: usize,
    /// Folders of this machine that are no workspace.
    pub local_folders: usize,
    /// Archives of this machine.
    pub local_files: usize,
    /// The project itself and its workspaces.
    pub projects: usize,
    /// Entries that cannot be fetched.
    pub unfetchable: usize,
}

/// Two entries that state digests of the same file that cannot both hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The artifact, as [`Artifact`] is displayed.
    pub package: String,
    /// An entry, and the integrity that it states.
    pub first: (EntryName, String),
    /// Another entry, and the integrity that it states.
    pub second: (EntryName, String),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, first, second } = self;
        write!(f, "{package}: {} states {}, {} states {}", first.0, first.1, second.0, second.1)
    }
}

/// Lockfiles that cannot be planned together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The same name, version and address with digests that cannot all hold for the same bytes.
    #[error("lockfile entries contradict each other:{}", Listed(.contradictions))]
    Contradictions {
        /// All of them, sorted by package.
        contradictions: Vec<Contradiction>,
    },
}

struct Listed<'a>(&'a [Contradiction]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for contradiction in self.0.iter().take(LISTED_CONTRADICTIONS) {
            write!(f, "\n  {contradiction}")?;
        }
        match self.0.len().saturating_sub(LISTED_CONTRADICTIONS) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// Every artifact that a project's lockfiles name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    artifacts: Vec<Planned>,
    unfetchable: Vec<UnfetchableEntry>,
    sum: Sum,
}

impl Plan {
    /// The plan of these lockfiles; their order plays no part.
    ///
    /// Entries that agree in name, version and address are one artifact: its bytes must satisfy the integrities of all of them, and it is left out of a
    /// selection only where each of them is.
    pub fn new(readings: &[Reading]) -> Result<Self, PlanError> {
        let mut sum = Sum::default();
        let mut candidates = Vec::with_capacity(readings.iter().map(|reading| reading.entries.len()).sum());
        let mut unfetchable = Vec::new();
        for reading in readings {
            for entry in &reading.entries {
                sum.entries += 1;
                match &entry.kind {
                    EntryKind::Artifact(artifact) => {
                        candidates.push(Candidate::new(artifact, &reading.lockfile, &entry.path));
                    }
                    EntryKind::NoDownload(NoDownload::Project) => sum.projects += 1,
                    EntryKind::NoDownload(NoDownload::Link) => sum.links += 1,
                    EntryKind::NoDownload(NoDownload::LocalFolder) => sum.local_folders += 1,
                    EntryKind::NoDownload(NoDownload::LocalFile) => sum.local_files += 1,
                    EntryKind::NoDownload(NoDownload::Bundled) => sum.bundled += 1,
                    EntryKind::NoDownload(NoDownload::Patch) => sum.patches += 1,
                    EntryKind::Unfetchable(reason) => unfetchable.push(UnfetchableEntry {
                        entry: EntryName { lockfile: Arc::clone(&reading.lockfile), path: Arc::clone(&entry.path) },
                        unfetchable: reason.clone(),
                    }),
                }
            }
        }
        unfetchable.sort_unstable();
        sum.unfetchable = unfetchable.len();
        sum.repeats = candidates.len();
        let artifacts = merge::merge(candidates)?;
        sum.artifacts = artifacts.len();
        sum.repeats -= artifacts.len();
        Ok(Self { artifacts, unfetchable, sum })
    }

    /// The artifacts, sorted by ecosystem, name, version and source.
    pub fn artifacts(&self) -> &[Planned] {
        &self.artifacts
    }

    /// The entries that cannot be fetched, sorted.
    pub fn unfetchable(&self) -> &[UnfetchableEntry] {
        &self.unfetchable
    }

    /// How many entries there are of each kind.
    pub const fn sum(&self) -> Sum {
        self.sum
    }

    /// The plan's digest: see [`PlanDigest`].
    pub fn digest(&self) -> PlanDigest {
        PlanDigest::of(self)
    }
}

#[cfg(test)]
mod tests;
