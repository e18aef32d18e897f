//! What the registry on loopback asks for while it serves: artifacts that the store lacks, and a place for its remarks.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use larder_store::{Store, look_up::Found};

use super::{larder_lock::threads, provision::Project, settings};
use crate::{
    cli,
    core::{artifact::Artifact, error_chain::chain, layout::Layout},
    fetcher::{
        Failure, FillSettings, Unwatched, Watcher, Wishes,
        ensure::{Reader, supply},
    },
    lockfile::larder_lock::LARDER_LOCK,
    plan::{EntryName, Planned},
    pyodide::folder::FolderInput,
    registry::{PyodideFolder, Upstream},
    ui::printer::Printer,
    view::{
        locked_files::{self, LockedFiles},
        wheelhouse::wheelhouse,
    },
};

/// Refusals that are told: any program on the machine can cause one.
const MOST_SAID: usize = 1000;

/// Fetches through, or says why not.
pub(super) struct Through {
    pub(super) projects: Arc<Vec<Project>>,
    pub(super) store: Store,
    pub(super) fetching: cli::Fetching,
    pub(super) printer: Printer,
    pub(super) now: Timestamp,
    /// What was said already: clients ask again and again.
    pub(super) said: Mutex<HashSet<String>>,
}

impl Through {
    fn planned(&self, artifact: &Artifact, entry: &EntryName) -> Option<(&Project, &Planned)> {
        let is_it = |planned: &&Planned| planned.artifact == *artifact && planned.entries.contains(entry);
        self.projects.iter().find_map(|project| Some((project, project.input.plan.artifacts().iter().find(is_it)?)))
    }

    /// Sees to it that everything that `larder.lock` names is in the store.
    fn complete_pyodide(&self, project: &Project) -> Result<(), String> {
        let named = project.named_by(LARDER_LOCK);
        let configurations = project.input.by_lockfile(&project.configurations);
        let wishes = Wishes::of_artifacts(named, configurations, &project.input.project.settings);
        let watcher: Arc<dyn Watcher> = Arc::new(Unwatched);
        let supplied =
            supply(&self.store, &wishes, &project.configurations, &self.settings(project), &watcher, Reader::Supply)
                .map_err(|error| chain(&error).join(": "))?;
        let failures: Vec<String> = supplied.filled.failures.iter().map(in_one_line).collect();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
    }

    fn settings(&self, project: &Project) -> FillSettings {
        let toml = &project.input.project.settings;
        settings::fill_settings_at(&self.fetching, toml, &project.configurations, self.now)
    }
}

impl Upstream for Through {
    fn fetch(&self, artifact: &Artifact, entry: &EntryName) -> Result<Found, String> {
        let (project, planned) = self.planned(artifact, entry).ok_or_else(|| format!("{entry} is not in the plan"))?;
        let configurations = project.input.by_lockfile(&project.configurations);
        let wishes = Wishes::of_artifacts([planned], configurations, &project.input.project.settings);
        let wishes = wishes.with_optional(&project.input);
        let watcher: Arc<dyn Watcher> = Arc::new(Unwatched);
        let supplied =
            supply(&self.store, &wishes, &project.configurations, &self.settings(project), &watcher, Reader::Supply)
                .map_err(|error| chain(&error).join(": "))?;
        if let Some(failure) = supplied.filled.failures.first() {
            return Err(in_one_line(failure));
        }
        if let Some(gone) = supplied.filled.gone.first() {
            return Err(format!("optional and gone: {}", in_one_line(&gone.packages[0])));
        }
        let item = supplied.items.first().ok_or_else(|| format!("{}: it did not arrive", planned.artifact))?;
        Ok(item.found)
    }

    fn folder(&self, which: PyodideFolder) -> Result<Layout, String> {
        let locked = |project: &'_ Project| project.input.larder_lock.is_some();
        let project = self.projects.iter().find(|project| locked(project));
        let project = project.ok_or("no project has a larder.lock: `larder lock` writes one")?;
        let lock = project.input.larder_lock.as_ref().expect("it was found by it");
        self.complete_pyodide(project)?;
        let with_runtime = which == PyodideFolder::Pyodide;
        let loaded = locked_files::load(&self.store, lock, with_runtime, self.now, threads());
        let LockedFiles { core, files, wheels } = loaded.map_err(|error| chain(&error).join(": "))?;
        let Some(core) = core else { return Ok(wheelhouse(lock, &files)) };
        let folder = FolderInput { lock, runtime_files: core, files, wheels, elsewhere: None }.lay_out();
        Ok(folder.map_err(|error| chain(&error).join(": "))?.layout)
    }

    fn refused(&self, request: &str, why: &str) {
        let line = format!("refused {}: {why}", request.escape_debug());
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID && said.insert(line.clone()) {
            self.printer.warning(&line);
            if said.len() == MOST_SAID {
                self.printer.warning("further refusals are not told");
            }
        }
    }
}

fn in_one_line(failure: &Failure) -> String {
    let entry = &failure.entries[0];
    let sentence = failure.kind.sentence(&entry.lockfile);
    let causes = failure.kind.causes();
    let why = if causes.is_empty() { String::new() } else { format!(": {}", causes.join(": ")) };
    format!("{}: {sentence}{why} (wanted by {entry})", failure.package)
}

/// The projects that are meant where none is named.
pub(super) fn or_here(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.is_empty() { vec![PathBuf::from(".")] } else { paths.to_vec() }
}
