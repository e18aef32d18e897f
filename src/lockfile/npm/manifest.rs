//! What an npm lockfile of version 2 or 3 says about its packages beyond where their bytes are: npm keeps there everything that it needs of a
//! package's description, so that it can install without asking a registry.

use std::collections::BTreeMap;

use larder_store::digest::Integrity;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::path::split_package;
use crate::core::manifest::{FIELDS, Manifest, Manifests};

/// An archive of this machine that a lockfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTarball {
    /// Its path, from the lockfile's folder.
    pub path: String,
    /// What the lockfile states about its bytes.
    pub integrity: Integrity,
}

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
        match (split_package(&path), text(&entry, "version")) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKFILE: &[u8] = br#"{"lockfileVersion": 3, "packages": {
        "": {"name": "app", "version": "1.0.0", "peerDependencies": {"react": "^18"}},
        "packages/theme": {"version": "1.0.0", "peerDependencies": {"vue": "^3"}},
        "node_modules/theme": {"resolved": "packages/theme", "link": true},
        "node_modules/alias": {"name": "@scope/real", "version": "2.0.0", "bin": {"real": "cli.js"}, "dev": true},
        "node_modules/a/node_modules/b": {"version": "1.0.0", "os": ["linux"]},
        "node_modules/stamp": {"version": "1.2.0", "resolved": "file:vendor/stamp.tgz", "integrity": "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}
    }}"#;

    #[test]
    fn a_package_is_described_under_its_real_name_and_folders_apart() {
        let manifests = manifests(LOCKFILE);
        let fields = |name: &str, version: &str| -> Option<Vec<(&str, String)>> {
            let manifest = manifests.get(name, version)?;
            Some(manifest.fields().map(|(field, value)| (field, value.get().to_owned())).collect())
        };
        assert_eq!(fields("@scope/real", "2.0.0"), Some(vec![("bin", r#"{"real": "cli.js"}"#.to_owned())]));
        assert_eq!(fields("b", "1.0.0"), Some(vec![("os", r#"["linux"]"#.to_owned())]));
        assert_eq!((fields("theme", "1.0.0"), fields("app", "1.0.0"), fields("alias", "2.0.0")), (None, None, None));
        let peers: Vec<String> = manifests.all().flat_map(Manifest::peers).map(|(name, _)| name).collect();
        assert_eq!(peers, ["react", "vue"]);
    }

    #[test]
    fn archives_of_this_machine_come_with_their_digest() {
        let found = local_tarballs(LOCKFILE);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.as_str(), found[0].integrity.to_string().as_str()),
            ("vendor/stamp.tgz", "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")
        );
        assert!(local_tarballs(b"{").is_empty() && manifests(b"{").all().next().is_none());
    }
}
