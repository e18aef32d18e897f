//! What an npm lockfile of version 2 or 3 says about its packages beyond where their bytes are: npm keeps there everything that it needs of a
//! package's description, so that it can install without asking a registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::manifest::{FIELDS, Manifest, Manifests};

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

/// The manifests of a lockfile that [`super::read`] has accepted. Of version 1, whose entries do not say enough, there are none.
pub(in crate::lockfile) fn manifests(bytes: &[u8]) -> Manifests {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lockfile: Lockfile<'_> = match serde_json::from_slice(bytes) {
        Ok(lockfile) => lockfile,
        Err(error) => {
            tracing::debug!(%error, "the lockfile describes no package; the tarballs do");
            return Manifests::default();
        }
    };
    let mut manifests = Manifests::default();
    for (path, entry) in lockfile.packages {
        let Some((_, installed_name)) = super::classify::split_package(&path) else { continue };
        let (Some(version), None) = (text(&entry, "version"), entry.get("link")) else { continue };
        let name = text(&entry, "name").unwrap_or_else(|| installed_name.to_owned());
        let fields = FIELDS.iter().filter_map(|field| Some((*field, (*entry.get(*field)?).to_owned())));
        manifests.insert(&name, &version, Manifest::new(fields));
    }
    manifests
}
