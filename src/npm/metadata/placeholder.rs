//! Placeholder versions: versions in a packument that no lockfile names. Pure.
//!
//! `npm ci --force` on a lockfile with conflicting peers looks each peer up again. It requires a version in the range that the package declares, and then keeps the
//! locked version, which is outside that range. Without a version in the range npm fails (`ETARGET`). So the packument lists the lowest version of each range that no
//! locked version satisfies, with only a name and an address. npm never requests its tarball, and larder never serves it. Tried with npm 10, 11 and 12.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nodejs_semver::{Range, Version};

use crate::core::manifest::Manifest;

/// The versions to put into packuments, by package. `locked` are the versions of each package that lockfiles name, `manifests` are those of all packages.
pub(super) fn placeholders<'a>(
    locked: impl IntoIterator<Item = (&'a str, &'a str)>,
    manifests: impl IntoIterator<Item = &'a Manifest>,
) -> BTreeMap<String, Vec<String>> {
    let mut versions: HashMap<&str, Vec<Version>> = HashMap::new();
    for (name, version) in locked {
        versions.entry(name).or_default().extend(Version::parse(version));
    }
    let peers: BTreeSet<(String, String)> = manifests.into_iter().flat_map(Manifest::peers).collect();
    let mut placeholders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, range) in peers {
        let Some(locked) = versions.get(name.as_str()) else { continue };
        // A tag, an alias or an address: npm does not choose a version for it.
        let Ok(range) = Range::parse(&range) else { continue };
        if !locked.iter().any(|version| range.satisfies(version))
            && let Some(lowest) = range.min_version()
        {
            placeholders.entry(name).or_default().push(lowest.to_string());
        }
    }
    placeholders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_no_locked_version_satisfies_gets_the_lowest_version_of_its_range() {
        let manifest =
            |peers: &str| Manifest::from_package_json(format!("{{\"peerDependencies\": {peers}}}").as_bytes()).unwrap();
        let manifests = [
            manifest(r#"{"react": "^16.8.0 || ^17.0.0", "api": ">=1.0.0 <1.1.0"}"#),
            manifest(r#"{"react": "^19.0.0", "vue": "^3.0.0", "odd": "github:owner/odd", "many": "2.x"}"#),
        ];
        let locked = [("react", "19.1.0"), ("api", "1.9.0"), ("odd", "1.0.0"), ("many", "1.0.0"), ("many", "2.4.0")];
        let expected = [("api", "1.0.0"), ("react", "16.8.0")];
        let expected = expected.map(|(name, version)| (name.to_owned(), vec![version.to_owned()]));
        assert_eq!(placeholders(locked, &manifests), BTreeMap::from(expected));
    }
}
