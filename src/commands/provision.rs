//! From paths that a person typed to plans that are complete: what `run`, `serve` and `view` begin with.

use std::{ffi::OsString, sync::OnceLock};

use larder_store::Store;

use super::{
    input::Input,
    prepared,
    settings::{fetch_settings, selection},
};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    config::package_manager::NpmConfig,
    core::{artifact::Ecosystem, error_chain::chain, manifest::Manifests},
    fetcher::{Completed, Downloads, Failure, FailureKind, Fault, Fetcher, Reader, Repaired, WatchEvent},
    lockfile::{self, Format},
    npm::metadata::Metadata,
    plan::{Planned, selection::Platforms},
    run::{
        client_env::Mode,
        npm12_policy::{self, Rejected, RejectionReason},
    },
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

/// A project and npm's configuration for each of its lockfiles.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) input: Input,
    pub(super) configurations: Vec<NpmConfig>,
    fetcher: OnceLock<Fetcher>,
}

impl Project {
    /// Reads every project before anything is fetched for one of them.
    pub(super) fn read_all(
        paths: &[std::path::PathBuf],
        trusts_project: bool,
        context: &Context<'_>,
    ) -> Result<Vec<Self>, CommandError> {
        Self::read_all_for(paths, &[], trusts_project, context)
    }

    /// The same for a command that calls these package managers.
    pub(super) fn read_all_for(
        paths: &[std::path::PathBuf],
        called: &[Format],
        trusts_project: bool,
        context: &Context<'_>,
    ) -> Result<Vec<Self>, CommandError> {
        let inputs = paths.iter().map(|path| Input::read_for(path, called)).collect::<Result<Vec<_>, _>>()?;
        for input in &inputs {
            input.tell(context);
        }
        let configured = |input: Input| {
            Ok(Self { configurations: input.configurations(trusts_project, context)?, input, fetcher: OnceLock::new() })
        };
        inputs.into_iter().map(configured).collect()
    }

    /// Sees to it that the selected part of the plan, of all ecosystems or of this one, is in the store and sound. What is missing after that is printed, and is in the
    /// result.
    pub(super) fn complete(
        &self,
        ecosystem: Option<Ecosystem>,
        arguments: &cli::Completing,
        default: Platforms,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Completed<'_>, CommandError> {
        self.complete_or_leave(ecosystem, arguments, default, Unfetchable::Fail, store, context)
    }

    fn complete_or_leave(
        &self,
        ecosystem: Option<Ecosystem>,
        arguments: &cli::Completing,
        default: Platforms,
        unfetchable: Unfetchable,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Completed<'_>, CommandError> {
        let settings = &self.input.project.settings;
        let selection = selection(&arguments.selecting, &self.input.project, default)?;
        let configurations = self.input.by_lockfile(&self.configurations);
        let (mut downloads, _) = Downloads::of(&self.input.plan, &selection, configurations, settings);
        if let Some(ecosystem) = ecosystem {
            downloads = downloads.for_ecosystem(ecosystem);
        }
        if unfetchable == Unfetchable::LeaveToCommand && !arguments.fetching.offline {
            let is_left = |failure: &mut Failure| matches!(failure.kind, FailureKind::Unfetchable(_));
            let mut left: Vec<Failure> = downloads.failures.extract_if(.., is_left).collect();
            left.extend(downloads.take_without_address());
            remarks::left_to_command(context.printer, &left);
        }
        self.supply(downloads, &arguments.fetching, Reader::Fetcher, store, context)
    }

    /// The same for all that one lockfile names, and for nothing else; the caller reads it.
    pub(super) fn complete_lockfile(
        &self,
        lockfile: &'static str,
        arguments: &cli::Fetching,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Completed<'_>, CommandError> {
        let configurations = self.input.by_lockfile(&self.configurations);
        let downloads = Downloads::of_artifacts(self.named_by(lockfile), configurations, &self.input.project.settings);
        self.supply(downloads, arguments, Reader::Caller, store, context)
    }

    fn supply<'a>(
        &'a self,
        downloads: Downloads<'a>,
        arguments: &cli::Fetching,
        reader: Reader,
        store: &Store,
        context: &Context<'_>,
    ) -> Result<Completed<'a>, CommandError> {
        let fetcher = self.fetcher(store, arguments, context);
        let watcher = progress::watcher(context.printer);
        let start = std::time::Instant::now();
        let downloads = downloads.with_optional(&self.input);
        let supply = fetcher.ensure(&downloads, &watcher, reader);
        watcher.event(WatchEvent::Over);
        // Tens of thousands of strings, freed one by one, would be felt.
        std::mem::forget(downloads);
        let supply = supply?;
        if supply.report.fetched > 0 {
            context.printer.note(&format!(
                "fetched {}, {} in {}",
                units::plural(supply.report.fetched, "artifact", "artifacts"),
                units::bytes(supply.report.received),
                units::duration(start.elapsed())
            ));
        }
        for Repaired { package, was_another } in &supply.repaired {
            let what = if *was_another { "the store had another file for it; the right one" } else { "its blob" };
            let was = if *was_another { "is used" } else { "was damaged, and was fetched again" };
            context.printer.warning(&format!("{package}: {what} {was}"));
        }
        remarks::gone(context.printer, &supply.report.gone);
        prepared::warn(store, supply.items.iter().map(|item| (item.planned, item.found)), context);
        report::failures(context.printer, &supply.report.failures, report::Listed::Nowhere);
        Ok(supply)
    }

    /// What fetches for this project, as long as it lives.
    pub(super) fn fetcher(&self, store: &Store, arguments: &cli::Fetching, context: &Context<'_>) -> &Fetcher {
        self.fetcher.get_or_init(|| {
            let settings = fetch_settings(arguments, &self.input.project.settings, &self.configurations, context);
            Fetcher::new(store.clone(), self.configurations.clone(), settings)
        })
    }

    /// The artifacts that this lockfile names.
    pub(super) fn named_by(&self, lockfile: &'static str) -> impl Iterator<Item = &Planned> {
        let artifacts = self.input.plan.artifacts().iter();
        artifacts.filter(move |planned| planned.entries.iter().any(|entry| &*entry.lockfile == lockfile))
    }

    /// What the project offers, with what of it is here.
    pub(super) fn catalog(&self, store: &Store, supply: &Completed<'_>) -> Result<Metadata, CommandError> {
        let mut manifests = Manifests::default();
        for lockfile in &self.input.project.lockfiles {
            manifests.extend(lockfile::manifests(&lockfile.name, &lockfile.bytes));
        }
        let configurations = self.input.by_lockfile(&self.configurations);
        let present = supply.items.iter().map(|item| (item.planned, item.found));
        Ok(Metadata::new(store, self.input.plan.artifacts(), present, &configurations, manifests)?)
    }
}

/// Whose fault it is that a supply lacks something; `None` if it is complete.
pub(super) fn shortfall(supply: &Completed<'_>) -> Option<Fault> {
    supply.report.failures.iter().map(|failure| failure.kind.fault()).max()
}

/// The catalog of complete projects, or how the command ends because one of them is not.
pub(super) fn complete_catalog(
    projects: &[Project],
    ecosystem: Option<Ecosystem>,
    arguments: &cli::Completing,
    (default, unfetchable): (&Platforms, Unfetchable),
    store: &Store,
    context: &Context<'_>,
) -> Result<Result<Metadata, Outcome>, CommandError> {
    let mut catalog = Metadata::default();
    let mut worst = None;
    for project in projects {
        let supply = project.complete_or_leave(ecosystem, arguments, default.clone(), unfetchable, store, context)?;
        match shortfall(&supply) {
            Some(fault) => worst = worst.max(Some(fault)),
            None => catalog.extend(project.catalog(store, &supply)?),
        }
    }
    Ok(worst.map_or(Ok(catalog), |fault| Err(fault.into())))
}

/// Reads the descriptions that only tarballs have. What has none is told: npm may install it all the same.
pub(super) fn describe(catalog: &mut Metadata, store: &Store, context: &Context<'_>) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    for error in catalog.describe(store, threads) {
        context.printer.warning(&chain(&error).join(": "));
    }
}

/// Warns of what npm 12 will reject, if that is the npm that `command` or, without one, the PATH leads to, or if the npm is not known.
pub(super) fn warn_of_gates(projects: &[Project], command: &[OsString], mode: Mode, context: &Context<'_>) {
    let has_policy = match (npm12_policy::npm_version(command, context.environment), mode) {
        (Some(major), _) => major >= npm12_policy::FIRST_VERSION,
        (None, Mode::Cache) => true,
        (None, Mode::Registry) => false,
    };
    for project in projects.iter().filter(|_| has_policy) {
        for (lockfile, npm) in project.input.by_lockfile(&project.configurations) {
            let named = project.input.plan.artifacts().iter();
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
