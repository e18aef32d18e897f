//! `larder view`: a plan's files, laid out for one kind of consumer.

mod context;
mod mirror;
mod pyodide;
mod summary;
mod target;
mod wheels;

pub(super) use self::mirror::mirror_of_yarn;
use self::{summary::print, target::check_target};
use std::sync::Arc;

use super::{
    options::or_here,
    provision::{self, Unfetchable},
};
use crate::{
    cli::{self, TarballNames, ViewKind},
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        outcome::Outcome,
    },
    core::{artifact::Ecosystem, interrupt::Interrupt, layout::Layout},
    npm::metadata::Metadata,
    run::client_env::Mode,
    session::{ConfiguredProject, Warning, default_platforms, npm_cache_of},
    ui::remarks,
    view::{folder::publish, tarballs::tarballs},
};

pub(super) fn run(arguments: &cli::View, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let is_stopped = || interrupt.came();
    let (name, view) = match &arguments.kind {
        ViewKind::NpmCache(view) => ("npm-cache", view),
        ViewKind::Tarballs(tarballs) => ("tarballs", &tarballs.view),
        ViewKind::Pyodide(view) => return pyodide::run(view, context, &is_stopped),
        ViewKind::Wheels(view) => return wheels::run(view, context, &is_stopped),
        ViewKind::Context(view) => return context::run(view, context, &is_stopped),
    };
    let projects =
        provision::read_all(&or_here(&view.projects), view.completing.fetching.trust_project_config, context)?;
    check_target(&view.folder, &projects, context)?;
    let is_for_npm = matches!(arguments.kind, ViewKind::NpmCache(_));
    if is_for_npm {
        provision::warn_of_gates(&projects, &[], Mode::Cache, context);
    }
    let store = context.open_store(provision::settings(&projects))?;
    let sessions = provision::sessions(&projects, &store, &view.completing.fetching, context);
    let (npm, wanted) = (Some(&[Ecosystem::Npm][..]), (&default_platforms(), Unfetchable::Fail));
    let mut catalog = match provision::complete_catalog(&sessions, npm, &view.completing, wanted, context)? {
        Ok(catalog) => catalog,
        Err(outcome) => return Ok(outcome),
    };
    if is_for_npm {
        provision::describe(&mut catalog, &store, context);
    }
    let layout = layout(&arguments.kind, &catalog, &projects, context);
    let published = publish(&store, layout, name, &view.folder, &is_stopped)?;
    print(context, name, view, published);
    Ok(Outcome::Done)
}

fn layout(kind: &ViewKind, catalog: &Metadata, projects: &[Arc<ConfiguredProject>], context: &Context<'_>) -> Layout {
    if let ViewKind::Tarballs(view) = kind {
        return match view.names {
            TarballNames::Npm => tarballs(catalog.versions()),
            TarballNames::Yarn => mirror_of_yarn(catalog, context),
        };
    }
    let mut warn = |warning: Warning| remarks::warning(context.printer, &warning);
    npm_cache_of(catalog, projects.iter().map(|project| &project.read), &mut warn)
}
