//! A selected part of a plan, complete: every artifact of it with its blob, whose bytes were read and are what they should be.
//!
//! [`Fetcher::fetch`](super::Fetcher::fetch) sees to it that the store has the files; this reads those that were there before a build depends on them, and compares them with their names and with
//! the digests that the lockfile states: what a store says of its blobs may have been written by anybody who can write there. So a damaged or a wrong blob is fetched again,
//! or named, before anything starts and not in the middle of it. What is read anyway is not read twice: the views of a `larder.lock`, which compare more than blake3, read for
//! themselves (`view::locked_files`).

use std::sync::Arc;

use larder_store::{
    Store,
    key::{BlobRef, Wanted},
    verify::{Fault, FaultKind, UnfitBlob, verify_wanted},
};

use super::{
    checked_files::{CheckedFiles, Reading},
    downloads::{Download, Downloads},
    failure::{Failure, FailureKind},
    report::FetchReport,
};
use crate::plan::Planned;

/// An artifact that is here.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The artifact.
    pub planned: &'a Planned,
    /// Its blob.
    pub found: BlobRef,
}

/// What came of completing a plan.
#[derive(Debug, Default)]
pub struct Completed<'a> {
    /// Every artifact that is wanted and here, in the plan's order.
    pub items: Vec<Stored<'a>>,
    /// What was done for it; if it has failures, something is missing.
    pub report: FetchReport,
    /// What was wrong in the store and has been fetched again.
    pub repaired: Vec<Repaired>,
}

/// A package whose file in the store was not the one that the lockfile states, and now is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Name and version.
    pub package: Arc<str>,
    /// Whether the store had a sound file of something else for it; else, its own was damaged.
    pub was_another: bool,
}

/// Who reads the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// [`Fetcher::ensure`](super::Fetcher::ensure): all of them, against their names.
    Fetcher,
    /// The caller, which then has to cope with what it finds.
    Caller,
}

/// Reads the blobs of the downloads at these places, and names those that are not what is wished for: places are the downloads'. Recorded downloads may be served whole or in
/// parts: that their files were read is noted.
pub(super) fn unfit(
    (store, checked): (&Store, &CheckedFiles),
    downloads: &Downloads<'_>,
    report: &FetchReport,
    unread: &[usize],
) -> Vec<UnfitBlob> {
    let here: Vec<(usize, BlobRef)> = unread.iter().filter_map(|place| Some((*place, report.found[*place]?))).collect();
    let of = |place: &usize| &downloads.all[*place];
    let wanted: Vec<_> = here.iter().map(|(place, found)| (*found, &of(place).wanted, of(place).depth())).collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let recorded = here.iter().filter(|(place, _)| of(place).is_recorded());
    let compared = recorded.filter_map(|(place, found)| match &of(place).wanted {
        Wanted::Integrity(stated) => Some((found.blob, Some(stated.clone()))),
        Wanted::Identity(_) => None,
    });
    let reading = Reading::begin(store, compared);
    let mut faults = verify_wanted(store, &wanted, threads);
    checked.finish(store, reading, |blob| faults.iter().all(|unfit| unfit.fault.blob != *blob));
    for place in faults.iter_mut().flat_map(|unfit| &mut unfit.places) {
        *place = here[*place].0;
    }
    faults
}

pub(super) fn items<'a>(downloads: &Downloads<'a>, found: &[Option<BlobRef>]) -> Vec<Stored<'a>> {
    let mut items: Vec<Stored<'a>> = downloads.all.iter().zip(found).flat_map(stored).collect();
    items.sort_by(|a, b| a.planned.entries.cmp(&b.planned.entries));
    items
}

fn stored<'w, 'a>(
    (download, found): (&'w Download<'a>, &Option<BlobRef>),
) -> impl Iterator<Item = Stored<'a>> + use<'w, 'a> {
    let found = *found;
    download.planned().iter().filter_map(move |planned| Some(Stored { planned, found: found? }))
}

/// Whether a blob is out of the way, so that it counts as absent and is fetched again.
pub(super) fn is_mendable(store: &Store, fault: &Fault) -> bool {
    let is_out_of_the_way = matches!(
        fault.kind,
        FaultKind::Damaged { set_aside: Some(_), .. }
            | FaultKind::Lower { .. }
            | FaultKind::InTheWay(_)
            | FaultKind::Missing
            | FaultKind::Misstated { is_set_right: true, .. }
    );
    store.is_writable() && is_out_of_the_way
}

pub(super) fn repaired_of(downloads: &Downloads<'_>, faults: &[UnfitBlob]) -> Vec<Repaired> {
    let repaired = faults.iter().flat_map(|UnfitBlob { places, fault }| {
        let was_another = matches!(fault.kind, FaultKind::Misstated { .. });
        let planned = places.iter().flat_map(|place| downloads.all[*place].planned());
        planned.map(move |planned| Repaired { package: planned.artifact.to_string().into(), was_another })
    });
    repaired.collect()
}

pub(super) fn damaged(downloads: &Downloads<'_>, faults: &[UnfitBlob]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for UnfitBlob { places, fault } in faults {
        for planned in places.iter().flat_map(|place| downloads.all[*place].planned()) {
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

/// The artifacts whose lockfile states another length than their blobs have, each with the place of its download.
pub(super) fn of_other_size(downloads: &Downloads<'_>, found: &[Option<BlobRef>]) -> Vec<(usize, Failure)> {
    let mut failures = Vec::new();
    for (place, (download, found)) in downloads.all.iter().zip(found).enumerate() {
        let Some(BlobRef { size: actual, .. }) = *found else { continue };
        for planned in download.planned() {
            if let Some(stated) = planned.artifact.size.filter(|stated| *stated != actual) {
                let failure = Failure {
                    package: planned.artifact.to_string().into(),
                    ecosystem: planned.artifact.ecosystem,
                    entries: planned.entries.clone(),
                    kind: FailureKind::Size { stated, actual },
                };
                failures.push((place, failure));
            }
        }
    }
    failures
}

fn cause(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Damaged { actual, set_aside: Some(_) } => format!("its bytes are blake3 {actual}; it was set aside"),
        FaultKind::Damaged { actual, set_aside: None } => {
            format!("its bytes are blake3 {actual}; it could not be set aside")
        }
        FaultKind::Unreadable(error) | FaultKind::InTheWay(error) | FaultKind::Lower { error, .. } => error.to_string(),
        FaultKind::Missing => "it has a receipt and no file".to_owned(),
        FaultKind::Misstated { stated, .. } => format!("the store has it for {stated}, which its bytes are not"),
    }
}
