//! `larder.toml`, which stands beside the project and is optional. What it says is checked strictly: a key that larder does not know
//! or a value that it does not accept is an error that names file, line and the way out.
//!
//! ```toml
//! lockfiles = ["package-lock.json", "web/package-lock.json"]
//! platforms = ["linux/amd64", "linux/arm64"]   # or all-platforms = true
//! omit = ["dev"]
//! require-integrity = true
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
//! [pyodide]
//! packages = ["numpy", "black[d]>=24"]
//! folder = "static/pyodide"
//! sources = ["https://mirror.example/pyodide/v{version}/full/", "cdn"]
//! exclude-newer = "2026-01-31"
//! ```

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use toml::de::DeTable;
use url::Url;

pub use self::pyodide::{DistributionSource, PyodideSettings};

use self::reader::{Document, Item};

mod pyodide;
mod quantity;
mod reader;
#[cfg(test)]
mod tests;

/// What `larder.toml` says. `None`, empty and false: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LarderToml {
    /// `lockfiles`: the lockfiles to read, relative to the file's folder. Empty: those that are found.
    pub lockfiles: Vec<PathBuf>,
    /// `platforms`: in Docker's spelling, not yet checked.
    pub platforms: Vec<String>,
    /// `all-platforms`.
    pub all_platforms: bool,
    /// `omit`: each at most once.
    pub omit: Vec<OmittedGroup>,
    /// `require-integrity`.
    pub require_integrity: bool,
    /// `[fetch]`.
    pub fetch: FetchSettings,
    /// `[forges]`.
    pub forges: ForgeAddresses,
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

/// `[fetch]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    /// `jobs`: downloads at once, 1 to 1024.
    pub jobs: Option<u32>,
    /// `retries`: further tries after the first, 0 to 100.
    pub retries: Option<u32>,
    /// `stall-timeout`: how long a download may give no byte.
    pub stall_timeout: Option<Duration>,
    /// `total-timeout`: how long one download may take.
    pub total_timeout: Option<Duration>,
    /// `max-artifact-size`, in bytes.
    pub max_artifact_size: Option<u64>,
}

/// `[forges]`: where the forges' tarballs are had from, instead of the forges' own addresses. Each ends with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgeAddresses {
    /// `github`.
    pub github: Option<Url>,
    /// `gitlab`.
    pub gitlab: Option<Url>,
    /// `bitbucket`.
    pub bitbucket: Option<Url>,
}

/// What is wrong with a `larder.toml`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LarderTomlError {
    /// Not UTF-8.
    #[error("{} is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// A key that larder does not know.
    #[error("{}:{line}: unknown key `{key}`; {suggestion}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, with its table's name.
        key: String,
        /// The nearest known one, or all of them, in words.
        suggestion: String,
    },
    /// A value that larder does not accept.
    #[error("{}:{line}: `{key}` has to be {accepted}", path.display())]
    WrongValue {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, with its table's name.
        key: &'static str,
        /// What is accepted, in words.
        accepted: &'static str,
    },
    /// `platforms` beside `all-platforms = true`.
    #[error("{}:{line}: `platforms` and `all-platforms = true` exclude each other", path.display())]
    PlatformsTwice {
        /// The file.
        path: PathBuf,
        /// The line of the second, from 1.
        line: usize,
    },
}

const TOP_KEYS: [&str; 8] =
    ["lockfiles", "platforms", "all-platforms", "omit", "require-integrity", "fetch", "forges", "pyodide"];
const FETCH_KEYS: [&str; 5] =
    ["fetch.jobs", "fetch.retries", "fetch.stall-timeout", "fetch.total-timeout", "fetch.max-artifact-size"];
const FORGE_KEYS: [&str; 3] = ["forges.github", "forges.gitlab", "forges.bitbucket"];

impl LarderToml {
    /// Reads the bytes of the file at `path`, which is for messages alone.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, LarderTomlError> {
        let text = str::from_utf8(bytes).map_err(|_| LarderTomlError::NotUtf8 { path: path.to_owned() })?;
        let document = Document { path, text };
        let root = DeTable::parse(text).map_err(|error| LarderTomlError::Syntax {
            path: path.to_owned(),
            line: document.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let mut read = Self::default();
        for item in document.items(root.get_ref(), "", &TOP_KEYS)? {
            match item.key {
                "lockfiles" => read.lockfiles = item.list("a list of relative paths, each once", relative_path)?,
                "platforms" => {
                    let accepted = "a list of platforms such as \"linux/arm64\", each once";
                    read.platforms = item.list(accepted, |text| (!text.is_empty()).then(|| text.to_owned()))?;
                }
                "all-platforms" => read.all_platforms = item.flag()?,
                "omit" => {
                    let accepted = "a list of \"dev\", \"optional\" and \"peer\", each at most once";
                    read.omit = item.list(accepted, OmittedGroup::parse)?;
                }
                "require-integrity" => read.require_integrity = item.flag()?,
                "fetch" => read.fetch = FetchSettings::read(document, item.table()?)?,
                "forges" => read.forges = ForgeAddresses::read(document, item.table()?)?,
                "pyodide" => read.pyodide = Some(PyodideSettings::read(document, item.table()?)?),
                key => unreachable!("`{key}` is among the known keys and is not read"),
            }
            if read.all_platforms && !read.platforms.is_empty() {
                return Err(LarderTomlError::PlatformsTwice { path: path.to_owned(), line: item.line() });
            }
        }
        Ok(read)
    }
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

impl FetchSettings {
    fn read<'a>(document: Document<'a>, table: &'a DeTable<'a>) -> Result<Self, LarderTomlError> {
        let mut read = Self::default();
        for item in document.items(table, "fetch.", &FETCH_KEYS)? {
            match item.key {
                "fetch.jobs" => read.jobs = Some(count(item, 1, 1024, "a whole number from 1 to 1024")?),
                "fetch.retries" => read.retries = Some(count(item, 0, 100, "a whole number from 0 to 100")?),
                "fetch.stall-timeout" => read.stall_timeout = Some(duration(item)?),
                "fetch.total-timeout" => read.total_timeout = Some(duration(item)?),
                "fetch.max-artifact-size" => read.max_artifact_size = Some(size(item)?),
                key => unreachable!("`{key}` is among the known keys and is not read"),
            }
        }
        Ok(read)
    }
}

impl ForgeAddresses {
    fn read<'a>(document: Document<'a>, table: &'a DeTable<'a>) -> Result<Self, LarderTomlError> {
        let mut read = Self::default();
        for item in document.items(table, "forges.", &FORGE_KEYS)? {
            let url =
                item.text("an address such as \"https://mirror.example/\", without user name and query", base_url)?;
            match item.key {
                "forges.github" => read.github = Some(url),
                "forges.gitlab" => read.gitlab = Some(url),
                "forges.bitbucket" => read.bitbucket = Some(url),
                key => unreachable!("`{key}` is among the known keys and is not read"),
            }
        }
        Ok(read)
    }
}

/// A path that means the same on every machine, without its `.` parts.
fn relative_path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let parts: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    let is_usable = path.is_relative() && !text.contains('\0') && parts.file_name().is_some();
    is_usable.then_some(parts)
}

fn count(item: Item<'_>, least: u32, most: u32, accepted: &'static str) -> Result<u32, LarderTomlError> {
    let number = item.number().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| item.wrong(accepted))
}

fn duration(item: Item<'_>) -> Result<Duration, LarderTomlError> {
    match item.number().filter(|&seconds| seconds > 0) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => {
            item.text("a time such as 30 (seconds), \"500ms\", \"30s\", \"5m\" or \"1h\", above 0", quantity::duration)
        }
    }
}

fn size(item: Item<'_>) -> Result<u64, LarderTomlError> {
    match item.number().filter(|&bytes| bytes > 0) {
        Some(bytes) => Ok(bytes),
        None => item.text("a size such as 1048576 (bytes), \"500MB\" or \"2GiB\", above 0", quantity::size),
    }
}

/// An address below which others lie, with a slash at its end. Secrets have no place in a file that is committed.
fn base_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    is_plain.then_some(url)
}

/// The known key that an unknown one is nearest to, here or, by its last part, in another table; else all that are known here.
fn suggestion(unknown: &str, known: &[&'static str]) -> String {
    let distance = |key: &str| strsim::damerau_levenshtein(key, unknown);
    // Two slips in a short word, more in a long one.
    let is_near = |key: &&&str| distance(key) <= 2.max(unknown.len() / 4);
    if let Some(nearest) = known.iter().filter(is_near).min_by_key(|key| distance(key)) {
        return format!("the nearest known one is `{nearest}`");
    }
    let last = unknown.rsplit('.').next().unwrap_or(unknown);
    let all = TOP_KEYS.iter().chain(&FETCH_KEYS).chain(&FORGE_KEYS).chain(&pyodide::KEYS);
    match all.into_iter().find(|key| key.rsplit('.').next() == Some(last)) {
        Some(elsewhere) => format!("there is `{elsewhere}`"),
        None => format!("known here are `{}`", known.join("`, `")),
    }
}
