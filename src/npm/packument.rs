//! Packuments: a registry's description of a package, made for the versions that lockfiles name. Pure.
//!
//! npm asks for them in two forms, the full one and `application/vnd.npm.install-v1+json`, the abbreviated one. One document serves as both: it has every
//! field of the abbreviated form, and what the full one has beyond it (readme, maintainers, times) no installer reads.

use std::cmp::Ordering;

use larder_store::digest::{Algorithm, Integrity};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::core::manifest::Manifest;

/// What the abbreviated form is asked for with.
pub const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// One version, as a packument describes it.
#[derive(Clone, Debug)]
pub(super) struct Described<'a> {
    /// The version.
    pub(super) version: &'a str,
    /// What it says about itself.
    pub(super) manifest: &'a Manifest,
    /// Its tarball's digests.
    pub(super) integrity: &'a Integrity,
    /// Its tarball's address.
    pub(super) tarball: String,
}

/// The packument of a package with these versions, at least one, as JSON. The highest version that is no pre-release is `latest`. `placeholders` are further
/// versions that it names, of which nothing else is known.
pub(super) fn packument(name: &str, versions: &[Described<'_>], placeholders: &[String]) -> Vec<u8> {
    let mut versions: Vec<&Described<'_>> = versions.iter().collect();
    versions.sort_by(|a, b| by_precedence(a.version, b.version));
    versions.dedup_by_key(|version| version.version);
    let is_stable = |version: &&&Described<'_>| !version.version.contains('-');
    let latest = versions.iter().rev().find(is_stable).or(versions.last()).map_or("", |version| version.version);
    let document = Document {
        id: name,
        name,
        dist_tags: Tags { latest },
        versions: Versions { name, described: versions, placeholders },
    };
    serde_json::to_vec(&document).expect("texts and JSON can be written")
}

/// The description of one version, as `<registry>/<name>/<version>` gives it.
pub(super) fn version_document(name: &str, version: &Described<'_>) -> Vec<u8> {
    serde_json::to_vec(&Version { name, version }).expect("texts and JSON can be written")
}

/// As semver orders versions; what is none comes first, by its text.
pub fn by_precedence(a: &str, b: &str) -> Ordering {
    let parse = |text: &str| nodejs_semver::Version::parse(text).ok();
    parse(a).cmp(&parse(b)).then_with(|| a.cmp(b))
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    name: &'a str,
    #[serde(rename = "dist-tags")]
    dist_tags: Tags<'a>,
    versions: Versions<'a>,
}

#[derive(Serialize)]
struct Tags<'a> {
    latest: &'a str,
}

struct Versions<'a> {
    name: &'a str,
    described: Vec<&'a Described<'a>>,
    placeholders: &'a [String],
}

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for version in self.placeholders {
            let document = serde_json::json!({
                "name": self.name,
                "version": version,
                "dist": {"tarball": format!("http://placeholder.invalid/{}/{version}", self.name)},
            });
            map.serialize_entry(version, &document)?;
        }
        for version in &self.described {
            map.serialize_entry(version.version, &Version { name: self.name, version })?;
        }
        map.end()
    }
}

struct Version<'a> {
    name: &'a str,
    version: &'a Described<'a>,
}

impl Serialize for Version<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("version", self.version.version)?;
        for (field, value) in self.version.manifest.fields() {
            map.serialize_entry(field, value)?;
        }
        map.serialize_entry("dist", &Dist::of(self.version))?;
        map.end()
    }
}

#[derive(Serialize)]
struct Dist<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    shasum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integrity: Option<String>,
    tarball: &'a str,
}

impl<'a> Dist<'a> {
    /// A registry states sha1 in hexadecimal form and sha512 beside it; clients compare what both they and their lockfile have.
    fn of(version: &'a Described<'_>) -> Self {
        let digests = version.integrity.digests();
        let sha1 = digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha1);
        let others = digests.iter().filter(|digest| digest.algorithm() != Algorithm::Sha1).copied();
        Self {
            shasum: sha1.map(larder_store::digest::Digest::to_hex),
            integrity: Integrity::new(others).map(|integrity| integrity.to_string()),
            tarball: &version.tarball,
        }
    }
}

#[cfg(test)]
mod tests {
    use larder_store::digest::Digest;

    use super::*;

    fn document(versions: &[&str]) -> serde_json::Value {
        let manifest = Manifest::from_package_json(br#"{"dependencies": {"b": "^1"}}"#).unwrap();
        let integrity = [Algorithm::Sha1, Algorithm::Sha512].map(|algorithm| Digest::of(algorithm, b"abc"));
        let integrity = Integrity::new(integrity).unwrap();
        let version = |version| Described {
            version,
            manifest: &manifest,
            integrity: &integrity,
            tarball: format!("http://localhost/a/-/a-{version}.tgz"),
        };
        let versions: Vec<_> = versions.iter().copied().map(version).collect();
        serde_json::from_slice(&packument("a", &versions, &["0.1.0".to_owned()])).unwrap()
    }

    #[test]
    fn a_version_has_its_manifest_and_its_tarball() {
        let document = document(&["1.0.0"]);
        let version = &document["versions"]["1.0.0"];
        assert_eq!(document["name"], "a");
        assert_eq!(version["dependencies"]["b"], "^1");
        assert_eq!(version["dist"]["shasum"], "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(version["dist"]["integrity"], Digest::of(Algorithm::Sha512, b"abc").to_string());
        assert_eq!(version["dist"]["tarball"], "http://localhost/a/-/a-1.0.0.tgz");
    }

    #[test]
    fn the_highest_version_that_is_no_pre_release_is_the_latest() {
        let cases: [(&[&str], &str); 5] = [
            (&["0.0.1"], "0.0.1"),
            (&["1.9.0", "1.10.0", "1.2.0"], "1.10.0"),
            (&["1.0.0", "2.0.0-rc.1"], "1.0.0"),
            (&["2.0.0-rc.1", "2.0.0-beta.2"], "2.0.0-rc.1"),
            (&["1.0.0", "odd"], "1.0.0"),
        ];
        assert_eq!(document(&["0.0.1"])["versions"]["0.1.0"]["version"], "0.1.0", "a placeholder is no version");
        for (versions, latest) in cases {
            assert_eq!(document(versions)["dist-tags"]["latest"], latest, "{versions:?}");
        }
    }
}
