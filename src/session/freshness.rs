//! The freshness of Pyodide's part of `larder.lock`: whether it is what `larder.toml` and the npm lockfiles ask for. Needs no network: what a newer lock would choose is another matter.

use std::{collections::BTreeSet, path::PathBuf};

use super::warning::Warning;
use crate::{
    config::project::Project,
    core::{
        artifact::{Artifact, Ecosystem, Source},
        path_error::below,
    },
    lockfile::{
        EntryKind, RUNTIME_PACKAGE, Reading,
        larder_lock::{LARDER_LOCK, LarderLock, PyodideLock},
    },
    plan::{Plan, Planned},
};

/// A `larder.lock` that was made for something else.
#[derive(Debug, thiserror::Error)]
#[error("{}larder.lock is out of date: {what}", below(folder))]
pub struct OutdatedLock {
    /// The project's folder.
    folder: PathBuf,
    /// What is asked for, and what the lock has.
    what: String,
}

/// A project without a `larder.lock` that pins Pyodide.
#[derive(Debug, thiserror::Error)]
#[error("{} {}", path.display(), if *is_there { "has downloads, and no Pyodide" } else { "does not exist" })]
pub struct NoLarderLock {
    /// Where it should be.
    pub(crate) path: PathBuf,
    /// Whether the file is there, and has downloads alone.
    pub(crate) is_there: bool,
}

/// The entries of npm lockfiles that name a runtime, each with its lockfile's name.
pub(crate) fn runtimes(readings: &[Reading]) -> impl Iterator<Item = (&str, &Artifact)> {
    readings.iter().flat_map(|reading| {
        reading.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Artifact(artifact)
                if artifact.name.as_str() == RUNTIME_PACKAGE
                    && matches!(artifact.source, Source::Registry { .. } | Source::Remote { .. }) =>
            {
                Some((&*reading.lockfile, artifact))
            }
            _ => None,
        })
    })
}

/// Names the first disagreement.
pub(super) fn check(project: &Project, readings: &[Reading], lock: &PyodideLock) -> Result<(), OutdatedLock> {
    let locked = lock.runtime.release.version();
    let outdated = |what: String| Err(OutdatedLock { folder: project.folder.clone(), what });
    let settings = project.settings.pyodide.as_ref();
    if let Some(version) = settings.and_then(|settings| settings.version.as_ref()) {
        if version != locked {
            return outdated(format!("larder.toml asks for Pyodide {version}, larder.lock has {locked}"));
        }
    } else {
        let stated: Vec<(&str, &Artifact)> = runtimes(readings).collect();
        let is_stated = stated.iter().any(|(_, artifact)| artifact.version.as_str() == locked.as_str());
        if let (false, Some((lockfile, artifact))) = (is_stated, stated.first()) {
            return outdated(format!("{lockfile} has Pyodide {}, larder.lock has {locked}", artifact.version));
        }
    }
    let Some(settings) = settings else { return Ok(()) };
    let asked: BTreeSet<String> = settings.packages.iter().map(ToString::to_string).collect();
    let requested: BTreeSet<String> = lock.requested.iter().cloned().collect();
    if let Some(new) = asked.difference(&requested).next() {
        return outdated(format!("larder.toml asks for `{new}`, and larder.lock was made without it"));
    }
    if let Some(old) = requested.difference(&asked).next() {
        return outdated(format!("larder.lock was made with `{old}`, and larder.toml does not ask for it"));
    }
    Ok(())
}

/// What does not stop a fetch, and should be known: no lock yet, or npm lockfiles that name another runtime than the one that `larder.toml` chose.
pub(super) fn warnings(project: &Project, plan: &Plan, lock: Option<&LarderLock>) -> Vec<Warning> {
    let asks_for_packages = project.settings.pyodide.as_ref().is_some_and(|pyodide| !pyodide.packages.is_empty());
    let Some(lock) = lock else {
        // Of a lockfile that is named alone, it is not read.
        let is_there = project.folder.join(LARDER_LOCK).is_file();
        return (asks_for_packages && !is_there).then_some(Warning::NoLarderLock).into_iter().collect();
    };
    let Some(lock) = &lock.pyodide else {
        return asks_for_packages.then_some(Warning::NoLockedPyodide).into_iter().collect();
    };
    let locked = lock.runtime.release.version();
    let runtimes = plan.artifacts().iter().filter(|planned| {
        let artifact = &planned.artifact;
        artifact.ecosystem == Ecosystem::Npm && artifact.name.as_str() == RUNTIME_PACKAGE
    });
    let others = runtimes.filter(|planned| planned.artifact.version.as_str() != locked.as_str());
    let warning = |planned: &Planned| Warning::OtherRuntime {
        entry: planned.entries[0].clone(),
        version: planned.artifact.version.to_string(),
        locked: locked.to_string(),
    };
    others.map(warning).collect()
}
