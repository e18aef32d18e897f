//! A selected part of a plan, complete: every artifact of it with its blob, whose bytes were read and are what they should be.
//!
//! [`fill()`] sees to it that the store has the files; this reads them all before a build depends on them, and compares them with their names and with the
//! digests that the lockfile states: what a store says of its blobs may have been written by anybody who can write there. So a damaged or a wrong blob is fetched again, or named, before anything starts and not in the middle of it. What is read anyway is not read twice: the views of a
//! `larder.lock`, which compare more than blake3, read for themselves (`view::locked_files`).

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use larder_store::{
    Store, StoreError,
    look_up::{Found, Wanted},
    verify::{Fault, FaultKind, Unfit, verify_wanted},
};

use crate::{
    config::package_manager::NpmConfig,
    fetcher::{Failure, FailureKind, FillError, FillSettings, Filled, Watcher, Wish, Wishes, fill},
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
    /// What was wrong in the store and has been fetched again.
    pub mended: Vec<Mended>,
}

/// A package whose file in the store was not the one that the lockfile states, and now is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Name and version.
    pub package: Arc<str>,
    /// Whether the store had a sound file of something else for it; else, its own was damaged.
    pub was_another: bool,
}

/// How often other files are looked for in place of wrong ones: each time may find another one that somebody has put there.
const TRIES: usize = 4;

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
    let mut unread: Vec<usize> = if reader == Reader::Supply { (0..wishes.wishes.len()).collect() } else { Vec::new() };
    for attempt in 0.. {
        if unread.is_empty() || !filled.failures.is_empty() {
            break;
        }
        let faults = unfit(store, wishes, &filled, &unread);
        if faults.is_empty() {
            break;
        }
        let failures = damaged(wishes, &faults);
        if attempt == TRIES || faults.iter().any(|unfit| !is_mendable(store, &unfit.fault)) {
            filled.failures = failures;
            break;
        }
        let again = fill(store, wishes, configurations, settings.clone(), watcher)?;
        // Without a network, the right file may be here all the same.
        if settings.is_offline && !again.failures.is_empty() {
            filled.failures = failures;
            break;
        }
        mended.extend(mended_of(wishes, &faults));
        let is_wrong: HashSet<usize> = faults.iter().flat_map(|unfit| unfit.places.iter().copied()).collect();
        unread = (0..wishes.wishes.len())
            .filter(|place| is_wrong.contains(place) || filled.found[*place] != again.found[*place])
            .collect();
        filled = Filled {
            requests: filled.requests + again.requests,
            received: filled.received + again.received,
            fetched: filled.fetched + again.fetched,
            ..again
        };
    }
    Ok(Supply { items: items(wishes, &filled.found), filled, mended })
}

/// Reads the blobs of the wishes at these places, and names those that are not what is wished for: places are the wishes'.
fn unfit(store: &Store, wishes: &Wishes<'_>, filled: &Filled, unread: &[usize]) -> Vec<Unfit> {
    let here: Vec<(usize, Found)> = unread.iter().filter_map(|place| Some((*place, filled.found[*place]?))).collect();
    let wanted: Vec<_> = here.iter().map(|(place, found)| (*found, &wishes.wishes[*place].wanted)).collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut faults = verify_wanted(store, &wanted, threads);
    for place in faults.iter_mut().flat_map(|unfit| &mut unfit.places) {
        *place = here[*place].0;
    }
    faults
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
            | FaultKind::Misstated { is_set_right: true, .. }
    );
    store.is_writable() && is_out_of_the_way
}

fn mended_of(wishes: &Wishes<'_>, faults: &[Unfit]) -> Vec<Mended> {
    let mended = faults.iter().flat_map(|Unfit { places, fault }| {
        let was_another = matches!(fault.kind, FaultKind::Misstated { .. });
        let planned = places.iter().flat_map(|place| wishes.wishes[*place].planned());
        planned.map(move |planned| Mended { package: planned.artifact.to_string().into(), was_another })
    });
    mended.collect()
}

fn damaged(wishes: &Wishes<'_>, faults: &[Unfit]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for Unfit { places, fault } in faults {
        for planned in places.iter().flat_map(|place| wishes.wishes[*place].planned()) {
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
        FaultKind::Misstated { stated, .. } => format!("the store has it for {stated}, which its bytes are not"),
    }
}
