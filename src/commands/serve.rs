//! `larder serve`: the registry on loopback, standing, for several projects.

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{options::or_here, provision};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, RegistryError},
        outcome::Outcome,
    },
    npm::metadata::Metadata,
    plan::selection::Selection,
    registry::{Registry, RegistryState},
    session::{PullThrough, Session},
    ui::units,
};

/// What is said where the registry cannot keep to its own user.
pub(super) const ASKED_BY_ALL: &str = "this system does not tell which user opened a connection, so every user of this machine can read packages from larder's registry";

pub(super) fn run(arguments: &cli::Serve, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let projects =
        provision::read_all(&or_here(&arguments.projects), arguments.fetching.trust_project_config, context)?;
    let store = context.open_store(provision::settings(&projects))?;
    let sessions = provision::sessions(&projects, &store, &arguments.fetching, context);
    let mut catalog = Metadata::default();
    for session in &sessions {
        let (downloads, _) = session.downloads(&Selection::all());
        catalog.extend(session.metadata(&session.find(&downloads)?)?);
    }
    provision::describe(&mut catalog, &store, context);
    let (all, here) =
        (catalog.versions().len(), catalog.versions().iter().filter(|offer| offer.found.is_some()).count());
    // Before anyone is told of the registry, so that no signal is missed.
    let unusable = |source| RegistryError { port: arguments.port, source };
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(unusable)?;
    let through = pull_through(sessions, context);
    let state = RegistryState::new(store, catalog, Box::new(through));
    let registry = Registry::start(state, arguments.port).map_err(unusable)?;
    if !registry.checks_users() {
        context.printer.warning(ASKED_BY_ALL);
    }
    context.printer.value(&registry.url());
    context.printer.note(&format!(
        "{}, {} of them in the store; missing files are {}. Stop with Ctrl-C.",
        units::plural(all, "artifact", "artifacts"),
        units::count(here),
        if arguments.fetching.offline { "refused" } else { "fetched on request" }
    ));
    signals.forever().next();
    Ok(Outcome::Done)
}

/// The registry's upstream, which tells what is refused.
pub(super) fn pull_through(sessions: Vec<Session>, context: &Context<'_>) -> PullThrough {
    let printer = context.printer;
    PullThrough::new(sessions, Box::new(move |line| printer.warning(line)))
}
