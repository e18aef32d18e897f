//! The programs of package managers: their names, and where the one is that a command would run. None of them is run.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::core::environment::Environment;

/// npm's programs, npm itself first.
pub(super) const NPM: [&str; 4] = ["npm", "npx", "npm-cli.js", "npx-cli.js"];

/// yarn's programs, the usual one first.
pub(super) const YARN: [&str; 5] = ["yarn", "yarnpkg", "yarn.js", "yarn.cjs", "yarnpkg.js"];

/// The program that a command runs: the one of `names` among its first two words, else the first of `names` along the PATH. A word with a folder is a path.
pub(super) fn locate(command: &[OsString], names: &[&str], environment: &Environment) -> Option<PathBuf> {
    let is_named = |word: &&Path| word.file_name().is_some_and(|file| names.iter().any(|name| file == *name));
    match command.iter().take(2).map(Path::new).find(is_named) {
        Some(path) if path.components().count() > 1 => Some(environment.current_dir().join(path)),
        Some(name) => along_path(name, environment),
        None => along_path(Path::new(names.first()?), environment),
    }
}

fn along_path(name: &Path, environment: &Environment) -> Option<PathBuf> {
    environment.search_path().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The `package.json` of a folder.
pub(super) fn package_json(folder: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(folder.join("package.json")).ok()?).ok()
}
