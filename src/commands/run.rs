//! `larder run`: a command whose package manager installs from the store.

mod aftermath;
mod place;
mod yarn;

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use larder_store::Store;

use self::place::Place;
use super::{
    CommandError, Context, Outcome,
    provision::{self, Project, Unfetchable},
    settings::host_platforms,
    through::{Through, or_here},
};
use crate::{
    cli,
    config::{npmrc::NpmConfig, project::LockfileBytes},
    core::{
        artifact::{Ecosystem, PackageName, Source},
        interrupt::Interrupt,
    },
    lockfile::{self, Format, YarnLock},
    npm::metadata::Metadata,
    plan::Plan,
    registry::{Registry, Shelves},
    run::{
        called::called,
        child::{self, Ended},
        managers, mend, own_cache,
        pointing::{
            self, Pointers, Way,
            yarn::{YarnPointers, variables as yarn_variables},
        },
    },
};

pub(super) fn run(arguments: &cli::Run, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(CommandError::Signals)?;
    let way = Way::of(&arguments.command);
    let called = called(&arguments.command);
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let projects = Arc::new(Project::read_all_for(&or_here(&arguments.projects), &called, trusts_project, context)?);
    provision::warn_of_gates(&projects, &arguments.command, way, context);
    warn_of_refusals(&projects, arguments, context);
    yarn::warn(&projects, arguments, context);
    let store = context.open_store()?;
    // npm alone installs nothing of Python's; what another command installs, nobody knows.
    let ecosystem = (way == Way::Cache).then_some(Ecosystem::Npm);
    let wanted = (&host_platforms(), Unfetchable::LeaveToCommand);
    let mut catalog =
        match provision::complete_catalog(&projects, ecosystem, &arguments.completing, wanted, &store, context)? {
            Ok(catalog) => catalog,
            Err(outcome) => return Ok(outcome),
        };
    provision::describe(&mut catalog, &store, context);
    let yarns = yarns_of(&projects);
    let place = Place::lay_out(&store, &catalog, (way, &yarns), arguments, context, &interrupt)?;
    // Kept until the command has ended.
    let (registry, catalog) = match way {
        Way::Cache => (None, Some(catalog)),
        Way::Registry => (Some(start_registry(&store, catalog, &projects, arguments, context)?), None),
    };
    let url = registry.as_ref().map(Registry::url);
    let pointers = Pointers {
        npm_cache: &place.cache,
        npm_logs: &place.logs,
        registry: url.as_deref(),
        scopes: projects.iter().flat_map(|project| &project.configurations).flat_map(NpmConfig::scopes).collect(),
        replaced_host: replaced_host(&projects),
        caches: &place.caches,
        has_pnpm: lockfiles(&projects).any(|(_, lockfile)| Format::of(&lockfile.name) == Format::Pnpm),
        has_wheels: projects.iter().any(|project| project.input.larder_lock.is_some()),
        is_offline: arguments.completing.fetching.offline,
    };
    let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| {
        let value = context.environment.variable(name);
        value.filter(|value| !value.is_empty())
    });
    let mut set = pointing::variables(&pointers, no_proxy);
    set.extend(yarn_variables(YarnPointers {
        mirror: place.yarn_mirror.as_deref().filter(|_| !is_for_npm(way, &projects)),
        registry: url.as_deref().filter(|_| yarns.iter().any(|yarn| *yarn != YarnLock::Classic)),
    }));
    let unset = pointing::contradicting(context.environment.variables().map(|(name, _)| name), &set);
    let ended = run_child(&arguments.command, (&unset, &set), &place, &projects, context)?;
    if let Some(url) = &url {
        mend_records(&projects, url, context);
    }
    drop(registry);
    if ended != Ended::Code(0) {
        aftermath::tell(ended, &arguments.command, context);
        if let Some(catalog) = catalog {
            aftermath::explain_log(&place, &catalog, context);
        }
        aftermath::tell_failed_scripts(&place, context);
        aftermath::keep_logs(&place, &projects, context);
    }
    Ok(Outcome::Child(ended.exit_code()))
}

/// Runs the command with what npm's own cache keeps for install scripts, and keeps there what they add.
fn run_child(
    command: &[OsString],
    (unset, set): (&[OsString], &[(OsString, OsString)]),
    place: &Place,
    projects: &[Project],
    context: &Context<'_>,
) -> Result<Ended, CommandError> {
    let own = npms_own_cache(projects, context);
    if let Some(own) = &own {
        own_cache::lend(own, &place.cache);
    }
    let ended = child::run(command, unset, set)?;
    if let Some(own) = &own
        && let Err(error) = own_cache::keep(&place.cache, own)
    {
        let own = own.display();
        context.printer.warning(&format!("what scripts kept in npm's cache cannot be moved to {own}: {error}"));
    }
    Ok(ended)
}

/// The cache that npm would use without larder.
fn npms_own_cache(projects: &[Project], context: &Context<'_>) -> Option<PathBuf> {
    let cache = projects.iter().flat_map(|project| &project.configurations).find_map(NpmConfig::cache)?;
    Some(context.environment.current_dir().join(cache))
}

/// The package managers' lockfiles, each with npm's configuration for it.
fn lockfiles(projects: &[Project]) -> impl Iterator<Item = (&NpmConfig, &LockfileBytes)> {
    projects.iter().flat_map(|project| project.configurations.iter().zip(&project.input.project.lockfiles))
}

/// Whether npm runs, and installs: it warns of yarn's variable. Without a lockfile of npm's, its script may call yarn.
fn is_for_npm(way: Way, projects: &[Project]) -> bool {
    way == Way::Cache && lockfiles(projects).any(|(_, lockfile)| Format::of(&lockfile.name) == Format::Npm)
}

/// Says which lockfiles the installed package manager will refuse, before it does.
fn warn_of_refusals(projects: &[Project], arguments: &cli::Run, context: &Context<'_>) {
    for (_, lockfile) in lockfiles(projects) {
        let format = Format::of(&lockfile.name);
        let refusal = lockfile::stated_version(&lockfile.bytes).and_then(|stated| {
            let installed = managers::installed(format, &arguments.command, context.environment)?;
            managers::refusal(format, &stated, installed)
        });
        if let Some((text, cure)) = refusal {
            context.printer.warning(&format!("{}: {text}", lockfile.name));
            context.printer.hints(&[&cure]);
        }
        let beyond = projects.iter().flat_map(|project| project.input.plan.artifacts());
        if matches!(format, Format::Pnpm | Format::Bun)
            && let Some((first, count)) = managers::beyond_registry(&lockfile.name, beyond)
        {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            context.printer.warning(&format!(
                "{}: {format} asks for {first}{more} at its own address, not at larder's registry",
                lockfile.name
            ));
        }
    }
}

/// The registry goes with the run, so nothing may be told to ask it later.
fn mend_records(projects: &[Project], url: &str, context: &Context<'_>) {
    for (npm, lockfile) in lockfiles(projects).filter(|(_, lockfile)| Format::of(&lockfile.name) == Format::Pnpm) {
        let registry_of = |scope: Option<&str>| {
            let scoped = scope.and_then(|scope| PackageName::parse(&format!("{scope}/package")).ok());
            scoped.map_or(npm.registry(), |name| npm.registry_for(&name)).as_str()
        };
        if let Err(error) = mend::mend(lockfile.folder(), url, registry_of) {
            let folder = lockfile.folder().display();
            context.printer.warning(&format!("pnpm's record of {folder}/node_modules still names {url}: {error}"));
        }
    }
}

/// The kinds of `yarn.lock` that the projects have.
fn yarns_of(projects: &[Project]) -> Vec<YarnLock> {
    let lockfiles = projects.iter().flat_map(|project| &project.input.project.lockfiles);
    lockfiles.filter_map(|lockfile| YarnLock::of(&lockfile.name, &lockfile.bytes)).collect()
}

fn start_registry(
    store: &Store,
    catalog: Metadata,
    projects: &Arc<Vec<Project>>,
    arguments: &cli::Run,
    context: &Context<'_>,
) -> Result<Registry, CommandError> {
    let through = Through {
        projects: Arc::clone(projects),
        store: store.clone(),
        fetching: arguments.completing.fetching.clone(),
        printer: context.printer,
        now: context.now,
        said: Mutex::default(),
    };
    let shelves = Shelves::new(store.clone(), catalog, Box::new(through));
    let registry = Registry::start(shelves, 0).map_err(|source| CommandError::Registry { port: 0, source })?;
    if !registry.knows_who_asks() {
        context.printer.warning(super::serve::ASKED_BY_ALL);
    }
    Ok(registry)
}

fn replaced_host(projects: &[Project]) -> Option<&str> {
    let plans = || projects.iter().map(|project| &project.input.plan);
    let has_local_tarballs = plans().any(|plan| plan.sum().local_files > 0);
    let hosts = plans().flat_map(Plan::artifacts).filter_map(|planned| match &planned.artifact.source {
        Source::Registry { resolved: Some(url) } => url.host_str(),
        _ => None,
    });
    pointing::replaced_host(hosts, has_local_tarballs)
}
