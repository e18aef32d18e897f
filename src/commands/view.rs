//! `larder view`: what the store has, laid out for one kind of consumer.

use std::{fs, io, path::Path};

use larder_store::Store;

use super::{CommandError, Context, Outcome};
use crate::{
    cli,
    pyodide::lock_file::{LARDER_LOCK, LarderLock},
};

mod pyodide;
mod wheels;

pub(super) fn run(arguments: &cli::View, context: &Context<'_>) -> Result<Outcome, CommandError> {
    match &arguments.kind {
        cli::ViewKind::Pyodide(arguments) => pyodide::run(arguments, context),
        cli::ViewKind::Wheels(arguments) => wheels::run(arguments, context),
    }
}

/// The store, which has to be there.
fn store(context: &Context<'_>) -> Result<Store, CommandError> {
    let store = Store::open_if_present(&context.store)?;
    store.ok_or_else(|| CommandError::NoStore { place: context.store.clone() })
}

/// A project's `larder.lock`; `project` is its folder or a file in it.
fn larder_lock(project: &Path) -> Result<LarderLock, CommandError> {
    let folder = if project.is_dir() { project } else { project.parent().unwrap_or(project) };
    let path = folder.join(LARDER_LOCK);
    match fs::read(&path) {
        Ok(bytes) => Ok(LarderLock::parse(&path.display().to_string(), &bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(CommandError::NoLarderLock { path }),
        Err(source) => Err(CommandError::Unreadable { path, source }),
    }
}

/// How many files are read at once.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
