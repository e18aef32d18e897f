//! `larder run`: a command whose package manager installs from the store.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use larder_store::{Store, digest::Integrity};

use super::{
    CommandError, Context, Outcome,
    provision::{self, Project},
    settings::host_platforms,
    through::{Through, or_here},
};
use crate::{
    catalog::Catalog,
    cli,
    npmrc::NpmConfig,
    registry::{Registry, Shelves},
    run::{
        child::{self, Ended},
        explain, gates,
        pointing::{self, Pointers, Way},
    },
    scratch::Scratch,
    view::{
        folder::write_links,
        npm_cache::{Index, content_path, npm_cache},
    },
};

/// What the folders of runs are called.
const PREFIX: &str = "larder-run-";

pub(super) fn run(arguments: &cli::Run, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let way = Way::of(&arguments.command);
    let projects = Arc::new(Project::read_all(&or_here(&arguments.projects), context)?);
    let store = open_store(context)?;
    let catalog =
        match provision::complete_catalog(&projects, &arguments.completing, &host_platforms(), &store, context)? {
            Ok(catalog) => catalog,
            Err(outcome) => return Ok(outcome),
        };
    warn_of_gates(&arguments.command, way, &catalog, &projects, context);
    let temporary = temporary_folder(context);
    let unusable = |source| CommandError::Scratch { folder: temporary.clone(), source };
    let scratch = Scratch::new(&temporary, PREFIX).map_err(unusable)?;
    scratch.share_with_children().map_err(unusable)?;
    let (cache, logs) = (scratch.path().join("npm"), scratch.path().join("logs"));
    lay_out_cache(&store, &catalog, way, &cache)?;
    // Kept until the command has ended.
    let (registry, catalog) = match way {
        Way::Cache => (None, Some(catalog)),
        Way::Registry => (Some(start_registry(&store, catalog, &projects, arguments, context)?), None),
    };
    let url = registry.as_ref().map(Registry::url);
    let pointers = Pointers {
        npm_cache: &cache,
        npm_logs: &logs,
        registry: url.as_deref(),
        scopes: projects.iter().flat_map(|project| &project.configurations).flat_map(NpmConfig::scopes).collect(),
        is_offline: arguments.completing.fetching.offline,
    };
    let set = pointing::variables(&pointers);
    let unset = pointing::contradicting(context.environment.variables().map(|(name, _)| name), &set);
    let ended = child::run(&arguments.command, &unset, &set)?;
    drop(registry);
    if ended != Ended::Code(0) {
        tell(ended, &arguments.command, context);
        if let Some(catalog) = catalog {
            explain_log(&logs, &cache, &catalog, context);
        }
        keep_logs(&logs, &projects, context);
    }
    Ok(Outcome::Child(ended.exit_code()))
}

/// Links in the cache lead to the store, wherever the command changes its folder to.
fn open_store(context: &Context<'_>) -> Result<Store, CommandError> {
    Ok(Store::open(&context.environment.current_dir().join(&context.store))?)
}

fn temporary_folder(context: &Context<'_>) -> PathBuf {
    let named = context.environment.variable_os("TMPDIR").filter(|folder| !folder.is_empty());
    context.environment.current_dir().join(named.unwrap_or("/tmp".as_ref()))
}

fn lay_out_cache(store: &Store, catalog: &Catalog, way: Way, cache: &Path) -> Result<(), CommandError> {
    let packuments = match way {
        Way::Cache => catalog.packuments(store, threads())?,
        // The registry has them.
        Way::Registry => Vec::new(),
    };
    let layout = npm_cache(catalog.offers(), packuments, Index::Needed);
    std::fs::create_dir(cache).map_err(|source| CommandError::Scratch { folder: cache.to_owned(), source })?;
    write_links(store, &layout, cache)?;
    Ok(())
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
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

/// Says what npm 12 will refuse, if that is the npm that will run or nobody knows which will.
fn warn_of_gates(command: &[OsString], way: Way, catalog: &Catalog, projects: &[Project], context: &Context<'_>) {
    let is_gated = match (gates::npm_version(command, context.environment), way) {
        (Some(major), _) => major >= gates::FIRST_GATED,
        (None, Way::Cache) => true,
        (None, Way::Registry) => false,
    };
    if !is_gated {
        return;
    }
    let Some(npm) = projects.iter().flat_map(|project| &project.configurations).next() else { return };
    let selected = catalog.offers().iter().filter(|offer| offer.found.is_some());
    for gate in gates::gates(selected, npm) {
        // Where the registry is larder's, hosts are replaced.
        if way == Way::Cache || !matches!(gate.kind, gates::GateKind::OtherRegistry { .. }) {
            context.printer.warning(&gate.to_string());
            context.printer.hints(&[&gate.kind.cure()]);
        }
    }
}

fn tell(ended: Ended, command: &[OsString], context: &Context<'_>) {
    if let Ended::Signal(signal) = ended {
        let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal without a name");
        let program = Path::new(&command[0]).display();
        context.printer.error(&format!("{program} was ended by signal {signal} ({name})"), &[], None);
    }
}

fn explain_log(logs: &Path, cache: &Path, catalog: &Catalog, context: &Context<'_>) {
    let has_content = |offer: &crate::catalog::Offer| {
        let mut digests = offer.integrity.iter().flat_map(Integrity::digests);
        digests.all(|digest| cache.join(content_path(digest)).symlink_metadata().is_ok())
    };
    let mut hints: Vec<&'static str> = Vec::new();
    for log in files_of(logs) {
        let Ok(text) = std::fs::read(&log) else { continue };
        for url in explain::not_cached(&String::from_utf8_lossy(&text)) {
            let explanation = explain::explain(&url, catalog.offers(), has_content);
            context.printer.error(&explanation.to_string(), &[], None);
            let hint = explanation.cause.hint();
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    context.printer.hints(&hints);
}

/// npm has told where its log is; the folder goes with the run, so the log moves to where npm's logs are.
fn keep_logs(logs: &Path, projects: &[Project], context: &Context<'_>) {
    let Some(kept) = projects.iter().flat_map(|project| &project.configurations).find_map(NpmConfig::logs) else {
        return;
    };
    for log in files_of(logs) {
        let Some(name) = log.file_name() else { continue };
        let place = kept.join(name);
        match std::fs::create_dir_all(&kept).and_then(|()| std::fs::copy(&log, &place)) {
            Ok(_) => context.printer.note(&format!("npm's log is kept as {}", place.display())),
            Err(error) => tracing::debug!(%error, "npm's log is not kept"),
        }
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}
