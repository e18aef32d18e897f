//! A project: its folder, its lockfiles, its `larder.toml`.
//!
//! Finds and reads, and does not look into lockfiles. Every file is read whole, once, up to a bound.

mod choice;
mod workspace;

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

pub use self::choice::{DecidedBy, Several};
use crate::{
    config::larder_toml::{LarderToml, LarderTomlError},
    lockfile::{Format, larder_lock::LARDER_LOCK},
};

/// bun's lockfile in its binary form.
const BINARY_LOCKFILE: &str = "bun.lockb";

/// The settings' file name.
const SETTINGS: &str = "larder.toml";

/// A lockfile of 100,000 entries has 50 MB. 512 MiB.
const LONGEST_LOCKFILE: u64 = 512 << 20;

/// A page of settings has a few kilobytes. 1 MiB.
const LONGEST_SETTINGS: u64 = 1 << 20;

/// Folder entries that are looked at for a hint: enough for a monorepo, and done before a person notices.
const HINT_ENTRIES: usize = 2000;

/// Lockfiles that a hint names.
const HINT_LOCKFILES: usize = 5;

/// The way out of a folder that is no project.
const NAME_IT: &str = "name the project's folder or its lockfile; if none is named, larder takes the current folder";

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
        let settings = read_settings(folder)?;
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

fn read_settings(folder: &Path) -> Result<LarderToml, ProjectError> {
    let path = folder.join(SETTINGS);
    match read_file(&path, LONGEST_SETTINGS)? {
        Some(bytes) => {
            let mut settings = LarderToml::parse(&bytes, &path)?;
            if let Some(pyodide) = &mut settings.pyodide {
                pyodide.begin_at(folder);
            }
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
    Err(ProjectError::NoLockfile {
        folder: folder.to_owned(),
        nearby: Nearby {
            below: lockfiles_below(folder),
            above: lockfile_above(folder),
            has_package_json: folder.join("package.json").is_file(),
            manager: named_manager(folder),
        },
    })
}

/// The package manager that the folder's `package.json` names. One that cannot be read names none.
fn named_manager(folder: &Path) -> Option<Format> {
    let package = read_file(&folder.join("package.json"), LONGEST_SETTINGS).ok()??;
    choice::named_by(&package)
}

/// The names of those that the folder has, one of each package manager.
fn lockfile_names(folder: &Path) -> impl Iterator<Item = &'static str> {
    let of = |format: Format| format.file_names().iter().copied().find(|name| folder.join(name).is_file());
    Format::ALL.into_iter().filter_map(of)
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

/// The bytes of a file; `None` if there is none of that name.
fn read_file(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, ProjectError> {
    let unreadable = |source| ProjectError::Unreadable { path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    // Opening a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(ProjectError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > longest {
        return Err(ProjectError::TooLong { path: path.to_owned(), longest });
    }
    Ok(Some(bytes))
}

/// What was seen where a lockfile was looked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nearby {
    /// Lockfiles one or two folders below, sorted, a few at most.
    pub below: Vec<PathBuf>,
    /// The nearest lockfile of the folders that it is in.
    pub above: Option<PathBuf>,
    /// Whether the folder has a `package.json`.
    pub has_package_json: bool,
    /// The package manager that it names.
    pub manager: Option<Format>,
}

/// Lockfiles one and two folders below, without hidden folders, `node_modules` and links.
fn lockfiles_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries_left = HINT_ENTRIES;
    let mut level = folders_in(folder, &mut entries_left);
    for _ in 0..2 {
        for folder in &level {
            found.extend(lockfile_names(folder).map(|name| folder.join(name)));
        }
        level = level.iter().flat_map(|folder| folders_in(folder, &mut entries_left)).collect();
    }
    found.sort();
    found.truncate(HINT_LOCKFILES);
    found
}

/// A person may have gone into a folder of the project, as npm lets them.
fn lockfile_above(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder.ancestors().skip(1).find_map(|above| lockfile_names(above).next().map(|name| above.join(name)))
}

/// A hint needs no error: what cannot be listed has nothing to show.
fn folders_in(folder: &Path, entries_left: &mut usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders = Vec::new();
    for entry in entries.flatten() {
        let Some(left) = entries_left.checked_sub(1) else { break };
        *entries_left = left;
        let name = entry.file_name();
        let is_skipped = name == "node_modules" || name.as_encoded_bytes().starts_with(b".");
        if !is_skipped && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    folders
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// There is nothing at a path that was named, on the command line or in `larder.toml`.
    #[error("{} does not exist", path.display())]
    NothingThere {
        /// The path.
        path: PathBuf,
        /// The `larder.toml` that lists it, if it was not named on the command line.
        listed_in: Option<PathBuf>,
    },
    /// A folder without a lockfile.
    #[error("{} has no {}", folder.display(), names_of(&Format::ALL))]
    NoLockfile {
        /// The folder.
        folder: PathBuf,
        /// What is there instead.
        nearby: Nearby,
    },
    /// bun's lockfile in its binary form.
    #[error("{} is a lockfile of bun in its binary form, which larder does not read", path.display())]
    BinaryLockfile {
        /// The lockfile.
        path: PathBuf,
    },
    /// A folder, a pipe or a device where a file was looked for.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file that is longer than any of its kind.
    #[error("{} is longer than {longest} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bound, in bytes.
        longest: u64,
    },
    /// A file exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `larder.toml` is wrong.
    #[error(transparent)]
    LarderToml(#[from] LarderTomlError),
}

impl ProjectError {
    /// The way out, if there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BinaryLockfile { .. } => {
                Some("`bun install --save-text-lockfile` writes it as text, bun.lock".to_owned())
            }
            Self::NothingThere { listed_in: Some(settings), .. } => {
                Some(format!("`lockfiles` in {} lists it", shown(settings)))
            }
            Self::NothingThere { .. } => Some(NAME_IT.to_owned()),
            Self::NoLockfile { folder, nearby } => Some(nearby.hint(folder)),
            _ => None,
        }
    }
}

impl Nearby {
    fn hint(&self, folder: &Path) -> String {
        if !self.below.is_empty() {
            let paths: Vec<_> = self.below.iter().map(|path| shown(path)).collect();
            return format!("there are lockfiles below it: {}", paths.join(", "));
        }
        // A folder of a workspace has a package.json, too.
        match (&self.above, self.has_package_json) {
            (Some(above), _) => format!("there is a lockfile above it: {}", above.display()),
            (None, true) => {
                let renewal = self.manager.unwrap_or(Format::Npm).renewal();
                format!("`{renewal}` in {} makes one", folder.display())
            }
            (None, false) => NAME_IT.to_owned(),
        }
    }
}

/// `a, b and c`: the names that are looked for.
fn names_of(formats: &[Format]) -> String {
    let names: Vec<&str> = formats.iter().flat_map(|format| format.file_names()).copied().collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and no {last}", first.join(", no ")),
        names => names.concat(),
    }
}

/// A path as a person would type it, without a leading `./`.
fn shown(path: &Path) -> String {
    let parts: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    parts.display().to_string()
}

#[cfg(test)]
mod tests;
