//! A project: its folder, its lockfiles, its `larder.toml`.
//!
//! Finds the files and reads each whole, once, up to a bound. It does not parse lockfiles.
//!
//! ```text
//! choice.rs            which lockfiles count where several package managers have one
//! lockfile_names.rs    the lockfile names of each package manager
//! workspace.rs         from a workspace member up to the workspace's root
//! files.rs             reads a file up to a bound
//! nearby.rs            what is around a folder without a lockfile, for the hint
//! error.rs             why there is no project, with a hint
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::{
    choice::{DecidedBy, Several},
    error::ProjectError,
    nearby::Nearby,
};
use self::{
    files::{LONGEST_SETTINGS, read_file},
    lockfile_names::lockfile_names,
};
use crate::{
    config::larder_toml::LarderToml,
    lockfile::{Format, larder_lock::LARDER_LOCK},
};

mod choice;
mod error;
mod files;
mod lockfile_names;
mod nearby;
#[cfg(test)]
mod tests;
mod workspace;

/// bun's lockfile in its binary form.
const BINARY_LOCKFILE: &str = "bun.lockb";

/// The settings' file name.
const SETTINGS: &str = "larder.toml";

/// A lockfile of 100,000 entries has 50 MB. 512 MiB.
const LONGEST_LOCKFILE: u64 = 512 << 20;

/// What was found where a person pointed.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that holds `larder.toml`, or would.
    pub folder: PathBuf,
    /// The package managers' lockfiles, in the order of `larder.toml`, or those that were found, or the one that was named. None only where Pyodide is all that the
    /// project has.
    pub lockfiles: Vec<LockfileBytes>,
    /// Lockfiles beside those that were found that larder cannot read.
    pub passed_over: Vec<&'static str>,
    /// Lockfiles of several package managers in the folder, where something has to be said of it.
    pub several: Option<Several>,
    /// The folder that was named, if it is a workspace's and the project is the root's.
    pub member: Option<PathBuf>,
    /// What `larder.toml` says; the default if there is none.
    pub settings: LarderToml,
    /// `larder.lock`, if it is there. Of a lockfile that is named alone it is not read.
    pub larder_lock: Option<LockfileBytes>,
}

impl Project {
    /// Whether lockfiles of other package managers are beside those that are read.
    pub fn leaves_lockfiles_out(&self) -> bool {
        self.several.as_ref().is_some_and(|several| !several.left.is_empty())
    }

    /// Whether every lockfile of the folder is read: what none of them has, the project has not.
    pub fn knows_all_packages(&self) -> bool {
        self.passed_over.is_empty() && !self.leaves_lockfiles_out()
    }
}

/// A lockfile as it was read.
#[derive(Clone, Debug)]
pub struct LockfileBytes {
    /// Its path.
    pub path: PathBuf,
    /// Its path from the project's folder, with `/` between the parts: what output and digests use.
    pub name: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl LockfileBytes {
    /// The folder that it stands in, where `.npmrc` is looked for.
    pub fn folder(&self) -> &Path {
        folder_of(&self.path)
    }
}

impl Project {
    /// The project in this folder, or of this lockfile. Of a lockfile that is named, `larder.toml` is the one beside it, and the
    /// lockfiles that it lists are not read.
    pub fn open(path: &Path) -> Result<Self, ProjectError> {
        Self::open_for(path, &[])
    }

    /// The same for a command that calls these package managers: of several lockfiles in a folder, theirs count.
    pub fn open_for(path: &Path, called: &[Format]) -> Result<Self, ProjectError> {
        let metadata = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                ProjectError::NothingThere { path: path.to_owned(), listed_in: None }
            }
            _ => ProjectError::Unreadable { path: path.to_owned(), source },
        })?;
        let (folder, only) = match path.file_name() {
            Some(name) if !metadata.is_dir() => (folder_of(path), Some(PathBuf::from(name))),
            _ => (path, None),
        };
        let settings = settings_of(folder)?;
        let has_larder_lock =
            folder.join(LARDER_LOCK).is_file() && only.as_ref().is_none_or(|name| name.as_os_str() == LARDER_LOCK);
        let looks_around = only.is_none() && settings.lockfiles.is_empty();
        let listed_in = (!looks_around && only.is_none()).then(|| folder.join(SETTINGS));
        let mut several = None;
        let names = match only {
            Some(name) if name.as_os_str() == LARDER_LOCK => Vec::new(),
            Some(name) => vec![name],
            None if listed_in.is_some() => settings.lockfiles.clone(),
            None => match find_lockfiles(folder) {
                Ok(found) => {
                    let names = if found.len() > 1 {
                        let (taken, told) = choice::choose(found, called, named_manager(folder));
                        several = told;
                        taken
                    } else {
                        found
                    };
                    names.into_iter().map(PathBuf::from).collect()
                }
                Err(_) if settings.pyodide.is_some() || has_larder_lock => Vec::new(),
                // A folder with settings is a project of its own.
                Err(error) if settings != LarderToml::default() => return Err(error),
                Err(error) => return Self::of_root(folder, called)?.ok_or(error),
            },
        };
        let read = |name: &Path, listed_in| read_lockfile(folder, name, listed_in);
        let lockfiles = names.iter().map(|name| read(name, listed_in.as_deref())).collect::<Result<_, _>>()?;
        let larder_lock = if has_larder_lock { Some(read(Path::new(LARDER_LOCK), None)?) } else { None };
        let passed_over = if looks_around { unread_lockfiles(folder) } else { Vec::new() };
        Ok(Self { folder: folder.to_owned(), lockfiles, passed_over, several, member: None, settings, larder_lock })
    }

    /// The project of the workspace that this folder is in, if there is one.
    fn of_root(folder: &Path, called: &[Format]) -> Result<Option<Self>, ProjectError> {
        let is_its_own = folder.join(BINARY_LOCKFILE).is_file();
        let Some(root) = workspace::root_of(folder).filter(|_| !is_its_own) else { return Ok(None) };
        let project = Self::open_for(&root, called)?;
        Ok(Some(Self { member: Some(folder.to_owned()), ..project }))
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the `larder.toml` in a folder says, with its paths from there; the default if there is none.
pub fn settings_of(folder: &Path) -> Result<LarderToml, ProjectError> {
    let path = folder.join(SETTINGS);
    match read_file(&path, LONGEST_SETTINGS)? {
        Some(bytes) => {
            let mut settings = LarderToml::parse(&bytes, &path)?;
            if let Some(pyodide) = &mut settings.pyodide {
                pyodide.begin_at(folder);
            }
            settings.store.over = settings.store.over.map(|over| folder.join(over));
            Ok(settings)
        }
        None => Ok(LarderToml::default()),
    }
}

/// Of each package manager, the lockfile that it would read: one project may use several, and what each of them names makes one plan.
fn find_lockfiles(folder: &Path) -> Result<Vec<&'static str>, ProjectError> {
    let found: Vec<&'static str> = lockfile_names(folder).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    if folder.join(BINARY_LOCKFILE).is_file() {
        return Err(ProjectError::BinaryLockfile { path: folder.join(BINARY_LOCKFILE) });
    }
    Err(ProjectError::NoLockfile { folder: folder.to_owned(), nearby: Nearby::of(folder, named_manager(folder)) })
}

/// The package manager that the folder's `package.json` names. One that cannot be read names none.
fn named_manager(folder: &Path) -> Option<Format> {
    let package = read_file(&folder.join("package.json"), LONGEST_SETTINGS).ok()??;
    choice::named_by(&package)
}

/// The binary form counts only where its text is not beside it.
fn unread_lockfiles(folder: &Path) -> Vec<&'static str> {
    let is_there = |name: &str| folder.join(name).is_file();
    let is_alone = is_there(BINARY_LOCKFILE) && !is_there(Format::Bun.file_names()[0]);
    if is_alone { vec![BINARY_LOCKFILE] } else { Vec::new() }
}

fn read_lockfile(folder: &Path, name: &Path, listed_in: Option<&Path>) -> Result<LockfileBytes, ProjectError> {
    let path = folder.join(name);
    if name.file_name().is_some_and(|name| name == BINARY_LOCKFILE) {
        return Err(ProjectError::BinaryLockfile { path });
    }
    let nothing = || ProjectError::NothingThere { path: path.clone(), listed_in: listed_in.map(Path::to_owned) };
    let bytes = read_file(&path, LONGEST_LOCKFILE)?.ok_or_else(nothing)?;
    let parts: Vec<_> = name.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(LockfileBytes { path, name: parts.join("/"), bytes: bytes.into() })
}
