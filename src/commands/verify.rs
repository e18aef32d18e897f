//! `larder verify`: every blob against its name and its receipt, and repair.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use larder_store::{
    Store,
    verify::{Depth, Fault, FaultKind, Verification, repair as set_right, verify_to},
};
use serde_json::{Value, json};

use super::{base_store::Telling, status::only_read};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    config::{larder_toml::LarderToml, package_manager::NpmConfig},
    fetcher::{Download, Downloads, FetchReport, WatchEvent},
    session::{threads, unplanned_fetcher},
    ui::{progress, report, units},
};

pub(super) fn run(arguments: &cli::Verify, context: &Context<'_>) -> Result<Outcome, CommandError> {
    if let Some(folder) = &arguments.pyodide {
        return super::verify_pyodide::run(folder, context);
    }
    let Some(store) = context.open_store_if_present([&context.settings_here()], Telling::Yes)? else {
        context.printer.error(
            &format!("there is no store at {}", context.store.display()),
            &[],
            Some("`larder fetch` makes one"),
        );
        return Ok(Outcome::Store);
    };
    let lower: Vec<_> = store.lower_roots().collect();
    if !lower.is_empty() {
        context.printer.line(&format!("{} and {}:", store.root().display(), only_read(&lower)));
    }
    let start = Instant::now();
    let read = AtomicU64::new(0);
    let depth = if arguments.fast { Depth::Names } else { Depth::Digests };
    let found = verify_to(&store, threads(), depth, &|bytes| {
        read.fetch_add(bytes, Ordering::Relaxed);
    })?;
    context.printer.line(&format!(
        "{} read, {} in {}",
        units::plural(found.checked.count, "blob", "blobs"),
        units::bytes(read.into_inner()),
        units::duration(start.elapsed())
    ));
    print(context, &found, depth);
    if !arguments.repair && !is_sound(&found) {
        context
            .printer
            .hints(&["`larder verify --repair` fetches again what is damaged or gone, corrects receipts, and makes the index anew"]);
    }
    let repaired = if arguments.repair { Some(repair(arguments, context, &store, &found)?) } else { None };
    context.printer.json(&document(&found, repaired.as_ref()));
    Ok(outcome(&found, repaired.as_ref()))
}

/// What a repair did.
struct Repaired {
    report: FetchReport,
    /// Blobs of which it is not known where they came from.
    hopeless: usize,
}

fn is_sound(found: &Verification) -> bool {
    found.faults.is_empty() && found.index_is_in_step
}

fn outcome(found: &Verification, repaired: Option<&Repaired>) -> Outcome {
    match repaired {
        Some(repaired) if repaired.hopeless > 0 => Outcome::Store,
        Some(repaired) => {
            let worst = repaired.report.failures.iter().map(|failure| failure.kind.fault()).max();
            worst.map_or(Outcome::Done, Outcome::from)
        }
        None if is_sound(found) => Outcome::Done,
        None => Outcome::Store,
    }
}

fn print(context: &Context<'_>, found: &Verification, depth: Depth) {
    let printer = context.printer;
    for fault in &found.faults {
        let (what, cause) = match &fault.kind {
            FaultKind::Damaged { actual, set_aside: Some(place) } => {
                ("is damaged", format!("its bytes are blake3 {actual}; set aside as {}", place.display()))
            }
            FaultKind::Damaged { actual, set_aside: None } => {
                ("is damaged", format!("its bytes are blake3 {actual}; it could not be set aside"))
            }
            FaultKind::Unreadable(error) => ("cannot be read", error.to_string()),
            FaultKind::Lower { error, .. } => {
                ("cannot be used", format!("{error}; it is in a store that is only read"))
            }
            FaultKind::InTheWay(error) => ("is gone", format!("{error}; it was moved out of the way")),
            FaultKind::Missing => ("is gone", "it has a receipt and no file".to_owned()),
            FaultKind::Misstated { stated, is_lower, .. } => ("has a false receipt", false_receipt(stated, *is_lower)),
        };
        printer.error(&format!("{}: blob {} {what}", package(fault), fault.blob), &[report::caused_by(&cause)], None);
    }
    if !found.without_receipt.is_empty() {
        printer.line(&format!(
            "{} without a receipt: left by a run that was killed, and not used",
            units::plural(found.without_receipt.len(), "blob", "blobs")
        ));
    }
    for stranger in &found.strangers {
        printer.warning(&format!("{}: not a blob's name", stranger.display()));
    }
    if !found.index_is_in_step {
        printer.warning("the index does not say what the receipts say");
    }
    if is_sound(found) {
        let digests = if depth == Depth::Digests { " and their receipts" } else { "" };
        printer.line(&format!("all blobs are what their names{digests} say; the index is in step with the receipts"));
    }
}

fn false_receipt(stated: &str, is_lower: bool) -> String {
    let place = if is_lower { "; it is in a store that is only read" } else { "" };
    format!("the receipt states {stated}, which its bytes do not have{place}")
}

/// `react 18.2.0`, or what else is known of a blob.
fn package(fault: &Fault) -> String {
    let origin = fault.receipt.as_ref().and_then(|receipt| receipt.origins.first());
    origin.map_or_else(|| "unknown package".to_owned(), |origin| format!("{} {}", origin.name, origin.version))
}

fn repair(
    arguments: &cli::Verify,
    context: &Context<'_>,
    store: &Store,
    found: &Verification,
) -> Result<Repaired, CommandError> {
    let amended = set_right(store, &found.faults)?;
    if amended > 0 {
        context.printer.line(&format!(
            "{} corrected: digests that the bytes do not have were removed",
            units::plural(amended, "receipt was", "receipts were")
        ));
    }
    if amended > 0 || !found.index_is_in_step {
        context.printer.line("the index was rebuilt");
    }
    let (mut downloads, mut hopeless) = (Downloads::default(), 0);
    for fault in &found.faults {
        if let FaultKind::Misstated { is_lower, .. } = fault.kind {
            if is_lower || !store.is_writable() {
                hopeless += 1;
                let what = format!("{}: the receipt of blob {} cannot be corrected", package(fault), fault.blob);
                context.printer.error(
                    &what,
                    &[],
                    Some("`larder run` and `larder view` compare what they read with the lockfile all the same"),
                );
            }
            continue;
        }
        let is_in_the_way = matches!(fault.kind, FaultKind::Unreadable(_) | FaultKind::Damaged { set_aside: None, .. });
        if is_in_the_way {
            hopeless += 1;
            let what = format!("{}: blob {} is in the way of a repair", package(fault), fault.blob);
            context.printer.error(&what, &[], Some("run it where the store can be written"));
        } else if let Some(download) = fault.receipt.as_ref().and_then(Download::refetch) {
            downloads.all.push(download);
        } else if !matches!(fault.kind, FaultKind::InTheWay(_)) || fault.receipt.is_some() {
            hopeless += 1;
            let what = format!(
                "{}: blob {} cannot be fetched again: its receipt names no address",
                package(fault),
                fault.blob
            );
            let hint = match fault.kind {
                FaultKind::Lower { .. } => "`larder run` and `larder view` fetch it again when they need it",
                _ => "run `larder fetch` in the project that needs it",
            };
            context.printer.error(&what, &[], Some(hint));
        }
    }
    let folder = context.environment.current_dir();
    let npm = NpmConfig::load_for(context.environment, folder, None, arguments.trust_project_config)?;
    let watcher = progress::watcher(context.printer);
    let report = unplanned_fetcher(store.clone(), npm, &LarderToml::default(), context.now).fetch(&downloads, &watcher);
    watcher.event(WatchEvent::Over);
    let report = report?;
    context.printer.line(&format!("{} fetched again", units::plural(report.fetched, "blob", "blobs")));
    report::failures(context.printer, &report.failures, report::Listed::Nowhere);
    Ok(Repaired { report, hopeless })
}

fn document(found: &Verification, repaired: Option<&Repaired>) -> Value {
    json!({
        "checked": found.checked.count,
        "bytes": found.checked.bytes,
        "faults": found.faults.iter().map(fault_row).collect::<Vec<_>>(),
        "without_receipt": found.without_receipt.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "strangers": found.strangers.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "index_in_step": found.index_is_in_step,
        "repaired": repaired.map(|repaired| json!({
            "fetched": repaired.report.fetched,
            "failed": repaired.report.failures.len() + repaired.hopeless,
        })),
    })
}

fn fault_row(fault: &Fault) -> Value {
    let kind = match &fault.kind {
        FaultKind::Damaged { .. } => "damaged",
        FaultKind::Lower { .. } => "below",
        FaultKind::Unreadable(_) => "unreadable",
        FaultKind::Missing | FaultKind::InTheWay(_) => "missing",
        FaultKind::Misstated { .. } => "misstated",
    };
    json!({"blob": fault.blob.to_string(), "package": package(fault), "kind": kind})
}
