//! A selected part of a plan, complete: every artifact of it with its blob, whose bytes were read and are what they should be.
//!
//! [`fill()`] sees to it that the store has the files; this reads them all before a build depends on them (blake3 reads 306 MB in 0.1 s), so that
//! a damaged blob is fetched again, or named, before anything starts and not in the middle of it. What is read anyway is not read twice: the views of a
//! `larder.lock`, which compare more than blake3, read for themselves (`view::stock`).

use std::sync::Arc;

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    look_up::{Found, Wanted},
    verify::{Fault, FaultKind, verify_blobs},
};

use crate::{
    fill::{Failure, FailureKind, FillError, FillSettings, Filled, Watcher, Wish, Wishes, fill},
    npmrc::NpmConfig,
    plan::Planned,
};

/// An artifact that is here.
#[derive(Clone, Copy, Debug)]
pub struct Supplied<'a> {
    /// The artifact.
    pub planned: &'a Planned,
    /// Its blob.
    pub found: Found,
}

/// What came of completing a plan.
#[derive(Debug, Default)]
pub struct Supply<'a> {
    /// Every artifact that is wanted and here, in the plan's order.
    pub items: Vec<Supplied<'a>>,
    /// What was done for it; if it has failures, something is missing.
    pub filled: Filled,
    /// Packages whose blob was damaged and has been fetched again.
    pub mended: Vec<Arc<str>>,
}

/// What of these wishes is in the store. Nothing is fetched, and no blob is read.
pub fn on_hand<'a>(store: &Store, wishes: &Wishes<'a>, now: Timestamp) -> Result<Supply<'a>, StoreError> {
    let wanted: Vec<Wanted> = wishes.wishes.iter().map(|wish| wish.wanted.clone()).collect();
    let look_up = store.look_up(&wanted, now)?;
    let found: Vec<Option<Found>> = wanted.iter().map(|wanted| look_up.find(wanted)).collect();
    Ok(Supply { items: items(wishes, &found), ..Supply::default() })
}

/// Who reads the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// [`supply()`]: all of them, against their names.
    Supply,
    /// The caller, which then has to cope with what it finds.
    Caller,
}

/// Fetches what is missing or, where no request may be made, names it; then reads every blob, unless the caller does.
pub fn supply<'a>(
    store: &Store,
    wishes: &Wishes<'a>,
    configurations: &[NpmConfig],
    settings: &FillSettings,
    watcher: &Arc<dyn Watcher>,
    reader: Reader,
) -> Result<Supply<'a>, FillError> {
    let mut filled = fill(store, wishes, configurations, settings.clone(), watcher)?;
    let mut mended = Vec::new();
    if filled.failures.is_empty() && reader == Reader::Supply {
        let blobs: Vec<Found> = filled.found.iter().flatten().copied().collect();
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let faults = verify_blobs(store, &blobs, threads);
        if faults.iter().any(|fault| settings.is_offline || !is_mendable(store, fault)) {
            filled.failures = damaged(wishes, &filled, &faults);
        } else if !faults.is_empty() {
            mended = damaged(wishes, &filled, &faults).into_iter().map(|failure| failure.package).collect();
            let again = fill(store, wishes, configurations, settings.clone(), watcher)?;
            filled = Filled {
                requests: filled.requests + again.requests,
                received: filled.received + again.received,
                fetched: filled.fetched + again.fetched,
                ..again
            };
        }
    }
    Ok(Supply { items: items(wishes, &filled.found), filled, mended })
}

fn items<'a>(wishes: &Wishes<'a>, found: &[Option<Found>]) -> Vec<Supplied<'a>> {
    let mut items: Vec<Supplied<'a>> = wishes.wishes.iter().zip(found).flat_map(supplied).collect();
    items.sort_by(|a, b| a.planned.entries.cmp(&b.planned.entries));
    items
}

fn supplied<'w, 'a>((wish, found): (&'w Wish<'a>, &Option<Found>)) -> impl Iterator<Item = Supplied<'a>> + use<'w, 'a> {
    let found = *found;
    wish.planned().iter().filter_map(move |planned| Some(Supplied { planned, found: found? }))
}

/// Whether a blob is out of the way, so that it counts as absent and is fetched again.
fn is_mendable(store: &Store, fault: &Fault) -> bool {
    let is_out_of_the_way = matches!(
        fault.kind,
        FaultKind::Damaged { set_aside: Some(_), .. }
            | FaultKind::Below { .. }
            | FaultKind::InTheWay(_)
            | FaultKind::Missing
    );
    store.is_writable() && is_out_of_the_way
}

fn damaged(wishes: &Wishes<'_>, filled: &Filled, faults: &[Fault]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (wish, found) in wishes.wishes.iter().zip(&filled.found) {
        let Some(fault) = found.and_then(|found| faults.iter().find(|fault| fault.blob == found.blob)) else {
            continue;
        };
        for planned in wish.planned() {
            failures.push(Failure {
                package: planned.artifact.to_string().into(),
                ecosystem: planned.artifact.ecosystem,
                entries: planned.entries.clone(),
                kind: FailureKind::Damaged { blob: fault.blob, cause: cause(&fault.kind).into() },
            });
        }
    }
    failures.sort_by(|a, b| a.entries.cmp(&b.entries));
    failures
}

fn cause(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Damaged { actual, set_aside: Some(_) } => format!("its bytes are blake3 {actual}; it was set aside"),
        FaultKind::Damaged { actual, set_aside: None } => {
            format!("its bytes are blake3 {actual}; it could not be set aside")
        }
        FaultKind::Unreadable(error) | FaultKind::InTheWay(error) | FaultKind::Below { error, .. } => error.to_string(),
        FaultKind::Missing => "it has a receipt and no file".to_owned(),
    }
}
