//! The plan: every artifact that a project's lockfiles name, each once, and its digest. Pure.

use std::sync::Arc;

use self::{
    merge::Candidate,
    recorded::{ABSENT, INLINE, Remark, Row, count},
};
use crate::lockfile::{EntryKind, NoDownload, Reading, RecordedAnswer};

mod contradiction;
mod digest;
mod merge;
mod planned;
mod recorded;
pub mod selection;

pub use contradiction::{Contradiction, PlanError};
pub use digest::PlanDigest;
pub use planned::{EntryName, Planned, StaleRow, UnfetchableEntry};

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
    /// Rows of `larder.lock` for packages that the plan does not have.
    #[serde(skip_serializing_if = "is_none")]
    pub unused: usize,
    /// Entries that cannot be fetched.
    pub unfetchable: usize,
}

/// Every artifact that a project's lockfiles name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    artifacts: Vec<Planned>,
    unfetchable: Vec<UnfetchableEntry>,
    stale: Vec<StaleRow>,
    remarks: Vec<Remark>,
    sum: Sum,
}

impl Plan {
    /// The plan of these lockfiles; their order plays no part.
    ///
    /// Entries that agree in name, version and address are one artifact: its bytes must satisfy the integrities of all of them, and it is left out of a
    /// selection only where each of them is. A row of `larder.lock` is in the plan if one of the packages that asked for it is, or a script did.
    pub fn new(readings: &[Reading]) -> Result<Self, PlanError> {
        let mut sum = Sum::default();
        let mut candidates = Vec::with_capacity(readings.iter().map(|reading| reading.entries.len()).sum());
        let (mut unfetchable, mut rows) = (Vec::new(), Vec::new());
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
                    EntryKind::Recorded(recorded) => {
                        rows.push(Row { lockfile: &reading.lockfile, path: &entry.path, recorded });
                        if let RecordedAnswer::File(artifact) = &recorded.answer {
                            candidates.push(Candidate::new(artifact, &reading.lockfile, &entry.path));
                        }
                    }
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
        let mut artifacts = merge::merge(candidates)?;
        sum.repeats -= artifacts.len();
        let (stale, remarks) = recorded::join(&rows, readings, &mut artifacts, &unfetchable);
        sum.artifacts = artifacts.len();
        let unused = stale.iter().filter(|row| row.is_unused).count();
        (sum.inline, sum.absent, sum.unused) = (count(&remarks, INLINE), count(&remarks, ABSENT), unused);
        Ok(Self { artifacts, unfetchable, stale, remarks, sum })
    }

    /// The artifacts, sorted by ecosystem, name, version and source.
    pub fn artifacts(&self) -> &[Planned] {
        &self.artifacts
    }

    /// The entries that cannot be fetched, sorted.
    pub fn unfetchable(&self) -> &[UnfetchableEntry] {
        &self.unfetchable
    }

    /// The rows of `larder.lock` that were recorded for packages of which the plan lacks some, sorted.
    pub fn stale(&self) -> &[StaleRow] {
        &self.stale
    }

    /// Those of which it lacks all: they are no part of it.
    pub fn unused(&self) -> impl Iterator<Item = &StaleRow> {
        self.stale.iter().filter(|row| row.is_unused)
    }

    /// How many entries there are of each kind.
    pub const fn sum(&self) -> Sum {
        self.sum
    }

    /// The plan's digest: see [`PlanDigest`].
    pub fn digest(&self) -> PlanDigest {
        PlanDigest::of(&self.artifacts, &self.unfetchable, &self.remarks)
    }
}

/// What most plans have none of is left out of a document.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
const fn is_none(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
