//! [`Lookups`]: a folder with its lock, and what every entry of the lock is compared with.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{contents::FolderContents, problem::ProblemKind};
use crate::{
    core::runtime_version::RuntimeVersion,
    python::{name::ProjectName, runtime::Runtime, tags::Tags},
};

/// The lock's parts.
pub(super) struct Lock {
    pub(super) info: Map<String, Value>,
    pub(super) packages: Map<String, Value>,
}

pub(super) fn read_lock(contents: &FolderContents) -> Result<Lock, ProblemKind> {
    let (_, bytes) = contents.lock.as_ref().ok_or(ProblemKind::NoLock)?;
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| ProblemKind::LockNotJson { why: error.to_string() })?;
    let part = |field: &'static str| match document.get(field) {
        Some(Value::Object(part)) => Ok(part.clone()),
        _ => Err(ProblemKind::LockWithout { field }),
    };
    Ok(Lock { info: part("info")?, packages: part("packages")? })
}

/// A folder with its lock, and what every entry is compared with.
pub(super) struct Lookups<'a> {
    pub(super) contents: &'a FolderContents,
    pub(super) lock: &'a Lock,
    /// Keys by normalised name, in the lock's spelling.
    pub(super) names: BTreeMap<ProjectName, &'a str>,
    /// Whether the loader finds a key by the normalised form of a name.
    pub(super) normalizes: bool,
    pub(super) tags: Option<Tags>,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(contents: &'a FolderContents, lock: &'a Lock) -> Self {
        let names = lock.packages.keys().filter_map(|key| Some((ProjectName::parse(key).ok()?, key.as_str())));
        let stated = lock.info.get("version").and_then(Value::as_str).unwrap_or_default();
        let old = ["0.21.", "0.22.", "0.23.", "0.24."];
        let text = |field| lock.info.get(field).and_then(Value::as_str);
        let version = RuntimeVersion::parse(contents.stated("API.version").unwrap_or("0.0.0")).ok();
        let runtime = version.zip(text("python")).zip(text("platform")).and_then(|((version, python), platform)| {
            Runtime::new(version, python, platform, text("abi_version")).ok()
        });
        Self {
            contents,
            lock,
            names: names.collect(),
            normalizes: !old.iter().any(|old| stated.starts_with(old)),
            tags: runtime.map(|runtime| runtime.tags()),
        }
    }
}
