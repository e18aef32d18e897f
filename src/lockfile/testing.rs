//! What the tests of several lockfiles share.

use crate::lockfile::{EntryKind, EntryProblem, Reading, UnfetchableReason};

/// The entries that are not understood: path and problem.
pub(super) fn not_understood(reading: Reading) -> Vec<(String, EntryProblem)> {
    let problem = |kind| match kind {
        EntryKind::Unfetchable(unfetchable) => match unfetchable.reason {
            UnfetchableReason::NotUnderstood { problem } => Some(problem),
            _ => None,
        },
        _ => None,
    };
    let entries = reading.entries.into_iter();
    entries.filter_map(|entry| Some((entry.path.to_string(), problem(entry.kind)?))).collect()
}
