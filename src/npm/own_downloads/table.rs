//! The table of packages that download files themselves: `own_downloads.toml`, which is data. A row is for a package by its name, or for any package that depends on a library that downloads.

use std::{collections::BTreeMap, sync::LazyLock};

use nodejs_semver::{Range, Version};
use serde::Deserialize;

use super::values::ValueSource;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../own_downloads.toml")).expect("a test reads the table in the tree")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    download: Vec<KnownDownload>,
}

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KnownDownload {
    /// The packages; of several that a plan has, the first is the one to name.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Or: every package with an install script that depends on this library.
    #[serde(default)]
    pub depends_on: Option<String>,
    /// Packages that bring this one along, and whose rows say the same of it.
    #[serde(default)]
    pub part_of: Vec<String>,
    /// The versions, as npm writes a range.
    pub versions: String,
    /// When it downloads.
    pub when: When,
    /// The command that downloads, where there is one.
    #[serde(default)]
    pub command: Option<String>,
    /// Templates of the addresses: see [`super::Target`].
    pub addresses: Vec<String>,
    /// Templates of small answers that it asks for besides. They are kept as they are.
    #[serde(default)]
    pub answers: Vec<String>,
    /// The host, where no template tells it.
    #[serde(default)]
    pub host: Option<String>,
    /// Of each placeholder that is the package's own: where its value stands.
    #[serde(default)]
    pub values: BTreeMap<String, ValueSource>,
    /// What `{platform}` stands for, by node's names (`linux-x64`, `linux-x64-musl`). On others it downloads nothing. Empty: it downloads on each.
    #[serde(default)]
    pub platforms: BTreeMap<String, String>,
    /// Further names of the platforms, by the placeholder that stands for them.
    #[serde(default)]
    pub names: BTreeMap<String, BTreeMap<String, String>>,
    /// Where a digest of the files stands.
    #[serde(default)]
    pub digest: DigestSource,
    /// The variable that names a mirror.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Variables that name mirrors of its other files: all of them are needed.
    #[serde(default)]
    pub further_mirrors: Vec<String>,
    /// Variables with the value that leaves the download out; the first is the one to name.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Whether these count as settings in `.npmrc`, too.
    #[serde(default)]
    pub skip_is_setting: bool,
    /// The versions whose files were read for this row.
    #[serde(default)]
    pub read: Vec<String>,
}

/// When a package downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// In its install script.
    Install,
    /// When it is used for the first time.
    FirstUse,
    /// In a command that the user runs.
    Command,
}

/// Where a digest of a downloaded file stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DigestSource {
    /// In this file of the package.
    Package {
        /// Its path in the package.
        file: String,
    },
    /// Beside the file, at its address with this suffix.
    Beside {
        /// The suffix.
        suffix: String,
    },
    /// In a list of digests, at this address of its own.
    List {
        /// The address, a template as those of files.
        address: String,
    },
    /// Nowhere.
    #[default]
    None,
}

impl KnownDownload {
    /// All rows, in the table's order.
    pub fn all() -> &'static [Self] {
        &TABLE.download
    }

    /// The row of this version of a package.
    pub fn of(name: &str, version: &str) -> Option<&'static Self> {
        Self::all().iter().find(|row| row.packages.iter().any(|listed| listed == name) && row.is_for(version))
    }

    /// The rows of libraries that download for the packages that depend on them.
    pub fn of_libraries() -> impl Iterator<Item = (&'static str, &'static Self)> {
        Self::all().iter().filter_map(|row| Some((row.depends_on.as_deref()?, row)))
    }

    /// Whether this version is in the row's range. A version that is none by npm's rules is in no range.
    fn is_for(&self, version: &str) -> bool {
        match (Range::parse(&self.versions), Version::parse(version)) {
            (Ok(range), Ok(version)) => range.satisfies_with_prerelease(&version, true),
            _ => false,
        }
    }
}
