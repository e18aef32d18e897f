//! `larder buildkit seed`: imports what a mount lacks of a plan into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use larder_store::{
    Store,
    digest::BlobId,
    receipt::Receipt,
    transfer::{Missing, export, inventory, present},
};

use super::{
    builder::{Binary, Builder},
    error::BuildkitError,
    summary::{Summary, name_bad_blobs},
};
use crate::{
    buildkit::{
        docker::BuildError,
        dockerfile::Job,
        protocol::{BadBlob, Report, STORE, lacking, write_rows, write_wanted},
    },
    cli::buildkit::Seed,
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        options::{or_here, selection_options},
        outcome::Outcome,
        provision::{self, Unfetchable, shortfall},
    },
    core::interrupt::Interrupt,
    fetcher::Fault,
    plan::selection::Platforms,
    session::{ConfiguredProject, RecordedRows},
    ui::units,
};

pub(super) fn run(arguments: &Seed, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    // Before anything is fetched for it.
    let binary = Binary::of(&arguments.mount, context)?;
    let fetching = &arguments.completing.fetching;
    let projects = if arguments.all {
        Vec::new()
    } else {
        provision::read_all(&or_here(&arguments.projects), fetching.trust_project_config, context)?
    };
    let store = context.open_store(provision::settings(&projects))?;
    let mut rows = RecordedRows::default();
    let wanted = if arguments.all {
        inventory(&store)?
    } else {
        // For the builder, and not for this machine.
        let platforms = Platforms::Only(BTreeSet::from([binary.executable.platform()]));
        match planned(arguments, &projects, (&platforms, &mut rows), &store, context)? {
            Ok(wanted) => wanted,
            Err(fault) => return Ok(fault.into()),
        }
    };
    let start = Instant::now();
    let builder = Builder::new(&arguments.mount, binary, &store, context, interrupt)?;
    let request = builder.request()?;
    write_wanted(&request, &wanted).map_err(BuildkitError::from)?;
    write_rows(&request, rows.texts()).map_err(BuildkitError::from)?;
    let (asked, _) = builder.run(Job::Ask)?;
    for BadBlob { package, cause, .. } in &asked.damaged {
        let package = package.as_deref().unwrap_or("unknown package");
        context.printer.warning(&format!("{package}: its blob in the mount was damaged: {cause}"));
    }
    let missing = lacking(&wanted, &asked);
    let report = if missing.is_empty() { Report::default() } else { import(&builder, &store, &missing, context)? };
    name_bad_blobs(&report.refused, "is refused", context);
    if !report.refused.is_empty() {
        context.printer.hints(&["`larder verify --repair` looks at every blob of the store"]);
    }
    let summary = Summary {
        mount: &arguments.mount,
        // Others may have brought some between the two builds.
        there: ((wanted.len() - missing.len()) as u64 + report.already_there, "already there"),
        crossed: (report.carried, "carried"),
        bytes: report.bytes,
        supplemented: report.supplemented,
        refused: report.refused.len(),
        not_trusted: 0,
        barrier: Duration::try_from_secs_f64(report.barrier_seconds).unwrap_or_default(),
        elapsed: start.elapsed(),
    };
    summary.print(context);
    context.printer.json(&summary.document("already_there", "carried", &asked.damaged, &report.refused));
    Ok(if report.refused.is_empty() { Outcome::Done } else { Outcome::Store })
}

/// The receipts of what the projects need, all of it here and read, with what they recorded; or whose fault it is that something is missing.
fn planned(
    arguments: &Seed,
    projects: &[Arc<ConfiguredProject>],
    (platforms, rows): (&Platforms, &mut RecordedRows),
    store: &Store,
    context: &Context<'_>,
) -> Result<Result<Vec<Receipt>, Fault>, CommandError> {
    let mut receipts: BTreeMap<BlobId, Receipt> = BTreeMap::new();
    let mut worst = None;
    let fetching = &arguments.completing.fetching;
    for session in &provision::sessions(projects, store, fetching, context) {
        let selecting = &arguments.completing.selecting;
        let selection = session.selection(&selection_options(selecting), platforms.clone())?;
        rows.add(&session.project.read, &selection)?;
        let wanted = (platforms, Unfetchable::Fail);
        let supply = provision::complete(session, None, &arguments.completing, wanted, context)?;
        worst = worst.max(shortfall(&supply));
        let here = supply.items.iter().filter_map(|item| present(store, &item.found.blob));
        receipts.extend(here.map(|receipt| (receipt.blob, receipt)));
    }
    Ok(worst.map_or_else(|| Ok(receipts.into_values().collect()), Err))
}

/// Gives the mount what it lacks.
fn import(
    builder: &Builder<'_>,
    store: &Store,
    missing: &[(&Receipt, Missing)],
    context: &Context<'_>,
) -> Result<Report, CommandError> {
    let target = builder.request()?.join(STORE);
    let handed = export(store, missing.iter().copied(), &target, &|| builder.is_stopped())?;
    if builder.is_stopped() {
        return Err(BuildkitError::from(BuildError::Interrupted).into());
    }
    if handed.count > 0 {
        let blobs = units::plural(handed.count, "blob", "blobs");
        context.printer.note(&format!("carrying {blobs}, {}", units::bytes(handed.bytes)));
    }
    Ok(builder.run(Job::Import)?.0)
}
