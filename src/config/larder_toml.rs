//! `larder.toml`, which stands beside the project and is optional. What it says is checked strictly: a key that larder does not know
//! or a value that it does not accept is an error that names file, line and the way out.
//!
//! ```toml
//! lockfiles = ["package-lock.json", "web/package-lock.json"]
//! platforms = ["linux/amd64", "linux/arm64"]   # or all-platforms = true
//! omit = ["dev"]
//! require-integrity = true
//!
//! [store]
//! over = "/mnt/larder"
//!
//! [fetch]
//! jobs = 32
//! retries = 5
//! stall-timeout = "30s"
//! total-timeout = "1h"
//! max-artifact-size = "2GiB"
//!
//! [forges]
//! github = "https://mirror.example/github/"
//!
//! [npm]
//! node = "22"                                  # or ["20", "22"]
//!
//! [share]
//! from = ["s3://bucket/larder"]
//! to = "s3://bucket/larder"
//!
//! [pyodide]
//! packages = ["numpy", "black[d]>=24"]
//! folder = "static/pyodide"
//! sources = ["https://mirror.example/pyodide/v{version}/full/", "cdn"]
//! exclude-newer = "2026-01-31"
//! ```

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer};
use toml::de::DeTable;
use url::Url;

use self::keys::suggestion;
pub use self::{
    error::LarderTomlError,
    keys::KEYS,
    pyodide::{DistributionSource, PyodideSettings},
};
use super::node_versions::NodeMajor;

mod error;
mod keys;
mod pyodide;
#[cfg(test)]
mod tests;
mod values;

/// What `larder.toml` says. `None`, empty and false: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct LarderToml {
    /// `lockfiles`: the lockfiles to read, relative to the file's folder. Empty: those that are found.
    #[serde(deserialize_with = "lockfiles")]
    pub lockfiles: Vec<PathBuf>,
    /// `platforms`: in Docker's spelling, not yet checked.
    #[serde(deserialize_with = "platforms")]
    pub platforms: Vec<String>,
    /// `all-platforms`.
    #[serde(deserialize_with = "values::flag")]
    pub all_platforms: bool,
    /// `omit`: each at most once.
    #[serde(deserialize_with = "omitted_groups")]
    pub omit: Vec<OmittedGroup>,
    /// `require-integrity`.
    #[serde(deserialize_with = "values::flag")]
    pub require_integrity: bool,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[fetch]`.
    pub fetch: FetchSettings,
    /// `[forges]`.
    pub forges: ForgeAddresses,
    /// `[npm]`.
    pub npm: NpmSettings,
    /// `[share]`.
    pub share: ShareSettings,
    /// `[pyodide]`.
    pub pyodide: Option<PyodideSettings>,
}

/// A group of dependencies that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OmittedGroup {
    /// `dev`.
    Dev,
    /// `optional`.
    Optional,
    /// `peer`.
    Peer,
}

/// `[store]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct StoreSettings {
    /// `over`: the folder of a base store, relative to the file's folder or absolute.
    #[serde(deserialize_with = "folder")]
    pub over: Option<PathBuf>,
}

/// `[fetch]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct FetchSettings {
    /// `jobs`: downloads at once, 1 to 1024.
    #[serde(deserialize_with = "jobs")]
    pub jobs: Option<u32>,
    /// `retries`: further tries after the first, 0 to 100.
    #[serde(deserialize_with = "retries")]
    pub retries: Option<u32>,
    /// `stall-timeout`: how long a download may give no byte.
    #[serde(deserialize_with = "values::duration")]
    pub stall_timeout: Option<Duration>,
    /// `total-timeout`: how long one download may take.
    #[serde(deserialize_with = "values::duration")]
    pub total_timeout: Option<Duration>,
    /// `max-artifact-size`, in bytes.
    #[serde(deserialize_with = "values::size")]
    pub max_artifact_size: Option<u64>,
}

/// `[forges]`: where the forges' tarballs are had from, instead of the forges' own addresses. Each ends with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct ForgeAddresses {
    /// `github`.
    #[serde(deserialize_with = "values::base_url")]
    pub github: Option<Url>,
    /// `gitlab`.
    #[serde(deserialize_with = "values::base_url")]
    pub gitlab: Option<Url>,
    /// `bitbucket`.
    #[serde(deserialize_with = "values::base_url")]
    pub bitbucket: Option<Url>,
}

/// `[npm]`: what npm's packages are installed for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct NpmSettings {
    /// `node`: the versions that the project runs on, each once. Empty: those that its files name.
    #[serde(deserialize_with = "node_versions")]
    pub node: Vec<NodeMajor>,
}

/// `[share]`: where stores are shared. What a reference names is told where it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct ShareSettings {
    /// `from`: the places that are asked before the registries, in this order.
    #[serde(deserialize_with = "references")]
    pub from: Vec<String>,
    /// `to`: the place that `larder push` writes to.
    #[serde(deserialize_with = "reference")]
    pub to: Option<String>,
}

impl LarderToml {
    /// Reads the bytes of the file at `path`, which is for messages alone.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, LarderTomlError> {
        let text = str::from_utf8(bytes).map_err(|_| LarderTomlError::NotUtf8 { path: path.to_owned() })?;
        let document = toml::Deserializer::parse(text).map_err(|error| LarderTomlError::Syntax {
            path: path.to_owned(),
            line: line(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let read: Self = serde_path_to_error::deserialize(document).map_err(|error| refusal(error, text, path))?;
        if read.all_platforms && !read.platforms.is_empty() {
            return Err(LarderTomlError::PlatformsTwice { path: path.to_owned(), line: line_of_platforms(text) });
        }
        Ok(read)
    }
}

/// Why a document that is TOML is no `larder.toml`.
fn refusal(error: serde_path_to_error::Error<toml::de::Error>, text: &str, path: &Path) -> LarderTomlError {
    let at = error.path().to_string();
    let error = error.into_inner();
    let (path, line) = (path.to_owned(), line(text, error.span().map_or(0, |span| span.start)));
    if error.message().starts_with("unknown field") {
        return LarderTomlError::UnknownKey { path, line, suggestion: suggestion(&at), key: at };
    }
    // `lockfiles[1]` is said of `lockfiles`.
    let key = at.split('[').next().unwrap_or(&at).to_owned();
    let accepted = error.message().rsplit(", expected ").next().unwrap_or_default().to_owned();
    LarderTomlError::WrongValue { path, line, key, accepted }
}

/// The number of the line that holds this byte, from 1.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// The line of the second of `platforms` and `all-platforms`.
fn line_of_platforms(text: &str) -> usize {
    let table = DeTable::parse(text).ok();
    let starts = table.iter().flat_map(|table| {
        ["platforms", "all-platforms"].into_iter().filter_map(|key| Some(table.get_ref().get(key)?.span().start))
    });
    line(text, starts.max().unwrap_or_default())
}

impl OmittedGroup {
    /// The group of that name: `dev`, `optional` or `peer`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "dev" => Some(Self::Dev),
            "optional" => Some(Self::Optional),
            "peer" => Some(Self::Peer),
            _ => None,
        }
    }
}

fn lockfiles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    values::list(deserializer, "a list of relative paths, each once", values::relative_path)
}

fn platforms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let accepted = "a list of platforms such as \"linux/arm64\", each once";
    values::list(deserializer, accepted, |text| (!text.is_empty()).then(|| text.to_owned()))
}

fn omitted_groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OmittedGroup>, D::Error> {
    let accepted = "a list of \"dev\", \"optional\" and \"peer\", each at most once";
    values::list(deserializer, accepted, OmittedGroup::parse)
}

fn node_versions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NodeMajor>, D::Error> {
    let accepted = "a version of node from 12 to 25 such as \"22\", or a list of them, each once";
    values::one_or_list(deserializer, accepted, NodeMajor::parse)
}

fn references<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let accepted =
        "a list of places such as \"s3://bucket/larder\" or \"oci://registry.example/web:{plan}\", each once";
    values::list(deserializer, accepted, of_a_place)
}

fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    values::text(
        deserializer,
        "a place such as \"s3://bucket/larder\" or \"oci://registry.example/web:{plan}\"",
        of_a_place,
    )
}

fn of_a_place(text: &str) -> Option<String> {
    ["oci://", "s3://", "gs://", "az://", "file://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
        .then(|| text.to_owned())
}

fn folder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let read = |text: &str| (!text.is_empty() && !text.contains('\0')).then(|| PathBuf::from(text));
    values::text(deserializer, "a folder such as \"/mnt/larder\"", read)
}

fn jobs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    values::count(deserializer, 1..=1024, "a whole number from 1 to 1024")
}

fn retries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    values::count(deserializer, 0..=100, "a whole number from 0 to 100")
}
