//! What the registry on loopback asks for while it serves: artifacts that the store lacks, and a place for its remarks.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use larder_store::{Store, key::BlobRef};

use super::{larder_lock::threads, provision::Project};
use crate::{
    cli,
    commands::context::Context,
    core::{artifact::Artifact, error_chain::chain, layout::Layout},
    fetcher::{Downloads, Failure, Fetcher},
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
    projects: Arc<Vec<Project>>,
    /// By the entries that name them: the project, and where the artifact is in its plan.
    named: HashMap<EntryName, Vec<(usize, usize)>>,
    fetchers: Vec<Fetcher>,
    store: Store,
    printer: Printer,
    now: Timestamp,
    /// What was said already: clients ask again and again.
    said: Mutex<HashSet<String>>,
}

impl Through {
    pub(super) fn new(
        projects: &Arc<Vec<Project>>,
        store: &Store,
        fetching: &cli::Fetching,
        context: &Context<'_>,
    ) -> Self {
        let mut named: HashMap<EntryName, Vec<(usize, usize)>> = HashMap::new();
        for (project, at) in projects.iter().zip(0..) {
            for (planned, position) in project.input.plan.artifacts().iter().zip(0..) {
                for entry in &planned.entries {
                    named.entry(entry.clone()).or_default().push((at, position));
                }
            }
        }
        Self {
            projects: Arc::clone(projects),
            named,
            fetchers: projects.iter().map(|project| project.fetcher(store, fetching, context).clone()).collect(),
            store: store.clone(),
            printer: context.printer,
            now: context.now,
            said: Mutex::default(),
        }
    }

    /// The artifact with its project's position. Entries of several projects may have the same name.
    fn planned(&self, artifact: &Artifact, entry: &EntryName) -> Option<(usize, &Planned)> {
        self.named.get(entry)?.iter().find_map(|&(at, position)| {
            let planned = &self.projects[at].input.plan.artifacts()[position];
            (planned.artifact == *artifact).then_some((at, planned))
        })
    }

    /// Sees to it that everything that `larder.lock` names is in the store.
    fn complete_pyodide(&self, at: usize) -> Result<(), String> {
        let project = &self.projects[at];
        let named = project.named_by(LARDER_LOCK);
        let configurations = project.input.by_lockfile(&project.configurations);
        let downloads = Downloads::of_artifacts(named, configurations, &project.input.project.settings);
        let completed = self.fetchers[at].pull(&downloads).map_err(|error| chain(&error).join(": "))?;
        let failures: Vec<String> = completed.report.failures.iter().map(in_one_line).collect();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
    }
}

impl Upstream for Through {
    fn pull(&self, artifact: &Artifact, entry: &EntryName) -> Result<BlobRef, String> {
        let (at, planned) = self.planned(artifact, entry).ok_or_else(|| format!("{entry} is not in the plan"))?;
        let project = &self.projects[at];
        let configurations = project.input.by_lockfile(&project.configurations);
        let downloads = Downloads::of_artifacts([planned], configurations, &project.input.project.settings);
        let downloads = downloads.with_optional(&project.input);
        let completed = self.fetchers[at].pull(&downloads).map_err(|error| chain(&error).join(": "))?;
        if let Some(failure) = completed.report.failures.first() {
            return Err(in_one_line(failure));
        }
        if let Some(gone) = completed.report.gone.first() {
            return Err(format!("optional and gone: {}", in_one_line(&gone.packages[0])));
        }
        let item = completed.items.first().ok_or_else(|| format!("{}: it did not arrive", planned.artifact))?;
        Ok(item.found)
    }

    fn folder(&self, which: PyodideFolder) -> Result<Layout, String> {
        let locked = |project: &Project| project.input.larder_lock.is_some();
        let at = self.projects.iter().position(locked);
        let at = at.ok_or("no project has a larder.lock: `larder lock` writes one")?;
        let lock = self.projects[at].input.larder_lock.as_ref().expect("it was found by it");
        self.complete_pyodide(at)?;
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
