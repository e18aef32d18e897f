//! The plan: every artifact that a project's lockfiles name, each once, and its digest. Pure.

use std::{fmt, sync::Arc};

use crate::{
    artifact::Artifact,
    lockfile::{Reading, Unfetchable},
};

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

/// The plan's digest. Written `blake3:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanDigest([u8; 32]);

impl PlanDigest {
    /// The 32 bytes of the blake3.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl serde::Serialize for PlanDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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

/// Lockfiles that cannot be planned together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The same name, version and address with digests that cannot all hold for the same bytes.
    #[error("lockfile entries contradict each other")]
    Contradictions {
        /// All of them.
        contradictions: Vec<Contradiction>,
    },
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
    pub fn new(_readings: &[Reading]) -> Result<Self, PlanError> {
        Ok(Self { artifacts: Vec::new(), unfetchable: Vec::new(), sum: Sum::default() })
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

    /// The plan's digest.
    pub fn digest(&self) -> PlanDigest {
        PlanDigest([0; 32])
    }
}
