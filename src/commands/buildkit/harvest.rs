//! `larder buildkit harvest`: exports what the store lacks out of a mount.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use larder_store::{
    import::{Identities, Options, import},
    key::Key,
    transfer::inventory,
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
        protocol::{Report, STORE, write_only, write_wanted},
    },
    cli::buildkit::Harvest,
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        options::selection_options,
        outcome::Outcome,
        provision,
    },
    core::interrupt::Interrupt,
    plan::selection::Platforms,
    session::threads,
};

pub(super) fn run(arguments: &Harvest, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let binary = Binary::of(&arguments.mount, context)?;
    let platforms = Platforms::Only(BTreeSet::from([binary.executable.platform()]));
    let only = if arguments.projects.is_empty() { None } else { Some(keys(arguments, &platforms, context)?) };
    let store = context.open_store([])?;
    // Before the builder is asked.
    store.writable()?;
    let start = Instant::now();
    let builder = Builder::new(&arguments.mount, binary, &store, context, interrupt)?;
    let request = builder.request()?;
    write_wanted(&request, &inventory(&store)?).map_err(BuildkitError::from)?;
    if let Some(only) = &only {
        write_only(&request, only).map_err(BuildkitError::from)?;
    }
    let (handed, answer) = builder.run(Job::Export)?;
    let mut report = Report { already_there: handed.already_there, ..Report::default() };
    if handed.carried + handed.supplemented > 0 {
        // Whatever a Dockerfile runs can write to the mount.
        let answer = answer.join(STORE);
        let taken = import(
            &store,
            &answer,
            Options {
                identities: Identities::Known,
                now: context.now,
                threads: threads(),
                is_stopped: &|| builder.is_stopped(),
            },
        )?;
        if taken.is_stopped {
            return Err(BuildkitError::from(BuildError::Interrupted).into());
        }
        let already_there = handed.already_there + taken.already_here;
        report = Report { already_there, ..Report::of(&taken) };
    }
    name_bad_blobs(&handed.damaged, "is damaged in the mount", context);
    name_bad_blobs(&report.refused, "is refused", context);
    let summary = Summary {
        mount: &arguments.mount,
        there: (report.already_there, "already here"),
        crossed: (report.carried, "brought"),
        bytes: report.bytes,
        supplemented: report.supplemented,
        refused: handed.damaged.len() + report.refused.len(),
        not_trusted: report.not_believed,
        barrier: Duration::try_from_secs_f64(report.barrier_seconds).unwrap_or_default(),
        elapsed: start.elapsed(),
    };
    summary.print(context);
    context.printer.json(&summary.document("already_here", "brought", &handed.damaged, &report.refused));
    Ok(if summary.refused == 0 { Outcome::Done } else { Outcome::Store })
}

/// What the projects' files are found by.
fn keys(arguments: &Harvest, platforms: &Platforms, context: &Context<'_>) -> Result<BTreeSet<Key>, CommandError> {
    let mut keys = BTreeSet::new();
    for project in &provision::read_all(&arguments.projects, false, context)? {
        let selection = project.read.selection(&selection_options(&arguments.selecting), platforms.clone())?;
        let (downloads, _) = project.downloads(&selection);
        keys.extend(downloads.all.iter().flat_map(|download| download.wanted.keys()));
    }
    Ok(keys)
}
