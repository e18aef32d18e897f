//! The difference between two locks: a line for each package that was added, removed or changed. Pure.

use std::{collections::BTreeMap, fmt};

use crate::lockfile::larder_lock::{LockedPackage, PyodideLock};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Came {
        name: String,
        version: String,
    },
    Went {
        name: String,
        version: String,
    },
    Moved {
        name: String,
        from: String,
        to: String,
    },
    /// The same version, another file.
    Other {
        name: String,
        version: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Came { name, version } => write!(f, "+ {name} {version}"),
            Self::Went { name, version } => write!(f, "- {name} {version}"),
            Self::Moved { name, from, to } => write!(f, "~ {name} {from} → {to}"),
            Self::Other { name, version } => write!(f, "~ {name} {version}, another file"),
        }
    }
}

/// The differences between two locks, by name; the runtime is the first.
pub(super) fn between(before: Option<&PyodideLock>, after: &PyodideLock) -> Vec<Change> {
    let by_name = |lock: &PyodideLock| -> BTreeMap<String, LockedPackage> {
        lock.packages.iter().map(|package| (package.name.to_string(), package.clone())).collect()
    };
    let (old, new) = (before.map(by_name).unwrap_or_default(), by_name(after));
    let mut changes = Vec::new();
    if let Some(before) = before {
        let (from, to) = (before.runtime.release.version(), after.runtime.release.version());
        if from != to {
            changes.push(Change::Moved { name: "Pyodide".to_owned(), from: from.to_string(), to: to.to_string() });
        }
    }
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    changes.extend(names.into_iter().filter_map(|name| change(name, old.get(name), new.get(name))));
    changes
}

fn change(name: &str, old: Option<&LockedPackage>, new: Option<&LockedPackage>) -> Option<Change> {
    let name = name.to_owned();
    match (old, new) {
        (None, Some(new)) => Some(Change::Came { name, version: new.version.to_string() }),
        (Some(old), None) => Some(Change::Went { name, version: old.version.to_string() }),
        (Some(old), Some(new)) if old.version != new.version => {
            Some(Change::Moved { name, from: old.version.to_string(), to: new.version.to_string() })
        }
        (Some(old), Some(new)) if old.sha256 != new.sha256 => {
            Some(Change::Other { name, version: new.version.to_string() })
        }
        _ => None,
    }
}
