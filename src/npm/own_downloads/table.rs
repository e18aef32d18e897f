//! The table of packages that download files themselves: `own_downloads.toml`, which is data. A row is for a package by its name, or for any package that depends on a library that downloads.

use std::{collections::BTreeMap, sync::LazyLock};

use nodejs_semver::{Range, Version};
use serde::Deserialize;

use super::address::host_of;

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
    /// The host, where no template tells it.
    #[serde(default)]
    pub host: Option<String>,
    /// Of each placeholder that is the package's own: where its value stands.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// What `{platform}` stands for, by node's names (`linux-x64`, `linux-x64-musl`). On others it downloads nothing. Empty: it downloads on each.
    #[serde(default)]
    pub platforms: BTreeMap<String, String>,
    /// Where a digest of the files stands.
    #[serde(default)]
    pub digest: DigestSource,
    /// The variable that names a mirror.
    #[serde(default)]
    pub mirror: Option<String>,
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
            (Ok(range), Ok(version)) => range.satisfies(&version),
            _ => false,
        }
    }

    /// The host that is asked first, if it is one for all packages of the row.
    pub fn host(&self) -> Option<String> {
        self.host
            .iter()
            .map(|host| format!("https://{host}/"))
            .chain(self.addresses.first().cloned())
            .find_map(|address| host_of(&address))
    }

    /// The variable that names a mirror for this package.
    pub fn mirror_of(&self, name: &str) -> Option<String> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let config_name: String = name.chars().map(plain).collect();
        let mirror = self.mirror.as_ref()?;
        Some(mirror.replace("{config-name}", config_name.strip_prefix('_').unwrap_or(&config_name)))
    }

    /// Whether the download is left out, by what is set in the environment and, where the package looks there, among npm's settings.
    pub fn is_left_out(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        setting: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        self.skip.iter().filter_map(|skip| skip.split_once('=')).any(|(name, value)| {
            variable(name).is_some_and(|set| set == value)
                || (self.skip_is_setting && setting(name).is_some_and(|set| set == value))
        })
    }

    /// What to do where the download fails, or is not wanted: the servers and variables of this package. `host` is the one that is known from elsewhere.
    pub fn advice(&self, name: &str, host: Option<&str>) -> String {
        let own = self.host();
        let reach = reach(host.or(own.as_deref()));
        match (self.mirror_of(name), self.skip.first()) {
            (Some(mirror), Some(skip)) => {
                format!("{reach}, name a mirror with {mirror}, or leave {name}'s download out with {skip}")
            }
            (Some(mirror), None) => format!("{reach}, or name a mirror with {mirror}"),
            (None, Some(skip)) => format!("{reach}, or leave {name}'s download out with {skip}"),
            (None, None) => general_advice(name, host.or(own.as_deref())),
        }
    }
}

/// What to do about the download of a package whose variables are not known.
pub fn general_advice(name: &str, host: Option<&str>) -> String {
    format!("{}, or see which variable of {name} names a mirror or leaves the download out", reach(host))
}

fn reach(host: Option<&str>) -> String {
    match host {
        Some(host) => format!("run it where {host} can be reached"),
        None => "run it where that server can be reached".to_owned(),
    }
}
