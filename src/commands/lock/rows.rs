//! `larder lock --check` of what was recorded: rows that contradict the lockfiles or the store.

use larder_store::{Store, key::Wanted};

use super::LockError;
use crate::{
    commands::{context::Context, error::CommandError},
    config::project::Project,
    core::artifact::Ecosystem,
    lockfile::{
        self, Reading,
        larder_lock::{LARDER_LOCK, LarderLock},
    },
    plan::{Plan, Planned, StaleRow},
    session::ReadError,
};

/// Names the rows of a `larder.lock` that are for packages which no lockfile has, or state another length than their file in the store has.
pub(super) fn check(
    project: &Project,
    mut readings: Vec<Reading>,
    lock: &LarderLock,
    store: &Store,
    context: &Context<'_>,
) -> Result<(), CommandError> {
    if !lock.has_rows() {
        return Ok(());
    }
    readings.push(lockfile::of_larder_lock(LARDER_LOCK, lock));
    let plan = Plan::new(&readings).map_err(ReadError::from)?;
    let mut problems: Vec<String> =
        if project.knows_all_packages() { plan.stale().iter().map(stale_row).collect() } else { Vec::new() };
    problems.extend(other_sizes(&plan, store, context)?);
    if problems.is_empty() {
        return Ok(());
    }
    Err(LockError::Rows { path: project.folder.join(LARDER_LOCK), problems }.into())
}

fn stale_row(StaleRow { entry, by, .. }: &StaleRow) -> String {
    let by: Vec<String> = by.iter().map(ToString::to_string).collect();
    format!("{}: `by` names {}, which no lockfile has", entry.path, by.join(" and "))
}

fn other_sizes(plan: &Plan, store: &Store, context: &Context<'_>) -> Result<Vec<String>, CommandError> {
    let recorded = plan.artifacts().iter().filter(|planned| planned.artifact.ecosystem == Ecosystem::Download);
    let wanted = |integrity| Wanted::Integrity(Clone::clone(integrity));
    let files: Vec<_> = recorded
        .filter_map(|planned| Some((planned, wanted(planned.artifact.integrity.as_ref()?), planned.artifact.size?)))
        .collect();
    let all: Vec<Wanted> = files.iter().map(|(_, wanted, _)| wanted.clone()).collect();
    let look_up = store.lookup(&all, context.now)?;
    let problem = |(planned, wanted, stated): &(&Planned, Wanted, u64)| {
        let actual = look_up.find(wanted)?.size;
        let address = &planned.entries[0].path;
        let text = format!("{address}: `size` is {stated}, and the file with that sha256 has {actual} bytes");
        (actual != *stated).then_some(text)
    };
    Ok(files.iter().filter_map(problem).collect())
}
