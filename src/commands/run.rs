//! `larder run`: a command whose package manager installs from the store.

mod diagnose;
mod isolate;
pub(super) mod replay;
mod run_dir;
mod way_out;
mod wgetrc;
mod yarn;

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use larder_store::Store;

pub(super) use self::replay::Purpose;
use self::{isolate::Isolation, replay::RunProxy, run_dir::RunDir};
use super::{
    options::or_here,
    provision::{self, Unfetchable},
};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, RegistryError, SignalsError},
        outcome::Outcome,
    },
    config::{package_manager::NpmConfig, project::LockfileBytes},
    core::{
        artifact::{Ecosystem, PackageName, Source},
        interrupt::Interrupt,
    },
    lockfile::{self, Format, YarnLock},
    npm::metadata::Metadata,
    plan::Plan,
    registry::{Registry, RegistryState},
    run::{
        child::{self, Ended},
        client_env::{
            self, ClientEnv, Mode,
            caches::fresh_caches,
            yarn::{YarnEnv, variables as yarn_variables},
        },
        invocation::package_managers,
        restore::restore_registries,
        script_cache,
        script_store::ScriptStore,
        support,
    },
    session::{ConfiguredProject, Session, host_platforms},
};

/// Refused addresses that an error lists.
const LISTED: usize = 10;

/// The way out where something was refused.
const RECORD: &str = "where there is a network, `larder record` records what a command downloads in larder.lock, and `larder lock` does for the packages that it knows";

pub(super) fn run(arguments: &cli::Run, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let isolation = arguments.isolate.then(Isolation::enter).transpose()?;
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let purpose = if arguments.completing.fetching.offline { Purpose::Offline } else { Purpose::Online };
    let (ended, refused) = match execute(arguments, purpose, isolation, &interrupt, context)? {
        Executed::Ended(ended, refused) => (ended, refused),
        Executed::Not(outcome) => return Ok(outcome),
    };
    let printer = context.printer;
    if ended == Ended::Code(0) && !refused.is_empty() && !arguments.allow_refused {
        // Warnings have named them.
        let causes = if printer.is_quiet() { &refused[..refused.len().min(LISTED)] } else { &[] };
        let hint = format!("{RECORD}; `--allow-refused` leaves it to the command");
        printer.error(
            "the command ended as if nothing were missing, and larder refused what it asked for",
            causes,
            Some(&hint),
        );
        return Ok(Outcome::Wrong);
    }
    if !refused.is_empty() && !printer.is_quiet() {
        printer.hints(&[RECORD]);
    }
    Ok(Outcome::Child(ended.exit_code()))
}

/// What became of a command.
pub(super) enum Executed {
    /// It ended so, and this that it asked for was refused.
    Ended(Ended, Vec<String>),
    /// It did not run, since something lacks.
    Not(Outcome),
}

/// Completes the store, runs the command with what leads it there, and tells how it failed.
pub(super) fn execute(
    arguments: &cli::Run,
    purpose: Purpose,
    isolation: Option<Isolation>,
    interrupt: &Interrupt,
    context: &Context<'_>,
) -> Result<Executed, CommandError> {
    let mode = Mode::of(&arguments.command);
    let called = package_managers(&arguments.command);
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let projects = provision::read_all_for(&or_here(&arguments.projects), &called, trusts_project, context)?;
    let is_recorded = matches!(purpose, Purpose::Recorded(_));
    provision::warn_of_gates(&projects, &arguments.command, mode, context);
    warn_of_refusals(&projects, arguments, context);
    yarn::warn(&projects, &called, arguments, context);
    if !is_recorded {
        provision::warn_of_own_downloads(&projects, &arguments.completing.selecting, &arguments.command, context)?;
    }
    let store = context.open_store(provision::settings(&projects))?;
    let sessions = provision::sessions(&projects, &store, &arguments.completing.fetching, context);
    // npm alone installs nothing of Python's, and runs install scripts; what another command installs, nobody knows.
    let ecosystems = (mode == Mode::Cache).then_some(&[Ecosystem::Npm, Ecosystem::Download][..]);
    let wanted = (&host_platforms(), Unfetchable::LeaveToCommand);
    let mut catalog = match provision::complete_catalog(&sessions, ecosystems, &arguments.completing, wanted, context)?
    {
        Ok(catalog) => catalog,
        Err(outcome) => return Ok(Executed::Not(outcome)),
    };
    provision::describe(&mut catalog, &store, context);
    let yarns = yarns_of(&projects);
    let run_dir = RunDir::lay_out(&store, &catalog, (mode, &yarns, is_recorded), arguments, context, interrupt)?;
    let isolated = isolation.map(|isolation| isolation.serve(&sessions, &run_dir, context)).transpose()?;
    let proxy = if isolated.is_some() { None } else { RunProxy::start(&sessions, purpose, &run_dir, context)? };
    // Kept until the command has ended.
    let (registry, catalog) = match mode {
        Mode::Cache => (None, Some(catalog)),
        Mode::Registry => (Some(start_registry(&store, catalog, sessions, context)?), None),
    };
    let url = registry.as_ref().map(Registry::url);
    let is_offline = arguments.completing.fetching.offline || is_recorded;
    let (mut unset, mut set) = environment(url.as_deref(), mode, &yarns, &run_dir, &projects, is_offline, context);
    if let Some(proxy) = &proxy {
        let (taken_away, added) = proxy.environment();
        unset.extend(taken_away);
        unset.extend(client_env::contradicting(context.environment.variables().map(|(name, _)| name), &added));
        set.extend(added);
    }
    if let Some(isolated) = &isolated {
        isolated.change(&mut unset, &mut set, context);
    }
    if is_recorded {
        set.extend(fresh_caches(run_dir.path(), context.environment.variable("GOFLAGS")));
    }
    let ended = run_child(&arguments.command, (&unset, &set), (&store, &run_dir), &projects, !is_recorded, context)?;
    if let Some(url) = &url {
        restore_records(&projects, url, context);
    }
    drop(registry);
    let refused = match (&proxy, &isolated) {
        (Some(proxy), _) => proxy.tell(context),
        (None, Some(isolated)) => isolated.tell(context),
        (None, None) => Vec::new(),
    };
    if ended != Ended::Code(0) {
        diagnose::tell(ended, &arguments.command, context);
        if let Some(catalog) = catalog {
            diagnose::explain_log(&run_dir, &catalog, context);
        }
        diagnose::tell_failed_scripts(&run_dir, context);
        diagnose::keep_logs(&run_dir, &projects, context);
    }
    Ok(Executed::Ended(ended, refused))
}

/// The variables to unset and to set, so that the command's package manager finds the store.
fn environment(
    registry: Option<&str>,
    mode: Mode,
    yarns: &[YarnLock],
    run_dir: &RunDir,
    projects: &[Arc<ConfiguredProject>],
    is_offline: bool,
    context: &Context<'_>,
) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let client_env = ClientEnv {
        npm_cache: &run_dir.cache,
        npm_logs: &run_dir.logs,
        registry,
        scopes: projects.iter().flat_map(|project| &project.configurations).flat_map(NpmConfig::scopes).collect(),
        replaced_host: replaced_host(projects),
        caches: &run_dir.caches,
        has_pnpm: lockfiles(projects).any(|(_, lockfile)| Format::of(&lockfile.name) == Format::Pnpm),
        has_wheels: projects.iter().any(|project| project.read.pyodide_lock().is_some()),
        is_offline,
    };
    let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| {
        let value = context.environment.variable(name);
        value.filter(|value| !value.is_empty())
    });
    let mut set = client_env::variables(&client_env, no_proxy);
    set.extend(yarn_variables(YarnEnv {
        mirror: run_dir.yarn_mirror.as_deref().filter(|_| !is_for_npm(mode, projects)),
        registry: registry.filter(|_| yarns.iter().any(|yarn| *yarn != YarnLock::Classic)),
    }));
    let unset = client_env::contradicting(context.environment.variables().map(|(name, _)| name), &set);
    (unset, set)
}

/// Runs the command with what install scripts keep in the user's npm cache and the store's folder, and puts there what they add, unless it is to find nothing there.
fn run_child(
    command: &[OsString],
    (unset, set): (&[OsString], &[(OsString, OsString)]),
    (store, run_dir): (&Store, &RunDir),
    projects: &[Arc<ConfiguredProject>],
    keeps_caches: bool,
    context: &Context<'_>,
) -> Result<Ended, CommandError> {
    let own = npms_own_cache(projects, context).filter(|_| keeps_caches);
    let of_store = own.as_ref().and_then(|own| ScriptStore::beside(store.script_cache()?, own));
    if let Some(own) = &own {
        script_cache::lend(own, &run_dir.cache);
    }
    if let Some(of_store) = &of_store {
        of_store.lend(&run_dir.cache);
    }
    let ended = child::run(command, unset, set)?;
    if let Some(of_store) = &of_store
        && let Err(error) = of_store.keep(&run_dir.cache, context.now.into())
    {
        tracing::debug!(%error, "what scripts kept in npm's cache is not kept in the store's folder");
    }
    if let Some(own) = &own
        && let Err(error) = script_cache::keep(&run_dir.cache, own)
    {
        let own = own.display();
        context.printer.warning(&format!("what scripts kept in npm's cache cannot be moved to {own}: {error}"));
    }
    Ok(ended)
}

/// The cache that npm would use without larder.
fn npms_own_cache(projects: &[Arc<ConfiguredProject>], context: &Context<'_>) -> Option<PathBuf> {
    let cache = projects.iter().flat_map(|project| &project.configurations).find_map(NpmConfig::cache)?;
    Some(context.environment.current_dir().join(cache))
}

/// The package managers' lockfiles, each with npm's configuration for it.
fn lockfiles(projects: &[Arc<ConfiguredProject>]) -> impl Iterator<Item = (&NpmConfig, &LockfileBytes)> {
    projects.iter().flat_map(|project| project.configurations.iter().zip(&project.read.project.lockfiles))
}

/// Whether npm runs, and installs: it warns of yarn's variable. Without a lockfile of npm's, its script may call yarn.
fn is_for_npm(mode: Mode, projects: &[Arc<ConfiguredProject>]) -> bool {
    mode == Mode::Cache && lockfiles(projects).any(|(_, lockfile)| Format::of(&lockfile.name) == Format::Npm)
}

/// Warns of lockfiles that the installed package manager will reject.
fn warn_of_refusals(projects: &[Arc<ConfiguredProject>], arguments: &cli::Run, context: &Context<'_>) {
    for (_, lockfile) in lockfiles(projects) {
        let format = Format::of(&lockfile.name);
        let refusal = lockfile::stated_version(&lockfile.bytes).and_then(|stated| {
            let installed = support::installed(format, &arguments.command, context.environment)?;
            support::refusal(format, &stated, installed)
        });
        if let Some((text, fix)) = refusal {
            context.printer.warning(&format!("{}: {text}", lockfile.name));
            context.printer.hints(&[&fix]);
        }
    }
}

/// The registry ends with the run, so nothing may ask it later.
fn restore_records(projects: &[Arc<ConfiguredProject>], url: &str, context: &Context<'_>) {
    for (npm, lockfile) in lockfiles(projects).filter(|(_, lockfile)| Format::of(&lockfile.name) == Format::Pnpm) {
        let registry_of = |scope: Option<&str>| {
            let scoped = scope.and_then(|scope| PackageName::parse(&format!("{scope}/package")).ok());
            scoped.map_or(npm.registry(), |name| npm.registry_for(&name)).as_str()
        };
        if let Err(error) = restore_registries(lockfile.folder(), url, registry_of) {
            let folder = lockfile.folder().display();
            context.printer.warning(&format!("pnpm's record of {folder}/node_modules still names {url}: {error}"));
        }
    }
}

/// The kinds of `yarn.lock` that the projects have.
fn yarns_of(projects: &[Arc<ConfiguredProject>]) -> Vec<YarnLock> {
    let lockfiles = projects.iter().flat_map(|project| &project.read.project.lockfiles);
    lockfiles.filter_map(|lockfile| YarnLock::of(&lockfile.name, &lockfile.bytes)).collect()
}

fn start_registry(
    store: &Store,
    catalog: Metadata,
    sessions: Vec<Session>,
    context: &Context<'_>,
) -> Result<Registry, CommandError> {
    let through = super::serve::pull_through(sessions, context);
    let state = RegistryState::new(store.clone(), catalog, Box::new(through));
    let registry = Registry::start(state, 0).map_err(|source| RegistryError { port: 0, source })?;
    if !registry.checks_users() {
        context.printer.warning(super::serve::ASKED_BY_ALL);
    }
    Ok(registry)
}

fn replaced_host(projects: &[Arc<ConfiguredProject>]) -> Option<&str> {
    let plans = || projects.iter().map(|project| &project.read.plan);
    let has_local_tarballs = plans().any(|plan| plan.sum().local_files > 0);
    let hosts = plans().flat_map(Plan::artifacts).filter_map(|planned| match &planned.artifact.source {
        Source::Registry { resolved: Some(url) } => url.host_str(),
        _ => None,
    });
    client_env::replaced_host(hosts, has_local_tarballs)
}
