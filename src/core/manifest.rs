//! What a package says about itself: the part of its `package.json` that installers read before they have its tarball. Values only.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::{RawValue, to_raw_value};

/// The fields that npm reads, in the order in which they are written. They are those that npm keeps in its lockfiles.
pub const FIELDS: [&str; 17] = [
    "acceptDependencies",
    "bin",
    "bundleDependencies",
    "cpu",
    "dependencies",
    "deprecated",
    "engines",
    "funding",
    "hasInstallScript",
    "hasShrinkwrap",
    "libc",
    "license",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
    "workspaces",
];

/// The scripts that installing a package runs.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// Some of [`FIELDS`] and their JSON.
#[derive(Clone, Debug, Default)]
pub struct Manifest(Vec<(&'static str, Box<RawValue>)>);

impl Manifest {
    /// A manifest of these fields, in the order of [`FIELDS`].
    pub fn new(fields: impl IntoIterator<Item = (&'static str, Box<RawValue>)>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// What a `package.json` says. Whether installing runs a script is worked out, as a registry does.
    pub fn from_package_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut stated: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes)?;
        if let Some(alias) = stated.remove("bundledDependencies") {
            stated.entry("bundleDependencies".to_owned()).or_insert(alias);
        }
        let scripts: Option<BTreeMap<String, &RawValue>> =
            stated.get("scripts").and_then(|scripts| serde_json::from_str(scripts.get()).ok());
        if scripts.is_some_and(|scripts| INSTALL_SCRIPTS.iter().any(|name| scripts.contains_key(*name))) {
            stated.insert("hasInstallScript".to_owned(), to_raw_value(&true)?);
        }
        Ok(Self::new(FIELDS.iter().filter_map(|field| Some((*field, stated.remove(*field)?)))))
    }

    /// The fields and their JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &RawValue)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
    }

    /// Whether installing it runs a script.
    pub fn has_install_script(&self) -> bool {
        self.fields().any(|(name, value)| name == "hasInstallScript" && value.get() == "true")
    }

    /// Whether this package is among its dependencies.
    pub fn depends_on(&self, name: &str) -> bool {
        let lists = self.fields().filter(|(field, _)| matches!(*field, "dependencies" | "optionalDependencies"));
        let mut lists =
            lists.filter_map(|(_, list)| serde_json::from_str::<BTreeMap<String, &RawValue>>(list.get()).ok());
        lists.any(|list| list.contains_key(name))
    }

    /// The peers that it asks for: names and ranges.
    pub fn peers(&self) -> BTreeMap<String, String> {
        let stated = self.fields().find(|(name, _)| *name == "peerDependencies");
        stated.and_then(|(_, peers)| serde_json::from_str(peers.get()).ok()).unwrap_or_default()
    }
}

/// Manifests by name and version, and those of folders.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    packages: HashMap<(Box<str>, Box<str>), Manifest>,
    folders: Vec<Manifest>,
}

impl Manifests {
    /// Adds one; the first of a name and version stays.
    pub fn insert(&mut self, name: &str, version: &str, manifest: Manifest) {
        self.packages.entry((name.into(), version.into())).or_insert(manifest);
    }

    /// Adds that of a folder: the project, a workspace, a package that is linked.
    pub fn insert_folder(&mut self, manifest: Manifest) {
        self.folders.push(manifest);
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Manifest> {
        self.packages.values().chain(&self.folders)
    }

    /// Adds all of another lockfile's.
    pub fn extend(&mut self, others: Self) {
        for (key, manifest) in others.packages {
            self.packages.entry(key).or_insert(manifest);
        }
        self.folders.extend(others.folders);
    }

    /// The manifest of this version of a package.
    pub fn get(&self, name: &str, version: &str) -> Option<&Manifest> {
        self.packages.get(&(name.into(), version.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(&'static str, String)> {
        let manifest = Manifest::from_package_json(json.as_bytes()).unwrap();
        manifest.fields().map(|(name, value)| (name, value.get().to_owned())).collect()
    }

    #[test]
    fn a_package_json_keeps_what_installers_read() {
        let json = "\u{feff}{\"name\": \"a\", \"os\": [\"linux\"], \"description\": \"no\", \"bin\": \"cli.js\", \"bundledDependencies\": [\"b\"]}";
        let expected = [("bin", "\"cli.js\""), ("bundleDependencies", "[\"b\"]"), ("os", "[\"linux\"]")];
        assert_eq!(read(json), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_script_that_installing_runs_is_noted() {
        for (script, expected) in [("install", true), ("preinstall", true), ("postinstall", true), ("prepare", false)] {
            let fields = read(&format!("{{\"scripts\": {{\"{script}\": \"node x\"}}}}"));
            assert_eq!(
                fields,
                if expected { vec![("hasInstallScript", "true".to_owned())] } else { vec![] },
                "{script}"
            );
        }
    }
}
