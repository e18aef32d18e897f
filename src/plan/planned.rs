//! What a plan has: artifacts and what cannot be fetched, with the lockfile entries that name them.

use std::{fmt, sync::Arc};

use crate::{
    core::artifact::Artifact,
    lockfile::{Requester, Unfetchable},
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

/// A row of `larder.lock` that was recorded for packages which the plan does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleRow {
    /// The entry, whose path is the address.
    pub entry: EntryName,
    /// Those of `by` that the plan does not have.
    pub by: Vec<Requester>,
    /// Whether these are all, so that the row is not part of the plan.
    pub is_unused: bool,
}
