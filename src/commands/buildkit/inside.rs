//! `larder buildkit inside`: what runs in the build, on the mount as its store. It says everything by its report, and fails only if that cannot be written: a step
//! that fails exports nothing.

use std::collections::HashMap;

use larder_store::{
    Store, StoreError,
    digest::BlobId,
    import::{Identities, Options, import},
    key::BlobRef,
    receipt::Receipt,
    transfer::{Missing, export, inventory, missing, present},
    verify::{FaultKind, verify_blobs},
};

use super::error::BuildkitError;
use crate::{
    buildkit::protocol::{
        BadBlob, JobFailure, MissingBlob, Report, STORE, read_only, read_rows, read_wanted, write_report,
    },
    cli::buildkit::{Inside, InsideJob},
    commands::{context::Context, error::CommandError, outcome::Outcome},
    core::error_chain::chain,
    session::threads,
};

pub(super) fn run(arguments: &Inside, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let done = match arguments.job {
        InsideJob::Ask => ask(arguments, context),
        InsideJob::TakeIn => take(arguments, context),
        InsideJob::HandOut => hand(arguments, context),
    };
    let report = done.unwrap_or_else(|error| {
        let stop = JobFailure { causes: chain(&*error).into_iter().collect(), hint: hint(&error).map(str::to_owned) };
        Report { failure: Some(stop), ..Report::default() }
    });
    write_report(&arguments.answer, &report).map_err(BuildkitError::from)?;
    Ok(Outcome::Done)
}

/// The ways out that a person has on the outside.
fn hint(error: &CommandError) -> Option<&'static str> {
    let error: &(dyn std::error::Error + 'static) = &**error;
    match error.downcast_ref::<StoreError>()? {
        StoreError::NotAStore { .. } | StoreError::DamagedMeta { .. } | StoreError::Unfit { .. } => {
            Some("another program's mount has that id: name larder's with --id")
        }
        StoreError::ReadOnly { .. } => {
            Some("the mount belongs to another user: pass on what its Dockerfile gives with --uid, --gid and --mode")
        }
        StoreError::DiskFull { .. } => Some("make room for the builder; what was taken in stays"),
        StoreError::NewerFormat { .. } => Some("name a newer static larder with --binary"),
        _ => None,
    }
}

/// Says what the mount lacks, and keeps what projects recorded. Blobs that are there are read: a damaged one is set aside, and counts as lacking.
fn ask(arguments: &Inside, context: &Context<'_>) -> Result<Report, CommandError> {
    let wanted = read_wanted(&arguments.request).map_err(BuildkitError::from)?;
    let store = open(context)?;
    for (lockfile, rows) in read_rows(&arguments.request).map_err(BuildkitError::from)? {
        store.keep_rows(&lockfile, rows.as_deref())?;
    }
    let there: Vec<Receipt> = wanted.iter().filter_map(|receipt| present(&store, &receipt.blob)).collect();
    let (damaged, sound) = sound(&store, there);
    let lacking = wanted.iter().filter_map(|receipt| {
        let lack = missing(sound.get(&receipt.blob), receipt)?;
        Some(MissingBlob { blob: receipt.blob.to_string(), bytes: lack == Missing::Bytes })
    });
    Ok(Report { lacking: lacking.collect(), damaged, ..Report::default() })
}

fn take(arguments: &Inside, context: &Context<'_>) -> Result<Report, CommandError> {
    let store = open(context)?;
    // The step's end is the build's: nobody is there to stop it otherwise.
    // What the host gives is the user's own.
    let request = arguments.request.join(STORE);
    let taken = import(
        &store,
        &request,
        Options { identities: Identities::Believed, now: context.now, threads: threads(), is_stopped: &|| false },
    )?;
    Ok(Report::of(&taken))
}

/// Gives what the host lacks, of what it asked for.
fn hand(arguments: &Inside, context: &Context<'_>) -> Result<Report, CommandError> {
    let theirs: HashMap<BlobId, Receipt> = read_wanted(&arguments.request)
        .map_err(BuildkitError::from)?
        .into_iter()
        .map(|receipt| (receipt.blob, receipt))
        .collect();
    let only = read_only(&arguments.request).map_err(BuildkitError::from)?;
    let store = open(context)?;
    let is_wanted =
        |receipt: &Receipt| only.as_ref().is_none_or(|only| receipt.keys().any(|key| only.contains(key.as_bytes())));
    let here: Vec<Receipt> = inventory(&store)?.into_iter().filter(is_wanted).collect();
    let (lacking, already_there): (Vec<_>, Vec<_>) = here
        .into_iter()
        .map(|receipt| (missing(theirs.get(&receipt.blob), &receipt), receipt))
        .partition(|(lack, _)| lack.is_some());
    let lacks: HashMap<BlobId, Missing> =
        lacking.iter().filter_map(|(lack, receipt)| Some((receipt.blob, (*lack)?))).collect();
    // Only what is carried is read; the host reads it again.
    let (damaged, sound) = sound(&store, lacking.into_iter().map(|(_, receipt)| receipt).collect());
    let mut handed: Vec<(&Receipt, Missing)> = sound.values().map(|receipt| (receipt, lacks[&receipt.blob])).collect();
    handed.sort_by_key(|(receipt, _)| receipt.blob);
    let tally = export(&store, handed.iter().copied(), &arguments.answer.join(STORE), &|| false)?;
    Ok(Report {
        damaged,
        carried: tally.count,
        bytes: tally.bytes,
        supplemented: handed.len() as u64 - tally.count,
        already_there: already_there.len() as u64,
        ..Report::default()
    })
}

/// The mount alone: whatever else a larder may find is the host's to give.
fn open(context: &Context<'_>) -> Result<Store, CommandError> {
    Ok(Store::open(&context.store)?)
}

/// Reads blobs: those that are damaged, and the others.
fn sound(store: &Store, receipts: Vec<Receipt>) -> (Vec<BadBlob>, HashMap<BlobId, Receipt>) {
    let blobs: Vec<BlobRef> =
        receipts.iter().map(|receipt| BlobRef { blob: receipt.blob, size: receipt.size }).collect();
    let faults = verify_blobs(store, &blobs, threads());
    let mut sound: HashMap<BlobId, Receipt> = receipts.into_iter().map(|receipt| (receipt.blob, receipt)).collect();
    let mut damaged = Vec::new();
    for fault in faults {
        let cause = match fault.kind {
            FaultKind::Damaged { actual, .. } => format!("its bytes are blake3 {actual}; it was set aside there"),
            FaultKind::Unreadable(error) | FaultKind::Lower { error, .. } => chain(&error).join(": "),
            FaultKind::InTheWay(error) => format!("{error}; it was moved out of the way there"),
            FaultKind::Missing => "it has a receipt and no file".to_owned(),
            FaultKind::Misstated { stated, .. } => format!("its receipt states {stated}, which its bytes do not have"),
        };
        let receipt = sound.remove(&fault.blob).or(fault.receipt);
        let origin = receipt.as_ref().and_then(|receipt| receipt.origins.first());
        let package = origin.map(|origin| format!("{} {}", origin.name, origin.version));
        damaged.push(BadBlob { blob: Some(fault.blob.to_string()), package, cause });
    }
    (damaged, sound)
}
