//! What reading a lockfile gives: its entries, each of them classified.

use std::sync::Arc;

use larder_store::digest::Digest;

use super::{
    diagnose::{printable, shown},
    error::EntryProblem,
    larder_lock::{AbsentStatus, MediaType, Requester},
    missing::MissingOptional,
    unfetchable::{Unfetchable, UnfetchableReason},
};
use crate::core::artifact::Artifact;

/// What one lockfile says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The lockfile's label: its path relative to the project, such as `package-lock.json`.
    pub lockfile: Arc<str>,
    /// Its entries, in the file's order.
    pub entries: Vec<Entry>,
    /// What npm's entries name as optional and have no entry for.
    pub missing: Vec<MissingOptional>,
}

impl Reading {
    /// The same, with every recorded row wanted, whatever packages there are.
    #[must_use]
    pub fn for_any_packages(mut self) -> Self {
        for entry in &mut self.entries {
            if let EntryKind::Recorded(recorded) = &mut entry.kind {
                recorded.by.clear();
            }
        }
        self
    }
}

/// One entry of a lockfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the file calls it: of npm the install path, such as `node_modules/a/node_modules/b` (version 1 nests entries instead; they get the path that npm
    /// would install them to), of others the entry's key, such as `a@1.0.0`.
    pub path: Arc<str>,
    /// What the entry is.
    pub kind: EntryKind,
}

impl Entry {
    /// An entry that is not understood. `name` is what can be told of its package's name.
    pub(super) fn not_understood(path: &str, name: &str, problem: EntryProblem) -> Self {
        // A path of npm's own project is empty.
        let name = if name.is_empty() { "." } else { name };
        let reason = UnfetchableReason::NotUnderstood { problem };
        let kind = EntryKind::Unfetchable(Unfetchable { name: printable(name), version: None, reason });
        Self { path: shown(path).into(), kind }
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file to download.
    Artifact(Artifact),
    /// Nothing to download.
    NoDownload(NoDownload),
    /// A download that larder cannot make.
    Unfetchable(Unfetchable),
    /// What `larder.lock` recorded of an address.
    Recorded(Box<RecordedEntry>),
}

/// What was recorded of an address, which is the entry's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEntry {
    /// The answer.
    pub answer: RecordedAnswer,
    /// Its media type, if it is known.
    pub content_type: Option<MediaType>,
    /// What asked for it; none: it is wanted whatever packages there are.
    pub by: Vec<Requester>,
}

/// What is answered at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedAnswer {
    /// A file to download.
    File(Artifact),
    /// Bytes that are in the lock itself: their sha256.
    Inline(Digest),
    /// That nothing is there.
    Absent(AbsentStatus),
}

/// Why an entry needs no download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoDownload {
    /// The project itself, or one of its workspaces.
    Project,
    /// A link in `node_modules` to a folder that has an entry of its own.
    Link,
    /// A folder of this machine that is no workspace.
    LocalFolder,
    /// An archive of this machine, `file:….tgz`.
    LocalFile,
    /// Inside the archive of the package above it.
    Bundled,
    /// Another entry's package with changes that are in the project, or in the package manager itself.
    Patch,
}
