//! What an entry means: a download, no download, or one that cannot be made.

use std::collections::HashMap;

use super::{
    entry::{Form, Limits, RawEntry},
    path::{self, split_package},
};
use crate::{
    core::artifact::Conditions,
    lockfile::{
        entry::{EntryKind, NoDownload},
        error::EntryProblem,
        lenient::List,
        package::Stated,
    },
};

/// Classifies the entries of one lockfile: some can only be understood beside others.
pub(super) struct Classifier<'a> {
    form: Form,
    has_workspaces: bool,
    /// Whether an entry is bundled, by its path, for those that say they are.
    in_bundle: HashMap<&'a str, bool>,
}

impl<'a> Classifier<'a> {
    pub(super) fn new(form: Form, entries: &'a [RawEntry<'a>]) -> Self {
        let has_workspaces = entries.iter().any(|entry| entry.path.is_empty() && entry.has_workspaces);
        let marked = entries.iter().filter(|entry| entry.is_in_bundle());
        let mut in_bundle: HashMap<&str, bool> = marked.map(|entry| (&*entry.path, true)).collect();
        settle_bundles(&mut in_bundle);
        Self { form, has_workspaces, in_bundle }
    }

    /// What the entry is.
    pub(super) fn classify(&self, entry: &RawEntry<'_>) -> Result<EntryKind, EntryProblem> {
        if let Some(problem) = entry.problem() {
            return Err(problem.clone());
        }
        path::check(&entry.path)?;
        if entry.path.is_empty() {
            return Ok(EntryKind::NoDownload(NoDownload::Project));
        }
        if entry.link.is_set() {
            return Ok(EntryKind::NoDownload(NoDownload::Link));
        }
        let Some((_, installed_name)) = split_package(&entry.path) else {
            return Ok(EntryKind::NoDownload(self.folder(&entry.path)));
        };
        if self.is_bundled(entry) {
            return Ok(EntryKind::NoDownload(NoDownload::Bundled));
        }
        stated(self.form, entry, installed_name)?.classify(conditions(entry)?)
    }

    /// A folder with an entry of its own. Workspaces lie inside the project, and the root lists them.
    fn folder(&self, path: &str) -> NoDownload {
        let is_inside = !path.starts_with("..") && !path.starts_with('/');
        if self.has_workspaces && is_inside { NoDownload::Project } else { NoDownload::LocalFolder }
    }

    fn is_bundled(&self, entry: &RawEntry<'_>) -> bool {
        match self.in_bundle.get(&*entry.path) {
            Some(true) => true,
            // npm 6 marks what lies in a linked folder's node_modules as bundled and states nothing else about it.
            Some(false) => {
                self.form == Form::Nested
                    && entry.resolved.text("").is_ok_and(|text| text.is_none())
                    && entry.integrity.text("").is_ok_and(|text| text.is_none())
            }
            None => false,
        }
    }
}

/// Decides for each path whether it is in a package's archive. What the project itself bundles is marked alike, but downloaded: the project has no archive yet.
fn settle_bundles(in_bundle: &mut HashMap<&str, bool>) {
    let by_project: Vec<&str> = in_bundle.keys().copied().filter(|path| bundler_is_project(path, in_bundle)).collect();
    for path in by_project {
        in_bundle.insert(path, false);
    }
}

/// Whether the outermost package of the bundle that the path belongs to is bundled by a folder, not by a package.
fn bundler_is_project(path: &str, in_bundle: &HashMap<&str, bool>) -> bool {
    let mut path = path;
    while let Some((parent, _)) = split_package(path) {
        if !in_bundle.contains_key(parent) {
            return split_package(parent).is_none();
        }
        path = parent;
    }
    true
}

/// An entry's name, version and address, wherever its form has them.
fn stated<'a>(form: Form, entry: &'a RawEntry<'_>, installed_name: &'a str) -> Result<Stated<'a>, EntryProblem> {
    let name = entry.name.text("name")?;
    let version = entry.version.text("version")?;
    let address = entry.resolved.text("resolved")?;
    let integrity = entry.integrity.text("integrity")?;
    if form == Form::Flat {
        return Ok(Stated { name: name.unwrap_or(installed_name), version, address, integrity });
    }
    // Version 1 has the real name of an alias in the version, and the address of what no registry has.
    if let Some((name, version)) = version.and_then(|text| text.strip_prefix("npm:")?.rsplit_once('@')) {
        return Ok(Stated { name, version: Some(version), address, integrity });
    }
    Ok(match version {
        Some(text) if text.contains(':') => {
            Stated { name: installed_name, version: None, address: Some(text), integrity }
        }
        _ => Stated { name: installed_name, version, address, integrity },
    })
}

fn conditions(entry: &RawEntry<'_>) -> Result<Conditions, EntryProblem> {
    let names = |list: fn(&Limits) -> &List, field| {
        entry.limits.as_deref().map(|limits| list(limits).names(field)).transpose().map(Option::unwrap_or_default)
    };
    Ok(Conditions {
        dev: entry.dev.is_set(),
        optional: entry.optional.is_set(),
        dev_optional: entry.dev_optional.is_set(),
        peer: entry.peer.is_set(),
        os: names(|limits| &limits.os, "os")?,
        cpu: names(|limits| &limits.cpu, "cpu")?,
        libc: names(|limits| &limits.libc, "libc")?,
    })
}
