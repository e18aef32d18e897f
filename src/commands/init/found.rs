//! What is in a project's folder that `larder init` takes over.

use std::path::Path;

use super::own_files::{OwnFiles, STATIC_FOLDERS};
use crate::{
    commands::error::CommandError,
    config::project::{Project, ProjectError},
    session,
};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Lockfiles that have to be named, since they are not in the folder itself.
    pub(super) lockfiles: Vec<String>,
    /// The release of Pyodide that a lockfile names, and the lockfile.
    pub(super) runtime: Option<(String, String)>,
    /// Where a bundler takes files from as they are.
    pub(super) static_folder: Option<&'static str>,
    /// What the project's scripts, its own Pyodide lock and its Dockerfiles say.
    pub(super) own: OwnFiles,
}

/// What is in a folder. One without lockfiles, but with projects below it, lists theirs.
pub(super) fn look(folder: &Path) -> Result<Found, CommandError> {
    let mut found = Found {
        static_folder: STATIC_FOLDERS.into_iter().find(|name| folder.join(name).is_dir()),
        own: OwnFiles::find(folder),
        ..Found::default()
    };
    let projects = match Project::open(folder) {
        Ok(project) => vec![project],
        Err(ProjectError::NoLockfile { nearby, .. }) => {
            let below = nearby.below.iter();
            found.lockfiles = below.clone().filter_map(|path| relative(folder, path)).collect();
            below.map(|path| Project::open(path)).collect::<Result<_, _>>()?
        }
        Err(error) => return Err(error.into()),
    };
    for project in &projects {
        let readings = session::readings(project)?;
        let runtime = session::runtimes(&readings).next();
        if let (None, Some((lockfile, artifact))) = (&found.runtime, runtime) {
            found.runtime = Some((artifact.version.to_string(), lockfile.to_owned()));
        }
    }
    Ok(found)
}

fn relative(folder: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(folder).unwrap_or(path).components();
    let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/"))
}
