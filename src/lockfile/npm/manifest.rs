//! What an npm lockfile of version 2 or 3 says about its packages beyond where their bytes are: npm keeps there everything that it needs of a
//! package's description, so that it can install without asking a registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    lockfile::LocalTarball,
    manifest::{FIELDS, Manifest, Manifests},
};

#[derive(Deserialize)]
struct Lockfile<'a> {
    #[serde(borrow, default)]
    packages: BTreeMap<String, Entry<'a>>,
}

/// An entry's fields, as they stand.
type Entry<'a> = BTreeMap<String, &'a RawValue>;

fn text(entry: &Entry<'_>, field: &str) -> Option<String> {
    serde_json::from_str(entry.get(field)?.get()).ok()
}

/// The archives of this machine that a lockfile which [`super::read`] has accepted names with a digest, sorted, each once.
pub(in crate::lockfile) fn local_tarballs(bytes: &[u8]) -> Vec<LocalTarball> {
    let Some(lockfile) = parse(bytes) else { return Vec::new() };
    let local = |entry: &Entry<'_>| {
        let path = text(entry, "resolved")?.strip_prefix("file:")?.to_owned();
        Some(LocalTarball { path, integrity: text(entry, "integrity")?.parse().ok()? })
    };
    let mut found: Vec<LocalTarball> = lockfile.packages.values().filter_map(local).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup();
    found
}

fn parse(bytes: &[u8]) -> Option<Lockfile<'_>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(lockfile) => Some(lockfile),
        Err(error) => {
            tracing::debug!(%error, "the lockfile describes no package; the tarballs do");
            None
        }
    }
}

/// The manifests of a lockfile that [`super::read`] has accepted. Of version 1, whose entries do not say enough, there are none.
pub(in crate::lockfile) fn manifests(bytes: &[u8]) -> Manifests {
    let Some(lockfile) = parse(bytes) else { return Manifests::default() };
    let mut manifests = Manifests::default();
    for (path, entry) in lockfile.packages {
        let fields = FIELDS.iter().filter_map(|field| Some((*field, (*entry.get(*field)?).to_owned())));
        let manifest = Manifest::new(fields);
        match (super::classify::split_package(&path), text(&entry, "version")) {
            _ if entry.contains_key("link") => {}
            (None, _) => manifests.insert_folder(manifest),
            (Some((_, installed_name)), Some(version)) => {
                let name = text(&entry, "name").unwrap_or_else(|| installed_name.to_owned());
                manifests.insert(&name, &version, manifest);
            }
            (Some(_), None) => {}
        }
    }
    manifests
}
