//! From paths that a person typed to plans that are complete: what `run`, `serve` and `view` begin with, and what they say of it.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Instant};

use larder_store::Store;

use super::{
    base_store::Telling,
    options::{fetch_options, selection_options},
    restore::restore,
};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    config::{larder_toml::LarderToml, project::LockfileBytes},
    core::artifact::Ecosystem,
    fetcher::{Completed, Downloads, Fault, Reader, Repaired},
    lockfile::Format,
    npm::metadata::Metadata,
    plan::selection::Platforms,
    run::{
        client_env::Mode,
        npm12_policy::{self, Rejected, RejectionReason},
        script_policy::ScriptPolicy,
    },
    session::{ConfiguredProject, ReadProject, Session, Warning, host_platforms, threads},
    ui::{progress, remarks, report, units},
};

/// What becomes of entries that cannot be fetched at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfetchable {
    /// They are failures.
    Fail,
    /// They are left to the command that is run, where it may make requests of its own.
    LeaveToCommand,
}

/// Reads every project before anything is fetched for one of them.
pub(super) fn read_all(
    paths: &[PathBuf],
    trusts_project: bool,
    context: &Context<'_>,
) -> Result<Vec<Arc<ConfiguredProject>>, CommandError> {
    let all = read_and_tell(paths, &[], context)?;
    all.into_iter().map(|read| configured(read, trusts_project, context)).collect()
}

fn read_and_tell(
    paths: &[PathBuf],
    called: &[Format],
    context: &Context<'_>,
) -> Result<Vec<ReadProject>, CommandError> {
    let all = paths.iter().map(|path| ReadProject::read_for(path, called)).collect::<Result<Vec<_>, _>>()?;
    tell(all.iter().flat_map(ReadProject::warnings), context);
    Ok(all)
}

/// The same for a command that installs: where a project has no `larder.lock`, as in a build step that copies what the install reads, the store may have its rows.
pub(super) fn read_all_for(
    paths: &[PathBuf],
    called: &[Format],
    trusts_project: bool,
    context: &Context<'_>,
) -> Result<Vec<Arc<ConfiguredProject>>, CommandError> {
    let mut all = read_and_tell(paths, called, context)?;
    // Most stores have none, and this one is opened again for the fetch.
    if all.iter().any(ReadProject::lacks_rows)
        && context.may_have_rows(all.iter().map(|read| &read.project.settings))?
        && let Some(store) =
            context.open_store_if_present(all.iter().map(|read| &read.project.settings), Telling::Later)?
    {
        all = all.into_iter().map(|project| with_stored_rows(project, &store, context)).collect::<Result<_, _>>()?;
    }
    all.into_iter().map(|read| configured(read, trusts_project, context)).collect()
}

fn with_stored_rows(project: ReadProject, store: &Store, context: &Context<'_>) -> Result<ReadProject, CommandError> {
    if !project.lacks_rows() {
        return Ok(project);
    }
    let stored = project.stored_rows(store);
    for damaged in &stored.damaged {
        let path = damaged.display();
        context.printer.warning(&format!("{path}: what was recorded of downloads is damaged, and counts for nothing"));
    }
    Ok(match stored.rows {
        Some(rows) => project.with_rows(&rows)?,
        None => project,
    })
}

/// A project with its configuration.
pub(super) fn configured(
    read: ReadProject,
    trusts_project: bool,
    context: &Context<'_>,
) -> Result<Arc<ConfiguredProject>, CommandError> {
    let mut warn = |warning: Warning| remarks::warning(context.printer, &warning);
    Ok(Arc::new(ConfiguredProject::new(read, context.environment, trusts_project, &mut warn)?))
}

/// What the projects' `larder.toml` say.
pub(super) fn settings(projects: &[Arc<ConfiguredProject>]) -> impl Iterator<Item = &LarderToml> {
    projects.iter().map(|project| &project.read.project.settings)
}

/// Tells these warnings.
pub(super) fn tell(warnings: impl IntoIterator<Item = Warning>, context: &Context<'_>) {
    warnings.into_iter().for_each(|warning| remarks::warning(context.printer, &warning));
}

/// What is known of install scripts where no command says which package manager will install.
pub(super) fn policy_of_lockfile(lockfile: &LockfileBytes) -> ScriptPolicy {
    ScriptPolicy::of_lockfile(Format::of(&lockfile.name))
}

/// Warns of what the projects' packages download themselves on this machine, with what this command's package manager does with install scripts.
pub(super) fn warn_of_own_downloads(
    projects: &[Arc<ConfiguredProject>],
    selecting: &cli::Selecting,
    command: &[OsString],
    context: &Context<'_>,
) -> Result<(), CommandError> {
    let policy = |lockfile: &LockfileBytes| {
        ScriptPolicy::of_command(Format::of(&lockfile.name), command, lockfile.folder(), context.environment)
    };
    for project in projects {
        let selection = project.read.selection(&selection_options(selecting), host_platforms())?;
        tell(project.read.own_downloads(&selection, context.environment, &policy), context);
    }
    Ok(())
}

/// A session for each project.
pub(super) fn sessions(
    projects: &[Arc<ConfiguredProject>],
    store: &Store,
    arguments: &cli::Fetching,
    context: &Context<'_>,
) -> Vec<Session> {
    let options = fetch_options(arguments);
    projects.iter().map(|project| Session::of(Arc::clone(project), store.clone(), &options, context.now)).collect()
}

/// Sees to it that the selected part of the plan, of all ecosystems or of these, is in the store and sound. What is missing after that is printed, and is in the result.
pub(super) fn complete<'a>(
    session: &'a Session,
    ecosystems: Option<&[Ecosystem]>,
    arguments: &cli::Completing,
    wanted: (&Platforms, Unfetchable),
    context: &Context<'_>,
) -> Result<Completed<'a>, CommandError> {
    complete_for(session, (ecosystems, Reader::Fetcher), arguments, wanted, context)
}

/// The same for who may read the blobs himself.
pub(super) fn complete_for<'a>(
    session: &'a Session,
    (ecosystems, reader): (Option<&[Ecosystem]>, Reader),
    arguments: &cli::Completing,
    (default, unfetchable): (&Platforms, Unfetchable),
    context: &Context<'_>,
) -> Result<Completed<'a>, CommandError> {
    let selection = session.selection(&selection_options(&arguments.selecting), default.clone())?;
    let (mut downloads, _) = session.downloads(&selection);
    if let Some(ecosystems) = ecosystems {
        downloads = downloads.for_ecosystems(ecosystems);
    }
    if unfetchable == Unfetchable::LeaveToCommand && !arguments.fetching.offline {
        remarks::left_to_command(context.printer, &downloads.take_unfetchable());
    }
    ensure(session, &downloads, reader, context)
}

/// Sees to it that these files are in the store, and says what was done for it and what is missing.
pub(super) fn ensure<'a>(
    session: &Session,
    downloads: &Downloads<'a>,
    reader: Reader,
    context: &Context<'_>,
) -> Result<Completed<'a>, CommandError> {
    restore(session, downloads, context)?;
    let (printer, start) = (context.printer, Instant::now());
    let completed = session.ensure(downloads, &progress::watcher(printer), reader)?;
    if completed.report.fetched > 0 {
        printer.note(&format!(
            "fetched {}, {} in {}",
            units::plural(completed.report.fetched, "artifact", "artifacts"),
            units::bytes(completed.report.received),
            units::duration(start.elapsed())
        ));
    }
    for Repaired { package, was_another } in &completed.repaired {
        let what = if *was_another { "the store had another file for it; the right one" } else { "its blob" };
        let was = if *was_another { "is used" } else { "was damaged, and was fetched again" };
        printer.warning(&format!("{package}: {what} {was}"));
    }
    remarks::gone(printer, &completed.report.gone);
    tell(session.git_builds(completed.items.iter().map(|item| (item.planned, item.found))), context);
    report::failures(printer, &completed.report.failures, report::Listed::Nowhere);
    Ok(completed)
}

/// Whose fault it is that something lacks; `None` if it is complete.
pub(super) fn shortfall(completed: &Completed<'_>) -> Option<Fault> {
    completed.report.failures.iter().map(|failure| failure.kind.fault()).max()
}

/// The metadata of complete projects, or how the command ends because one of them is not.
pub(super) fn complete_catalog(
    sessions: &[Session],
    ecosystems: Option<&[Ecosystem]>,
    arguments: &cli::Completing,
    wanted: (&Platforms, Unfetchable),
    context: &Context<'_>,
) -> Result<Result<Metadata, Outcome>, CommandError> {
    let mut catalog = Metadata::default();
    let mut worst = None;
    for session in sessions {
        let completed = complete(session, ecosystems, arguments, wanted, context)?;
        match shortfall(&completed) {
            Some(fault) => worst = worst.max(Some(fault)),
            None => catalog.extend(session.metadata(&completed)?),
        }
    }
    Ok(worst.map_or(Ok(catalog), |fault| Err(fault.into())))
}

/// Reads the descriptions that only tarballs have. What has none is told: npm may install it all the same.
pub(super) fn describe(catalog: &mut Metadata, store: &Store, context: &Context<'_>) {
    tell(catalog.describe(store, threads()).into_iter().map(Warning::NoDescription), context);
}

/// Warns of what npm 12 will reject, if that is the npm that `command` or, without one, the PATH leads to, or if the npm is not known.
pub(super) fn warn_of_gates(
    projects: &[Arc<ConfiguredProject>],
    command: &[OsString],
    mode: Mode,
    context: &Context<'_>,
) {
    let has_policy = match (npm12_policy::npm_version(command, context.environment), mode) {
        (Some(major), _) => major >= npm12_policy::FIRST_VERSION,
        (None, Mode::Cache) => true,
        (None, Mode::Registry) => false,
    };
    for project in projects.iter().filter(|_| has_policy) {
        for (lockfile, npm) in project.by_lockfile() {
            let named = project.read.plan.artifacts().iter();
            let named = named.filter(|planned| &*planned.entries[0].lockfile == lockfile);
            tell_rejected(&npm12_policy::rejected(named, npm), mode, context);
        }
    }
}

fn tell_rejected(rejected: &[Rejected], mode: Mode, context: &Context<'_>) {
    for group in rejected {
        // Where the registry is larder's, npm is told to replace hosts.
        if mode == Mode::Cache || !matches!(group.kind, RejectionReason::OtherRegistry { .. }) {
            context.printer.warning(&group.to_string());
            context.printer.hints(&[&group.kind.fix()]);
        }
    }
}
