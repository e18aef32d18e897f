//! The lockfile as YAML: the keys that larder reads.

use serde::Deserialize;

use crate::lockfile::{
    lenient::{Field, Flag, List, Members, Part, Shaped},
    version::StatedVersion,
};

/// What stands at the top of a lockfile. Without `importers`, the only project's dependencies do.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Document<'a> {
    #[serde(rename = "lockfileVersion")]
    pub(super) version: StatedVersion,
    #[serde(borrow)]
    pub(super) importers: Shaped<Part<'a, Importer<'a>>>,
    #[serde(borrow)]
    pub(super) packages: Shaped<Part<'a, Package<'a>>>,
    #[serde(borrow)]
    pub(super) snapshots: Shaped<Part<'a, Snapshot<'a>>>,
}

/// A project: what it asks for, by the name that it has for it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Importer<'a> {
    #[serde(borrow)]
    pub(super) dependencies: Shaped<Part<'a, Reference<'a>>>,
    #[serde(borrow)]
    pub(super) optional_dependencies: Shaped<Part<'a, Reference<'a>>>,
    #[serde(borrow)]
    pub(super) dev_dependencies: Shaped<Part<'a, Reference<'a>>>,
    #[serde(borrow)]
    pub(super) config_dependencies: Shaped<Part<'a, Reference<'a>>>,
    #[serde(borrow)]
    pub(super) package_manager_dependencies: Shaped<Part<'a, Reference<'a>>>,
}

/// What was asked for, and the snapshot that it became.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    pub(super) version: Field<'a>,
}

/// What there is to download.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Package<'a> {
    #[serde(borrow)]
    pub(super) resolution: Shaped<Resolution<'a>>,
    #[serde(borrow)]
    pub(super) name: Field<'a>,
    #[serde(borrow)]
    pub(super) version: Field<'a>,
    pub(super) dev: Flag,
    pub(super) optional: Flag,
    pub(super) os: List,
    pub(super) cpu: List,
    pub(super) libc: List,
}

/// Where it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resolution<'a> {
    /// `git`, `directory`, `binary`, `variations`, `custom:…`; none for archives.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Field<'a>,
    #[serde(borrow)]
    pub(super) integrity: Field<'a>,
    /// An address, or a path below the registry, or `file:` and a path of this machine.
    #[serde(borrow)]
    pub(super) tarball: Field<'a>,
    /// Before version 6: the registry, where it is not the default one.
    #[serde(borrow)]
    pub(super) registry: Field<'a>,
    #[serde(borrow)]
    pub(super) repo: Field<'a>,
    #[serde(borrow)]
    pub(super) commit: Field<'a>,
}

/// How a package is installed, with certain peers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Snapshot<'a> {
    pub(super) optional: Flag,
    #[serde(borrow)]
    pub(super) dependencies: Shaped<Members<'a, Field<'a>>>,
    #[serde(borrow)]
    pub(super) optional_dependencies: Shaped<Members<'a, Field<'a>>>,
}
