//! The shortest program with larder built in: `cargo run --example embed -- PROJECT STORE VIEW` fetches what a project needs and makes an npm cache of it.

use std::{error::Error, path::Path, sync::Arc};

use larder::{
    core::environment::Environment,
    fetcher::{Reader, Unwatched, Watcher},
    session::{FetchOptions, SelectionOptions, Session, SessionOptions, Warning, default_platforms},
};
use larder_store::Store;

/// Completes the store for a project, and lays out a view; how many artifacts it has.
pub(crate) fn complete(
    project: &Path,
    store: &Path,
    view: &Path,
    environment: &Environment,
) -> Result<usize, Box<dyn Error>> {
    let (store, now) = (Store::open(store)?, jiff::Timestamp::now());
    let mut warn = |warning: Warning| tracing::warn!("{warning}");
    let options = SessionOptions { environment, store, fetch: FetchOptions::default(), now };
    let session = Session::open(project, options, &mut warn)?;
    let (downloads, _) = session.downloads(&session.selection(&SelectionOptions::default(), default_platforms())?);
    let watcher: Arc<dyn Watcher> = Arc::new(Unwatched);
    let completed = session.ensure(&downloads, &watcher, Reader::Fetcher)?;
    if let Some(failure) = completed.report.failures.first() {
        return Err(format!("{}: {}", failure.package, failure.kind.sentence(&failure.entries[0].lockfile)).into());
    }
    session.view_npm_cache(&completed, view, &mut warn)?;
    Ok(completed.items.len())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [project, store, view] = arguments.as_slice() else { return Err("usage: embed PROJECT STORE VIEW".into()) };
    let environment = Environment::new(&std::env::current_dir()?, std::env::vars_os());
    complete(project.as_ref(), store.as_ref(), view.as_ref(), &environment).map(drop)
}
