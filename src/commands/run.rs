//! `larder run`: a command whose package manager installs from the store.

mod aftermath;
mod place;
mod yarn;

use std::sync::{Arc, Mutex};

use larder_store::Store;

use self::place::Place;
use super::{
    CommandError, Context, Outcome,
    provision::{self, Project},
    settings::host_platforms,
    through::{Through, or_here},
};
use crate::{
    artifact::Source,
    catalog::Catalog,
    cli,
    interrupt::Interrupt,
    lockfile::YarnLock,
    npmrc::NpmConfig,
    plan::Plan,
    registry::{Registry, Shelves},
    run::{
        child::{self, Ended},
        pointing::{
            self, Pointers, Way,
            yarn::{YarnPointers, variables as yarn_variables},
        },
    },
};

pub(super) fn run(arguments: &cli::Run, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(CommandError::Signals)?;
    let way = Way::of(&arguments.command);
    let projects = Arc::new(Project::read_all(&or_here(&arguments.projects), context)?);
    provision::warn_of_gates(&projects, &arguments.command, way, context);
    yarn::warn(&projects, arguments, context);
    let store = context.open_store()?;
    let mut catalog =
        match provision::complete_catalog(&projects, &arguments.completing, &host_platforms(), &store, context)? {
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
        is_offline: arguments.completing.fetching.offline,
    };
    let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| {
        let value = context.environment.variable(name);
        value.filter(|value| !value.is_empty())
    });
    let mut set = pointing::variables(&pointers, no_proxy);
    set.extend(yarn_variables(YarnPointers {
        mirror: place.yarn_mirror.as_deref(),
        registry: url.as_deref().filter(|_| yarns.iter().any(|yarn| *yarn != YarnLock::Classic)),
    }));
    let unset = pointing::contradicting(context.environment.variables().map(|(name, _)| name), &set);
    let ended = child::run(&arguments.command, &unset, &set)?;
    drop(registry);
    if ended != Ended::Code(0) {
        aftermath::tell(ended, &arguments.command, context);
        if let Some(catalog) = catalog {
            aftermath::explain_log(&place, &catalog, context);
        }
        aftermath::keep_logs(&place, &projects, context);
    }
    Ok(Outcome::Child(ended.exit_code()))
}

/// The kinds of `yarn.lock` that the projects have.
fn yarns_of(projects: &[Project]) -> Vec<YarnLock> {
    let lockfiles = projects.iter().flat_map(|project| &project.input.project.lockfiles);
    lockfiles.filter_map(|lockfile| YarnLock::of(&lockfile.name, &lockfile.bytes)).collect()
}

fn start_registry(
    store: &Store,
    catalog: Catalog,
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
    Registry::start(shelves, 0).map_err(|source| CommandError::Registry { port: 0, source })
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
