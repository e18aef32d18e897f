//! `larder pull`: what the store lacks of plans, from the places where they are shared and from nowhere else.

use std::collections::HashSet;

use serde_json::json;

use super::{
    options::{or_here, selection_options},
    provision,
    restore::restore,
};
use crate::{
    cli::{self, Target},
    commands::{
        context::Context,
        error::{CommandError, EndsCommand, SignalsError},
        outcome::Outcome,
    },
    core::{escape::escaped, interrupt::Interrupt},
    fetcher::{Completed, Download, Downloads, Fault},
    plan::Planned,
    session::{FetchOptions, RestoredFrom, Session, default_platforms},
    share::{reference::Reference, remote::RemoteError},
    ui::units,
};

/// Packages that are named of those that are missing.
const NAMED: usize = 10;

/// Nobody said where from or where to.
#[derive(Debug, thiserror::Error)]
#[error("there is no place to {verb}: neither the command nor larder.toml names one")]
pub(super) struct NoPlace {
    pub(super) verb: &'static str,
    pub(super) key: &'static str,
}

impl EndsCommand for NoPlace {
    fn hint(&self) -> Option<String> {
        Some(format!("name one, such as s3://bucket/larder, or set `{}` below [share] in larder.toml", self.key))
    }
}

pub(super) fn run(arguments: &cli::Pull, context: &Context<'_>) -> Result<Outcome, CommandError> {
    Interrupt::watch().map_err(SignalsError)?;
    let (from, projects) = Target::split(&arguments.targets);
    let projects = provision::read_all(&or_here(&projects), arguments.trust_project_config, context)?;
    let store = context.open_store(provision::settings(&projects))?;
    store.writable()?;
    let options = FetchOptions { from, trusts_project: arguments.trust_project_config, ..FetchOptions::default() };
    let (mut documents, mut worst) = (Vec::new(), None);
    for project in &projects {
        let session = Session::of(project.clone(), store.clone(), &options, context.now);
        let selection = session.selection(&selection_options(&arguments.selecting), default_platforms())?;
        if session.shared_from().is_ok_and(|from: Vec<Reference>| from.is_empty()) {
            return Err(NoPlace { verb: "pull from", key: "from" }.into());
        }
        let (downloads, _) = session.downloads(&selection);
        let before = session.find(&downloads)?.items.len();
        let restored = restore(&session, &downloads, context)?;
        let after = session.find(&downloads)?;
        let fault = print(&downloads, (before, &after), &restored, context);
        worst = worst.max(fault);
        documents.push(json!({
            "plan": session.plan().digest(),
            "artifacts": downloads.artifacts(),
            "already_here": before,
            "restored": after.items.len() - before,
            "not_there": downloads.artifacts() - after.items.len(),
            "bytes": restored.iter().filter_map(|one| Some(one.outcome.as_ref().ok()?.imported.imported.bytes)).sum::<u64>(),
        }));
    }
    context.printer.json(&json!({ "projects": documents }));
    Ok(worst.map_or(Outcome::Done, Outcome::from))
}

/// Prints the sum and what is missing; whose fault it is that something is.
fn print(
    downloads: &Downloads<'_>,
    (before, after): (usize, &Completed<'_>),
    restored: &[RestoredFrom],
    context: &Context<'_>,
) -> Option<Fault> {
    let artifacts = downloads.artifacts();
    let missing = artifacts - after.items.len();
    context.printer.line(&format!(
        "{} = {} already here + {} restored + {} not there",
        units::plural(artifacts, "artifact", "artifacts"),
        units::count(before),
        units::count(after.items.len() - before),
        units::count(missing),
    ));
    if missing == 0 {
        return None;
    }
    let here: HashSet<*const Planned> = after.items.iter().map(|item| std::ptr::from_ref(item.planned)).collect();
    let planned = downloads.all.iter().flat_map(Download::planned);
    let names: Vec<String> = planned
        .filter(|planned| !here.contains(&std::ptr::from_ref(**planned)))
        .map(|planned| escaped(&planned.artifact.to_string()).into_owned())
        .collect();
    let more = names.len().saturating_sub(NAMED);
    let mut shown = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown = format!("{shown} and {} more", units::count(more));
    }
    let hint = "`larder fetch` gets the rest from the registries, and `larder fetch --from REF` does both";
    let what = format!("{} not there: {shown}", units::plural(missing, "artifact is", "artifacts are"));
    context.printer.error(&what, &[], Some(hint));
    let errors = |one: &RestoredFrom| match &one.outcome {
        Ok(restored) => restored.errors.iter().map(RemoteError::fault).max(),
        Err(error) => Some(error.fault()),
    };
    Some(restored.iter().filter_map(errors).max().unwrap_or(Fault::Data))
}
