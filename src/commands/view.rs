//! `larder view`: a plan's files, laid out for one kind of consumer.

mod context;
mod mirror;
mod pyodide;
mod summary;
mod target;
mod wheels;

pub(super) use self::mirror::mirror_of_yarn;
use self::{summary::print, target::check_target};
use larder_store::digest::{Digest, Integrity};

use super::{
    provision::{self, Project, Unfetchable},
    settings::default_platforms,
    through::or_here,
};
use crate::{
    cli::{self, TarballNames, ViewKind},
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        outcome::Outcome,
    },
    config::project::LockfileBytes,
    core::{artifact::Ecosystem, interrupt::Interrupt, layout::Layout},
    lockfile::{self, LocalTarball},
    npm::metadata::Metadata,
    run::client_env::Mode,
    view::{
        folder::publish,
        npm_cache::{Index, add_local, npm_cache},
        tarballs::tarballs,
    },
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
    let projects = Project::read_all(&or_here(&view.projects), view.completing.fetching.trust_project_config, context)?;
    check_target(&view.folder, &projects, context)?;
    let is_for_npm = matches!(arguments.kind, ViewKind::NpmCache(_));
    if is_for_npm {
        provision::warn_of_gates(&projects, &[], Mode::Cache, context);
    }
    let store = context.open_store()?;
    let (npm, wanted) = (Some(Ecosystem::Npm), (&default_platforms(), Unfetchable::Fail));
    let mut catalog = match provision::complete_catalog(&projects, npm, &view.completing, wanted, &store, context)? {
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

fn layout(kind: &ViewKind, catalog: &Metadata, projects: &[Project], context: &Context<'_>) -> Layout {
    if let ViewKind::Tarballs(view) = kind {
        return match view.names {
            TarballNames::Npm => tarballs(catalog.versions()),
            TarballNames::Yarn => mirror_of_yarn(catalog, context),
        };
    }
    let mut layout = npm_cache(catalog.versions(), catalog.packuments(), Index::Whole);
    for lockfile in projects.iter().flat_map(|project| &project.input.project.lockfiles) {
        add_local_tarballs(&mut layout, lockfile, context);
    }
    layout
}

/// Those that are what the lockfile says. npm finds the others itself, and says what is wrong with them.
fn add_local_tarballs(layout: &mut Layout, lockfile: &LockfileBytes, context: &Context<'_>) {
    for LocalTarball { path, integrity } in lockfile::local_tarballs(&lockfile.name, &lockfile.bytes) {
        let file = lockfile.folder().join(&path);
        match std::fs::read(&file) {
            Ok(bytes) => {
                let digests: Vec<_> = integrity.algorithms().map(|algorithm| Digest::of(algorithm, &bytes)).collect();
                if let (true, Some(digests)) = (integrity.agrees_with(&digests), Integrity::new(digests)) {
                    add_local(layout, &path, &bytes, &digests);
                } else {
                    let text = format!("{}: digest does not match {}", file.display(), lockfile.name);
                    context.printer.warning(&text);
                }
            }
            Err(error) => context.printer.warning(&format!("{} is left out: {error}", file.display())),
        }
    }
}
