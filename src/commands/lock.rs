//! `larder lock`: chooses the files of a project's Pyodide, works out what its packages download themselves, and writes both down in `larder.lock`.

use std::{fs, path::Path};

use serde::Serialize;

use self::{
    changes::Change,
    downloads::{DownloadsDocument, Rows},
    pyodide::Request,
};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        outcome::Outcome,
    },
    config::{package_manager::NpmConfig, project::Project},
    core::interrupt::Interrupt,
    lockfile::larder_lock::{LARDER_LOCK, LarderLock, LockedSource, PyodideLock},
    session,
    ui::units,
};

mod changes;
mod downloads;
mod error;
mod index;
mod pyodide;
mod rows;
mod runtime;
mod write;

pub(super) use error::LockError;
pub(super) use write::{can_begin as can_write, whole as write_whole};

#[derive(Serialize)]
struct Document {
    lockfile: String,
    runtime: Option<String>,
    is_changed: bool,
    packages: usize,
    distribution: usize,
    index: usize,
    downloads: DownloadsDocument,
    changes: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(arguments: &cli::Lock, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let project = Project::open(&arguments.project)?;
    let settings = project.settings.pyodide.clone();
    let readings = session::readings(&project)?;
    let before = session::larder_lock(&project)?.unwrap_or_default();
    let has_rows = downloads::are_there(&readings, &before);
    if settings.is_none() && !has_rows && before.is_empty() {
        return Err(LockError::NothingToLock { folder: project.folder.clone() }.into());
    }
    let folder = project.folder.as_path();
    let npm = NpmConfig::load_for(context.environment, folder, None, arguments.trust_project_config)?;
    for warning in npm.warnings() {
        context.printer.warning(&warning.to_string());
    }
    pyodide::refuse_unknown(before.pyodide.as_ref(), arguments.upgrade.as_deref())?;
    let store = context.open_store([&project.settings])?;
    let (locked, warnings) = match &settings {
        Some(settings) => {
            let (project, readings, before, npm) = (&project, &readings[..], before.pyodide.as_ref(), &npm);
            let request = Request { project, settings, readings, before, arguments, npm };
            let (locked, warnings) = pyodide::lock(&request, &store, &interrupt, context)?;
            (Some(locked), warnings)
        }
        // Who takes [pyodide] out of larder.toml has to take it out of the lock, too.
        None => (before.pyodide.clone(), Vec::new()),
    };
    let rows = if has_rows {
        downloads::lock(project.clone(), &readings, &before, (&npm, arguments), &store, context)?
    } else {
        Rows::unchanged(&before)
    };
    if arguments.check {
        // Those that would go are named as that.
        let (downloads, absent) = (rows.downloads.clone(), rows.absent.clone());
        let lock = LarderLock { pyodide: None, downloads, absent };
        self::rows::check(&project, readings, &lock, &store, context)?;
    }
    finish((locked, rows), &before, arguments, &project, context, warnings)
}

fn finish(
    (locked, rows): (Option<PyodideLock>, Rows),
    before: &LarderLock,
    arguments: &cli::Lock,
    project: &Project,
    context: &Context<'_>,
    warnings: Vec<String>,
) -> Result<Outcome, CommandError> {
    let path = project.folder.join(LARDER_LOCK);
    let changes = locked.as_ref().map(|locked| changes::between(before.pyodide.as_ref(), locked)).unwrap_or_default();
    let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
    let after = LarderLock { pyodide: locked, downloads: rows.downloads.clone(), absent: rows.absent.clone() };
    let text = after.to_text();
    let is_there = project.larder_lock.as_ref().is_some_and(|file| *file.bytes == *text.as_bytes());
    // What is not worked out anew is left as it is, byte for byte.
    let is_worked_out = project.settings.pyodide.is_some() || rows.are_worked_out();
    let is_as_before = !is_worked_out || if after.is_empty() { project.larder_lock.is_none() } else { is_there };
    let is_changed = !is_as_before || rows.would_change(arguments.check);
    if is_changed && !arguments.check {
        write(&path, &after, &text).map_err(|source| LockError::Write { path: path.clone(), source })?;
    }
    let sums = after.pyodide.as_ref().map_or((0, 0, 0), sums);
    if let Some(lock) = &after.pyodide {
        tell_pyodide(lock, sums, &changes, context);
    }
    rows.tell(context);
    let outcome = rows.outcome();
    context.printer.line(match (is_changed, arguments.check) {
        (false, _) if outcome != Outcome::Done => "larder.lock is as it was, and lacks what is named above",
        (false, _) if after.is_empty() => "there is nothing to lock, and no larder.lock",
        (false, _) => "larder.lock is up to date",
        (true, false) => "larder.lock is written",
        (true, true) => "larder.lock would change",
    });
    context.printer.json(&Document {
        lockfile: path.display().to_string(),
        runtime: after.pyodide.as_ref().map(|lock| lock.runtime.release.version().to_string()),
        is_changed,
        packages: sums.0,
        distribution: sums.1,
        index: sums.2,
        downloads: rows.document(),
        changes,
        warnings,
    });
    if is_changed && arguments.check && outcome == Outcome::Done {
        return Err(LockError::WouldChange { path, is_there: project.larder_lock.is_some() }.into());
    }
    Ok(outcome)
}

/// A lock that names nothing is none.
fn write(path: &Path, lock: &LarderLock, text: &str) -> std::io::Result<()> {
    if lock.is_empty() { fs::remove_file(path) } else { write::whole(path, text.as_bytes()) }
}

/// Packages, those of the distribution, and those of the index.
fn sums(lock: &PyodideLock) -> (usize, usize, usize) {
    let distribution = lock.packages.iter().filter(|package| package.source == LockedSource::Distribution).count();
    (lock.packages.len(), distribution, lock.packages.len() - distribution)
}

fn tell_pyodide(
    lock: &PyodideLock,
    (packages, distribution, index): (usize, usize, usize),
    changes: &[String],
    context: &Context<'_>,
) {
    context.printer.line(&format!(
        "{} for Pyodide {} = {} of its distribution + {} of the index",
        units::plural(packages, "package", "packages"),
        lock.runtime.release.version(),
        units::count(distribution),
        units::count(index)
    ));
    for change in changes {
        context.printer.line(change);
    }
}
