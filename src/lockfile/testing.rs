//! What has to hold for any bytes as a lockfile, as the fuzz targets have it, and bytes that are almost a lockfile.

use proptest::prelude::*;

use crate::{
    lockfile::{EntryKind, EntryProblem, Reading, UnfetchableReason, read},
    plan::Plan,
};

/// No panic, and a plan whose sum adds up; or an error that names the file.
pub(super) fn check(name: &str, bytes: &[u8]) {
    match read(name, bytes) {
        Ok(reading) => {
            if let Ok(plan) = Plan::new(&[reading]) {
                let sum = plan.sum();
                let none = sum.bundled + sum.patches + sum.links + sum.local_folders + sum.local_files + sum.projects;
                assert_eq!(sum.entries, sum.artifacts + sum.repeats + none + sum.unfetchable);
            }
        }
        Err(error) => assert!(error.to_string().starts_with(name), "{error}"),
    }
}

/// This lockfile with some of its bytes replaced, removed or repeated.
pub(super) fn spoilt(whole: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"".to_vec()),
        Just(b":".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"{[\"'".to_vec()),
        Just(b"- &a *a".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..4),
        (0..whole.len(), 1..80_usize).prop_map(|(at, len)| whole[at..whole.len().min(at + len)].to_vec()),
    ];
    let edit = (0..whole.len(), 0..40_usize, piece);
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut bytes = whole.to_vec();
        for (at, len, piece) in edits {
            let at = at.min(bytes.len());
            bytes.splice(at..bytes.len().min(at + len), piece);
        }
        bytes
    })
}

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
