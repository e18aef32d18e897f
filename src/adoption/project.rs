//! What is known of a project, and what is left to a person.

use std::collections::BTreeMap;

use crate::dockerfile::Scripts;

/// What is known of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Project<'a> {
    /// The scripts of package.json, and the project's files that fetch Pyodide.
    pub(crate) scripts: Scripts<'a>,
    /// The text of package.json.
    pub(crate) manifest: &'a str,
    /// What an install reads, by the folder in the build context that it is of; the context itself is the empty path.
    pub(crate) installs: &'a BTreeMap<String, InstallInputs>,
    /// Where Pyodide's files go.
    pub(crate) pyodide_folder: &'a str,
    /// Variables that the package managers' settings name: `${TOKEN}` in .npmrc.
    pub(crate) in_settings: &'a [String],
    /// Whether pnpm installs before it runs a script (`verifyDepsBeforeRun`).
    pub(crate) installs_before_scripts: bool,
    /// Whether the package manager runs `prebuild` and `postbuild` around `build`.
    pub(crate) runs_hooks: bool,
}

/// What an install reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstallInputs {
    /// Manifests, lockfiles and settings: paths in the folder.
    pub(crate) files: Vec<String>,
    /// Why it may read more than these.
    pub(crate) more: Option<String>,
}

/// Something that is left to a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    /// The line of the Dockerfile, from 1.
    pub(crate) line: usize,
    /// What it is, and what to do about it.
    pub(crate) says: String,
}
