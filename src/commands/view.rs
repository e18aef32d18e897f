//! `larder view`: a plan's files, laid out for one kind of consumer.

mod pyodide;
mod wheels;

use serde::Serialize;

use larder_store::Store;

use super::{
    CommandError, Context, Outcome,
    provision::{self, Project},
    settings::default_platforms,
    through::or_here,
};
use crate::{
    catalog::Catalog,
    cli::{self, ViewKind},
    ui::units,
    view::{
        folder::{Published, publish},
        layout::Layout,
        npm_cache::{Index, npm_cache},
        tarballs::tarballs,
    },
};

#[derive(Serialize)]
struct Document {
    view: &'static str,
    folder: String,
    files: usize,
    kept: usize,
    shared: usize,
    written: usize,
}

pub(super) fn run(arguments: &cli::View, context: &Context<'_>) -> Result<Outcome, CommandError> {
    match &arguments.kind {
        ViewKind::NpmCache(view) => npm("npm-cache", view, context, |store, catalog| {
            let threads = std::thread::available_parallelism().map_or(2, usize::from);
            Ok(npm_cache(catalog.offers(), catalog.packuments(store, threads)?, Index::Whole))
        }),
        ViewKind::Tarballs(view) => npm("tarballs", view, context, |_, catalog| Ok(tarballs(catalog.offers()))),
        ViewKind::Pyodide(view) => pyodide::run(view, context),
        ViewKind::Wheels(view) => wheels::run(view, context),
    }
}

/// A view of what npm's lockfiles name.
fn npm(
    name: &'static str,
    view: &cli::ViewFolder,
    context: &Context<'_>,
    layout: impl FnOnce(&Store, &Catalog) -> Result<Layout, CommandError>,
) -> Result<Outcome, CommandError> {
    let projects = Project::read_all(&or_here(&view.projects), context)?;
    let store = Store::open(&context.store)?;
    let catalog = match provision::complete_catalog(&projects, &view.completing, &default_platforms(), &store, context)?
    {
        Ok(catalog) => catalog,
        Err(outcome) => return Ok(outcome),
    };
    let published = publish(&store, layout(&store, &catalog)?, name, &view.folder)?;
    print(context, name, view, published);
    Ok(Outcome::Done)
}

fn print(context: &Context<'_>, name: &'static str, view: &cli::ViewFolder, published: Published) {
    let Published { files, kept, shared, written } = published;
    context.printer.line(&format!(
        "{}: {} = {} kept + {} shared with the store + {} written",
        view.folder.display(),
        units::plural(files, "file", "files"),
        units::count(kept),
        units::count(shared),
        units::count(written),
    ));
    let folder = view.folder.display().to_string();
    context.printer.json(&Document { view: name, folder, files, kept, shared, written });
}
