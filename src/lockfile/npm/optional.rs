//! Missing optional dependencies: names that a package lists as optional and for which the lockfile has no entry.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    entry::RawEntry,
    path::{below, split_package},
};
use crate::lockfile::{diagnose::printable, missing::MissingOptional};

/// What entries name as optional and no entry is, by the package that names it.
pub(super) fn missing(entries: &[RawEntry<'_>]) -> Vec<MissingOptional> {
    let naming = || entries.iter().filter(|entry| entry.optional_names().next().is_some());
    if naming().next().is_none() {
        return Vec::new();
    }
    let paths: HashSet<&str> = entries.iter().map(|entry| &*entry.path).collect();
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // What an archive brings with it, nobody looks for in the lockfile.
    let is_whole = |entry: &&RawEntry<'_>| !entry.is_in_bundle();
    for entry in naming().filter(is_whole) {
        let mut lacking = entry.optional_names().filter(|name| !is_found(&paths, &entry.path, name)).peekable();
        let by = split_package(&entry.path).map_or(&*entry.path, |(_, name)| name);
        if lacking.peek().is_some() {
            missing.entry(by).or_default().extend(lacking);
        }
    }
    let told = |(by, names): (&str, BTreeSet<&str>)| MissingOptional {
        by: printable(by),
        names: names.into_iter().map(printable).collect(),
    };
    missing.into_iter().map(told).collect()
}

/// Whether node would find the package from here: below this folder or below one that it is in.
fn is_found(paths: &HashSet<&str>, from: &str, name: &str) -> bool {
    let mut folder = from;
    loop {
        if paths.contains(below(folder, name).as_str()) {
            return true;
        }
        if folder.is_empty() {
            return false;
        }
        folder = folder.rfind('/').map_or("", |slash| &folder[..slash]);
        folder = folder.strip_suffix("/node_modules").unwrap_or(if folder == "node_modules" { "" } else { folder });
    }
}
