//! Reads a `larder.lock`. Unknown keys are passed over, so that a later larder may add some; what is known is checked. `read_rows.rs` reads what was recorded.

use larder_store::digest::{Algorithm, Digest, Integrity};
use serde::{Deserialize, de::IgnoredAny};
use url::Url;

use super::{
    error::LockFileError,
    lock::{
        Asker, FORM, FORM_WITH_DOWNLOADS, LARDER_TOML, LarderLock, LockedBase, LockedPackage, LockedRuntime,
        LockedSource, PyodideLock,
    },
    read_rows::{self, RawRows},
};
use crate::{
    core::{
        artifact::Version,
        file_host::{FilePath, FilePlace},
        file_name::FileName,
        runtime_version::RuntimeVersion,
    },
    lockfile::diagnose::conflict_marker,
    python::{name::ProjectName, runtime::Runtime},
};

#[derive(Deserialize)]
struct Form {
    version: i64,
}

/// Which parts there are.
#[derive(Deserialize)]
struct Parts {
    requested: Option<IgnoredAny>,
    exclude_newer: Option<IgnoredAny>,
    runtime: Option<IgnoredAny>,
    base: Option<IgnoredAny>,
    package: Option<IgnoredAny>,
    download: Option<IgnoredAny>,
    absent: Option<IgnoredAny>,
}

impl Parts {
    fn has_pyodide(&self) -> bool {
        [&self.requested, &self.exclude_newer, &self.runtime, &self.base, &self.package]
            .into_iter()
            .any(Option::is_some)
    }

    fn has_rows(&self) -> bool {
        self.download.is_some() || self.absent.is_some()
    }
}

#[derive(Deserialize)]
struct RawPyodide {
    requested: Vec<String>,
    exclude_newer: Option<String>,
    runtime: RawRuntime,
    base: RawBase,
    #[serde(default, rename = "package")]
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawRuntime {
    version: String,
    python: String,
    abi_version: Option<String>,
    platform: String,
    url: Option<String>,
    integrity: Option<String>,
}

#[derive(Deserialize)]
struct RawBase {
    file_name: String,
    sha256: String,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: String,
    source: String,
    file_name: String,
    url: Option<String>,
    path: Option<String>,
    sha256: String,
    size: Option<u64>,
    depends: Vec<String>,
    why: Vec<String>,
}

impl LarderLock {
    /// Reads the bytes of the file; `lockfile` is its label, for messages.
    pub fn parse(lockfile: &str, bytes: &[u8]) -> Result<Self, LockFileError> {
        read(lockfile, bytes)
    }
}

fn read(lockfile: &str, bytes: &[u8]) -> Result<LarderLock, LockFileError> {
    let text = str::from_utf8(bytes).map_err(|_| LockFileError::NotUtf8 { lockfile: lockfile.to_owned() })?;
    if let Some(line) = conflict_marker(text) {
        return Err(LockFileError::Conflict { lockfile: lockfile.to_owned(), line });
    }
    let syntax = |error: toml::de::Error| LockFileError::Syntax {
        lockfile: lockfile.to_owned(),
        line: 1 + text[..error.span().map_or(0, |span| span.start)].matches('\n').count(),
        message: error.message().to_owned(),
    };
    // The number comes first: a later form may lack what this one demands.
    let Form { version } = toml::from_str(text).map_err(syntax)?;
    if version != FORM && version != FORM_WITH_DOWNLOADS {
        return Err(LockFileError::Newer { lockfile: lockfile.to_owned(), version });
    }
    let parts: Parts = toml::from_str(text).map_err(syntax)?;
    if parts.has_rows() && version == FORM {
        return Err(LockFileError::OldForm { lockfile: lockfile.to_owned() });
    }
    let mut lock = LarderLock::default();
    if parts.has_pyodide() {
        lock.pyodide = Some(pyodide(lockfile, &toml::from_str(text).map_err(syntax)?)?);
    }
    if parts.has_rows() {
        let raw: RawRows = toml::from_str(text).map_err(syntax)?;
        (lock.downloads, lock.absent) = read_rows::rows(lockfile, raw)?;
    }
    if lock.is_empty() { Err(LockFileError::Empty { lockfile: lockfile.to_owned() }) } else { Ok(lock) }
}

fn pyodide(lockfile: &str, raw: &RawPyodide) -> Result<PyodideLock, LockFileError> {
    let top = Entry { lockfile, name: "the head".to_owned() };
    let mut packages = raw.packages.iter().map(|raw| package(lockfile, raw)).collect::<Result<Vec<_>, _>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let lock = PyodideLock {
        runtime: runtime(lockfile, &raw.runtime)?,
        base: base(lockfile, &raw.base)?,
        exclude_newer: match &raw.exclude_newer {
            Some(text) => Some(text.parse().map_err(|_| top.wrong("exclude_newer", "no time"))?),
            None => None,
        },
        requested: raw.requested.clone(),
        packages,
    };
    check(lockfile, &lock)?;
    Ok(lock)
}

fn check(lockfile: &str, lock: &PyodideLock) -> Result<(), LockFileError> {
    if let Some(pair) = lock.packages.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(LockFileError::Twice { lockfile: lockfile.to_owned(), name: pair[0].name.clone() });
    }
    for package in &lock.packages {
        if let Some(missing) = package.depends.iter().find(|name| lock.package(name.as_str()).is_none()) {
            return Err(LockFileError::Open {
                lockfile: lockfile.to_owned(),
                name: package.name.clone(),
                dependency: missing.clone(),
            });
        }
    }
    Ok(())
}

/// A table of the file, for messages.
struct Entry<'a> {
    lockfile: &'a str,
    name: String,
}

impl Entry<'_> {
    fn wrong(&self, key: &'static str, problem: impl Into<String>) -> LockFileError {
        let (lockfile, entry) = (self.lockfile.to_owned(), self.name.clone());
        LockFileError::Value { lockfile, entry, key, problem: problem.into() }
    }

    fn file_name(&self, text: &str) -> Result<FileName, LockFileError> {
        FileName::parse(text).map_err(|problem| self.wrong("file_name", problem))
    }

    fn sha256(&self, text: &str) -> Result<Digest, LockFileError> {
        Digest::from_hex(Algorithm::Sha256, text).map_err(|error| self.wrong("sha256", error.to_string()))
    }

    /// `path`, or `url` of a file that is not on the public index's file host.
    fn place(&self, raw: &RawPackage) -> Result<FilePlace, LockFileError> {
        match (&raw.path, &raw.url) {
            (Some(path), None) => {
                FilePath::parse(path).map(FilePlace::Hosted).map_err(|problem| self.wrong("path", problem))
            }
            (None, Some(url)) => self.url(url).map(FilePlace::Url),
            (Some(_), Some(_)) => Err(self.wrong("path", "there beside `url`")),
            (None, None) => Err(self.wrong("path", "not there, and neither is `url`")),
        }
    }

    fn url(&self, text: &str) -> Result<Url, LockFileError> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| self.wrong("url", "no address that begins with http: or https:"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.wrong("url", "an address with a user name or a password, which have no place here"));
        }
        Ok(url)
    }
}

fn runtime(lockfile: &str, raw: &RawRuntime) -> Result<LockedRuntime, LockFileError> {
    let entry = Entry { lockfile, name: "runtime".to_owned() };
    let version = RuntimeVersion::parse(&raw.version).map_err(|problem| entry.wrong("version", problem))?;
    let release = Runtime::new(version, &raw.python, &raw.platform, raw.abi_version.as_deref())
        .map_err(|source| LockFileError::Runtime { lockfile: lockfile.to_owned(), source })?;
    let integrity = raw.integrity.as_deref().map(str::parse::<Integrity>).transpose();
    Ok(LockedRuntime {
        release,
        url: raw.url.as_deref().map(|url| entry.url(url)).transpose()?,
        integrity: integrity.map_err(|error| entry.wrong("integrity", error.to_string()))?,
    })
}

fn base(lockfile: &str, raw: &RawBase) -> Result<LockedBase, LockFileError> {
    let entry = Entry { lockfile, name: "base".to_owned() };
    Ok(LockedBase { file_name: entry.file_name(&raw.file_name)?, sha256: entry.sha256(&raw.sha256)? })
}

fn package(lockfile: &str, raw: &RawPackage) -> Result<LockedPackage, LockFileError> {
    let entry = Entry { lockfile, name: format!("package {}", raw.name.escape_debug()) };
    let name = ProjectName::parse(&raw.name).map_err(|problem| entry.wrong("name", problem))?;
    let source = match raw.source.as_str() {
        "distribution" if raw.url.as_ref() == Some(&raw.file_name) && raw.path.is_none() => LockedSource::Distribution,
        "distribution" => return Err(entry.wrong("url", "not the file's name, which it is in a distribution")),
        "index" => LockedSource::Index { place: entry.place(raw)? },
        _ => return Err(entry.wrong("source", "neither \"distribution\" nor \"index\"")),
    };
    let name_of = |key, text: &String| ProjectName::parse(text).map_err(|problem| entry.wrong(key, problem));
    let depends = raw.depends.iter().map(|text| name_of("depends", text));
    let why = raw.why.iter().map(|text| match text.as_str() {
        LARDER_TOML => Ok(Asker::LarderToml),
        _ => name_of("why", text).map(Asker::Package),
    });
    Ok(LockedPackage {
        name,
        version: Version::parse(&raw.version).map_err(|problem| entry.wrong("version", problem))?,
        source,
        file_name: entry.file_name(&raw.file_name)?,
        sha256: entry.sha256(&raw.sha256)?,
        size: raw.size,
        depends: depends.collect::<Result<_, _>>()?,
        why: why.collect::<Result<_, _>>()?,
    })
}
