//! The plan: every artifact that a project's lockfiles name, each once, and its digest. Pure.

use std::sync::Arc;

use self::merge::Candidate;
use crate::lockfile::{EntryKind, NoDownload, Reading};

mod contradiction;
mod digest;
mod merge;
mod planned;
pub mod selection;

pub use contradiction::{Contradiction, PlanError};
pub use digest::PlanDigest;
pub use planned::{EntryName, Planned, UnfetchableEntry};

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
    /// Answers that are in `larder.lock` itself.
    #[serde(skip_serializing_if = "is_none")]
    pub inline: usize,
    /// Addresses that had nothing.
    #[serde(skip_serializing_if = "is_none")]
    pub absent: usize,
    /// Entries that cannot be fetched.
    pub unfetchable: usize,
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
                    EntryKind::NoDownload(NoDownload::Inline) => sum.inline += 1,
                    EntryKind::NoDownload(NoDownload::Absent) => sum.absent += 1,
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
        PlanDigest::of(&self.artifacts, &self.unfetchable)
    }
}

/// What most plans have none of is left out of a document.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
const fn is_none(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
