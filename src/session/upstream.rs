//! The upstream of the registry on loopback: a pull-through cache over sessions.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Mutex, PoisonError},
};

use larder_store::key::BlobRef;

use super::{open::Session, settings::threads};
use crate::{
    core::{artifact::Artifact, error_chain::chain, layout::Layout},
    fetcher::Failure,
    plan::{EntryName, Planned},
    pyodide::folder::FolderInput,
    registry::{PyodideFolder, Upstream},
    view::{
        locked_files::{self, LockedFiles},
        wheelhouse::wheelhouse,
    },
};

/// Refusals that are told: any program on the machine can cause one.
const MOST_SAID: usize = 1000;

/// Takes a line about a request that was refused.
type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// Fetches through, or says why not.
pub(crate) struct PullThrough {
    sessions: Vec<Session>,
    /// By the entries that name them: the session, and where the artifact is in its plan.
    named: HashMap<EntryName, Vec<(usize, usize)>>,
    tell: Tell,
    /// What was said already: clients ask again and again.
    said: Mutex<HashSet<String>>,
}

impl PullThrough {
    /// Over these sessions. `tell` is given each refusal once, up to a bound.
    pub(crate) fn new(sessions: Vec<Session>, tell: Tell) -> Self {
        let mut named: HashMap<EntryName, Vec<(usize, usize)>> = HashMap::new();
        for (session, at) in sessions.iter().zip(0..) {
            for (planned, position) in session.plan().artifacts().iter().zip(0..) {
                for entry in &planned.entries {
                    named.entry(entry.clone()).or_default().push((at, position));
                }
            }
        }
        Self { sessions, named, tell, said: Mutex::default() }
    }

    /// The artifact with its session. Entries of several projects may have the same name.
    fn planned(&self, artifact: &Artifact, entry: &EntryName) -> Option<(&Session, &Planned)> {
        self.named.get(entry)?.iter().find_map(|&(at, position)| {
            let session = &self.sessions[at];
            let planned = &session.plan().artifacts()[position];
            (planned.artifact == *artifact).then_some((session, planned))
        })
    }
}

/// Sees to it that everything that Pyodide needs is in the store.
fn complete_pyodide(session: &Session) -> Result<(), String> {
    let downloads = session.project.downloads_of_pyodide();
    let completed = session.pull(&downloads).map_err(|error| chain(&error).join(": "))?;
    let failures: Vec<String> = completed.report.failures.iter().map(in_one_line).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

impl fmt::Debug for PullThrough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullThrough").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl Upstream for PullThrough {
    fn pull(&self, artifact: &Artifact, entry: &EntryName) -> Result<BlobRef, String> {
        let (session, planned) = self.planned(artifact, entry).ok_or_else(|| format!("{entry} is not in the plan"))?;
        let downloads = session.project.downloads_of([planned]);
        let completed = session.pull(&downloads).map_err(|error| chain(&error).join(": "))?;
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
        let found = self.sessions.iter().find_map(|session| Some((session, session.project.read.pyodide_lock()?)));
        let has_lock = || self.sessions.iter().any(|session| session.project.read.larder_lock.is_some());
        let missing = || {
            if has_lock() {
                "no larder.lock has Pyodide: `larder lock` writes it"
            } else {
                "no project has a larder.lock: `larder lock` writes one"
            }
        };
        let (session, lock) = found.ok_or_else(missing)?;
        complete_pyodide(session)?;
        let with_runtime = which == PyodideFolder::Pyodide;
        let loaded = locked_files::load(session.store(), lock, with_runtime, session.now, threads());
        let LockedFiles { core, files, wheels } = loaded.map_err(|error| chain(&error).join(": "))?;
        let Some(core) = core else { return Ok(wheelhouse(lock, &files)) };
        let folder = FolderInput { lock, runtime_files: core, files, wheels, elsewhere: None }.lay_out();
        Ok(folder.map_err(|error| chain(&error).join(": "))?.layout)
    }

    fn refused(&self, request: &str, why: &str) {
        let line = format!("refused {}: {why}", request.escape_debug());
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID && said.insert(line.clone()) {
            (self.tell)(&line);
            if said.len() == MOST_SAID {
                (self.tell)("further refusals are not told");
            }
        }
    }
}

/// A failure in one line.
pub(super) fn in_one_line(failure: &Failure) -> String {
    let entry = &failure.entries[0];
    let sentence = failure.kind.sentence(&entry.lockfile);
    let causes = failure.kind.causes();
    let why = if causes.is_empty() { String::new() } else { format!(": {}", causes.join(": ")) };
    format!("{}: {sentence}{why} (wanted by {entry})", failure.package)
}
