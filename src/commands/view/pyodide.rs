//! `larder view pyodide`: a folder that Pyodide loads from with the network cut.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use url::Url;

use super::{summary::files, target::check_target};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
        larder_lock,
        options::fetch_options,
        outcome::Outcome,
    },
    config::larder_toml::DistributionSource,
    lockfile::larder_lock::PyodideLock,
    pyodide::{
        cycles::{BackEdge, Loss},
        folder::{Folder, FolderInput},
    },
    python::name::ProjectName,
    session::{ConfiguredProject, Session},
    ui::{printer::Printer, units},
    view::folder::{Published, publish},
};

/// What the marker in the folder says.
const KIND: &str = "pyodide";

/// Why the folder is not laid out.
#[derive(Debug, thiserror::Error)]
enum PyodideViewError {
    /// No folder for it.
    #[error("there is no folder to lay Pyodide out in")]
    NoFolder,
    /// Packages that need each other, where that is refused.
    #[error("dependencies form cycles, for which Pyodide's loader waits forever:\n  {}", cycles.join("\n  "))]
    Cycles {
        /// Each of them, in words.
        cycles: Vec<String>,
    },
}

impl EndsCommand for PyodideViewError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoFolder => "name one, or give `folder` below `[pyodide]` in larder.toml",
            Self::Cycles { .. } => "without --strict, each is broken and named",
        };
        Some(hint.to_owned())
    }
}

pub(in crate::commands) fn run(
    arguments: &cli::ViewPyodide,
    context: &Context<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Outcome, CommandError> {
    let project = larder_lock::read_locked(&arguments.project, arguments.fetching.trust_project_config, context)?;
    let folder = folder(arguments, &project)?;
    check_target(&folder, std::slice::from_ref(&project), context)?;
    let store = context.open_store([&project.read.project.settings])?;
    let session = Session::of(project, store.clone(), &fetch_options(&arguments.fetching), context.now);
    let lock = session.project.read.require_pyodide_lock()?;
    let loaded = match larder_lock::load(&session, lock, true, context)? {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let input = FolderInput {
        lock,
        runtime_files: loaded.core.expect("it was asked for, and its absence is an error"),
        files: loaded.files,
        wheels: loaded.wheels,
        elsewhere: arguments.full_lock.then(|| elsewhere(&session.project, lock)),
    };
    let Folder { layout, cut, losses } = input.lay_out()?;
    if arguments.strict && !cut.is_empty() {
        return Err(PyodideViewError::Cycles { cycles: cut.iter().map(cycle).collect() }.into());
    }
    let published = publish(&store, layout, KIND, &folder, is_stopped)?;
    let printer = context.printer;
    warn(printer, &cut, &losses);
    printer.line(&format!(
        "{}: pyodide {} with {}; {}",
        folder.display(),
        lock.runtime.release.version(),
        units::plural(lock.packages.len(), "package", "packages"),
        files(published),
    ));
    if arguments.full_lock {
        printer.note("the other packages of the distribution stay in its lock with their addresses; node cannot load those, browsers can");
    }
    printer.json(&document(&folder, lock, &cut, &losses, published));
    Ok(Outcome::Done)
}

/// The folder that was named, or the one of `larder.toml`.
fn folder(arguments: &cli::ViewPyodide, project: &ConfiguredProject) -> Result<PathBuf, PyodideViewError> {
    let project = &project.read.project;
    let settings = project.settings.pyodide.as_ref().and_then(|pyodide| pyodide.folder.as_ref());
    let below = |folder: &PathBuf| match project.folder.to_str() {
        Some(".") => folder.clone(),
        _ => project.folder.join(folder),
    };
    let folder = arguments.folder.clone().or_else(|| Some(below(settings?)));
    folder.ok_or(PyodideViewError::NoFolder)
}

/// Where browsers find the distribution's files: at the first of the project's sources that is an address.
fn elsewhere(project: &ConfiguredProject, lock: &PyodideLock) -> Url {
    let release = lock.runtime.release.version();
    let settings = project.read.project.settings.pyodide.as_ref();
    let sources = settings.map_or(&[][..], |pyodide| &pyodide.sources);
    let address = |source: &DistributionSource| source.address(release, &lock.base.file_name)?.join(".").ok();
    let is_address =
        |source: &&DistributionSource| matches!(source, DistributionSource::Cdn | DistributionSource::Address(_));
    let first = sources.iter().filter(is_address).find_map(address).or_else(|| address(&DistributionSource::Cdn));
    first.expect("the public address is one")
}

/// `testtools → fixtures → testtools`.
fn cycle(edge: &BackEdge) -> String {
    let names: Vec<&str> = edge.cycle.iter().chain([&edge.to]).map(ProjectName::as_str).collect();
    names.join(" → ")
}

fn warn(printer: Printer, cut: &[BackEdge], losses: &[Loss]) {
    for edge in cut {
        printer.warning(&format!(
            "{} is a cycle, for which Pyodide's loader would wait forever: the lock leaves out that {} needs {}",
            cycle(edge),
            edge.from,
            edge.to
        ));
    }
    for Loss { root, lost } in losses {
        let lost: Vec<&str> = lost.iter().map(ProjectName::as_str).collect();
        printer.warning(&format!("so {root} alone does not load {}: load it beside {root}", lost.join(", ")));
    }
}

fn document(folder: &Path, lock: &PyodideLock, cut: &[BackEdge], losses: &[Loss], published: Published) -> Value {
    json!({
        "folder": folder.display().to_string(),
        "runtime": lock.runtime.release.version().as_str(),
        "packages": lock.packages.len(),
        "files": published.files,
        "kept": published.kept,
        "shared": published.shared,
        "written": published.written,
        "cycles": cut.iter().map(|edge| json!({
            "cycle": edge.cycle.iter().map(ProjectName::as_str).collect::<Vec<_>>(),
            "left_out": [edge.from.as_str(), edge.to.as_str()],
        })).collect::<Vec<_>>(),
        "losses": losses.iter().map(|loss| json!({
            "package": loss.root.as_str(),
            "without": loss.lost.iter().map(ProjectName::as_str).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
