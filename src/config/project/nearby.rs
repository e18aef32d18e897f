//! What is around a folder without a lockfile, for a hint.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::lockfile_names::lockfile_names;
use crate::lockfile::Format;

/// Folder entries that are looked at for a hint: enough for a monorepo, and done before a person notices.
const HINT_ENTRIES: usize = 2000;

/// Lockfiles that a hint names.
const HINT_LOCKFILES: usize = 5;

/// The way out of a folder that is no project.
pub(super) const NAME_IT: &str =
    "name the project's folder or its lockfile; if none is named, larder takes the current folder";

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

impl Nearby {
    /// What is around this folder, whose `package.json` names this package manager.
    pub(super) fn of(folder: &Path, manager: Option<Format>) -> Self {
        Self {
            below: lockfiles_below(folder),
            above: lockfile_above(folder),
            has_package_json: folder.join("package.json").is_file(),
            manager,
        }
    }

    pub(super) fn hint(&self, folder: &Path) -> String {
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

/// A path as a person would type it, without a leading `./`.
pub(super) fn shown(path: &Path) -> String {
    let parts: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    parts.display().to_string()
}
