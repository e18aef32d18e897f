//! `[pyodide]`: which release, which packages, and where they come from.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::values::{self, parse_base_url, relative_path};
use crate::{
    core::{endpoints, file_name::FileName, runtime_version::RuntimeVersion},
    python::requirement::Requirement,
};

/// Stands for the release in a source, in Python's spelling: `0.28.3`, `315.0.0a2`.
const VERSION: &str = "{version}";

/// How the name of a release archive ends.
const ARCHIVE: &str = ".tar.bz2";

/// `[pyodide]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub struct PyodideSettings {
    /// `version`: the release. None: the one that the npm lockfile names.
    #[serde(deserialize_with = "version")]
    pub version: Option<RuntimeVersion>,
    /// `packages`: what the project needs, in the file's order.
    #[serde(deserialize_with = "packages")]
    pub packages: Vec<Requirement>,
    /// `folder`: where the files go, relative to the file's folder.
    #[serde(deserialize_with = "folder")]
    pub folder: Option<PathBuf>,
    /// `sources`: where the distribution's files are, tried in this order. Empty: the public CDN.
    #[serde(deserialize_with = "sources")]
    pub sources: Vec<DistributionSource>,
    /// `index`: the simple API of a Python package index; ends with a slash. None: the public one.
    #[serde(deserialize_with = "values::base_url")]
    pub index: Option<Url>,
    /// `files`: a mirror of the public index's file host; ends with a slash. None: that host.
    #[serde(deserialize_with = "values::base_url")]
    pub files: Option<Url>,
    /// `exclude-newer`: files of the index that were uploaded at this time or later are not looked at.
    #[serde(deserialize_with = "exclude_newer")]
    pub exclude_newer: Option<Timestamp>,
}

/// Where the files of a distribution are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionSource {
    /// The public CDN.
    Cdn,
    /// Below an address, in which `{version}` stands for the release.
    Address(String),
    /// In a folder, in whose path `{version}` stands for the release.
    Folder(PathBuf),
    /// In the release archive at an address, in which `{version}` stands for the release.
    ArchiveAddress(String),
    /// In a release archive of this machine, in whose path `{version}` stands for the release.
    ArchiveFile(PathBuf),
}

impl PyodideSettings {
    /// Lets folders among the sources begin at the folder of `larder.toml`.
    pub fn begin_at(&mut self, folder: &Path) {
        for source in &mut self.sources {
            if let DistributionSource::Folder(path) | DistributionSource::ArchiveFile(path) = source {
                *path = folder.join(&path);
            }
        }
    }
}

impl DistributionSource {
    fn parse(text: &str) -> Option<Self> {
        if text == "cdn" {
            return Some(Self::Cdn);
        }
        let is_archive = text.ends_with(ARCHIVE);
        if text.contains("://") {
            parse_base_url(&text.replace(VERSION, "0"))?;
            return Some(if is_archive {
                Self::ArchiveAddress(text.to_owned())
            } else {
                Self::Address(text.to_owned())
            });
        }
        relative_path(text).map(if is_archive { Self::ArchiveFile } else { Self::Folder })
    }

    /// Whether it is an archive, which holds the files of a release.
    pub fn is_archive(&self) -> bool {
        matches!(self, Self::ArchiveAddress(_) | Self::ArchiveFile(_))
    }

    /// Where a file of a release is, or the archive that holds it; `None` for what has no place on this machine.
    pub fn address(&self, release: &RuntimeVersion, file_name: &FileName) -> Option<Url> {
        let version = release.folder();
        let version = version.trim_start_matches('v');
        let on_disk = |path: &Path| std::path::absolute(path.to_str()?.replace(VERSION, version)).ok();
        let mut base = match self {
            Self::ArchiveAddress(template) => return Url::parse(&template.replace(VERSION, version)).ok(),
            Self::ArchiveFile(path) => return Url::from_file_path(on_disk(path)?).ok(),
            Self::Cdn => Url::parse(endpoints::PYODIDE_CDN).ok()?.join(&format!("v{version}/full/")).ok()?,
            Self::Address(template) => parse_base_url(&template.replace(VERSION, version))?,
            Self::Folder(path) => Url::from_directory_path(on_disk(path)?).ok()?,
        };
        base.path_segments_mut().ok()?.pop_if_empty().push(file_name.as_str());
        Some(base)
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RuntimeVersion>, D::Error> {
    let accepted = "a version of Pyodide as npm writes it, such as \"0.28.3\"";
    values::text(deserializer, accepted, |text| RuntimeVersion::parse(text).ok())
}

fn packages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Requirement>, D::Error> {
    let accepted = "a list of names or requirements such as \"black[d]>=24\", each once";
    values::list(deserializer, accepted, |text| Requirement::parse(text).ok())
}

fn folder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    values::text(deserializer, "a relative path", relative_path)
}

fn sources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DistributionSource>, D::Error> {
    let accepted = "a list of \"cdn\", addresses such as \"https://mirror.example/pyodide/v{version}/full/\", relative folders and release archives (.tar.bz2) at either, each once";
    values::list(deserializer, accepted, DistributionSource::parse)
}

/// A time, or the beginning of a day in UTC.
fn exclude_newer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let accepted = "a day such as \"2026-01-31\" (its beginning in UTC) or a time such as \"2026-01-31T12:00:00Z\"";
    values::text(deserializer, accepted, |text| {
        let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
        // A time is also read as its day: try it first.
        text.parse().ok().or_else(day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::larder_toml::LarderToml;

    fn parse(text: &str) -> Result<PyodideSettings, String> {
        let read = LarderToml::parse(format!("[pyodide]\n{text}").as_bytes(), Path::new("larder.toml"));
        read.map(|read| read.pyodide.unwrap_or_default()).map_err(|error| error.to_string())
    }

    fn version(text: &str) -> RuntimeVersion {
        RuntimeVersion::parse(text).unwrap()
    }

    #[test]
    fn every_key_is_read() {
        let read = parse(
            r#"
            version = "315.0.0-alpha.2"
            packages = ["numpy", "black[d]>=24; python_version > '3'"]
            folder = "./static/pyodide"
            sources = ["cdn", "https://mirror.example/pyodide/v{version}/full", "vendor/{version}",
                "https://mirror.example/pyodide-{version}.tar.bz2", "vendor/pyodide-{version}.tar.bz2"]
            index = "https://mirror.example/simple"
            files = "https://mirror.example/files"
            exclude-newer = "2026-01-31"
            "#,
        );
        let expected = PyodideSettings {
            version: Some(version("315.0.0-alpha.2")),
            packages: vec![
                Requirement::parse("numpy").unwrap(),
                Requirement::parse("black[d]>=24; python_version > '3'").unwrap(),
            ],
            folder: Some("static/pyodide".into()),
            sources: vec![
                DistributionSource::Cdn,
                DistributionSource::Address("https://mirror.example/pyodide/v{version}/full".to_owned()),
                DistributionSource::Folder("vendor/{version}".into()),
                DistributionSource::ArchiveAddress("https://mirror.example/pyodide-{version}.tar.bz2".to_owned()),
                DistributionSource::ArchiveFile("vendor/pyodide-{version}.tar.bz2".into()),
            ],
            index: Some(Url::parse("https://mirror.example/simple/").unwrap()),
            files: Some(Url::parse("https://mirror.example/files/").unwrap()),
            exclude_newer: Some("2026-01-31T00:00:00Z".parse().unwrap()),
        };
        assert_eq!(read, Ok(expected));
        let time = parse("exclude-newer = '2026-01-31T12:00:00+01:00'").unwrap().exclude_newer;
        assert_eq!(time, Some("2026-01-31T11:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line_and_what_is_accepted() {
        let cases = [
            ("version = '^0.28'", "larder.toml:2: `pyodide.version` has to be a version of Pyodide"),
            ("packages = ['a', 'b c']", "larder.toml:2: `pyodide.packages` has to be a list of names or requirements"),
            ("packages = ['a @ https://x.example/a.whl']", "`pyodide.packages` has to be"),
            ("folder = '/srv'", "`pyodide.folder` has to be a relative path"),
            ("sources = ['ftp://mirror.example/']", "`pyodide.sources` has to be a list of \"cdn\""),
            ("sources = ['https://u:p@mirror.example/']", "`pyodide.sources` has to be"),
            ("sources = ['/srv/pyodide']", "`pyodide.sources` has to be"),
            ("index = 'https://u:p@mirror.example/'", "`pyodide.index` has to be an address"),
            ("files = 'ftp://mirror.example/'", "`pyodide.files` has to be an address"),
            ("exclude-newer = 'yesterday'", "`pyodide.exclude-newer` has to be a day"),
            (
                "exclude_newer = ''",
                "unknown key `pyodide.exclude_newer`; the nearest known one is `pyodide.exclude-newer`",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message}");
            assert!(!message.contains("u:p"), "{message}");
        }
    }

    #[test]
    fn a_source_has_each_file_below_its_release() {
        let file = FileName::parse("a-1.0+b-py3-none-any.whl").unwrap();
        let address = |source: &str, release: &str| {
            DistributionSource::parse(source).unwrap().address(&version(release), &file).map(String::from)
        };
        let cdn = format!("{}v315.0.0a2/full/a-1.0+b-py3-none-any.whl", endpoints::PYODIDE_CDN);
        assert_eq!(address("cdn", "315.0.0-alpha.2"), Some(cdn));
        let mirror = address("https://mirror.example/v{version}/full", "0.28.3");
        assert_eq!(mirror.as_deref(), Some("https://mirror.example/v0.28.3/full/a-1.0+b-py3-none-any.whl"));
        let archive = address("https://mirror.example/pyodide-{version}.tar.bz2", "0.28.3");
        assert_eq!(archive.as_deref(), Some("https://mirror.example/pyodide-0.28.3.tar.bz2"));
        let file = address("vendor/pyodide-{version}.tar.bz2", "0.28.3").unwrap();
        assert!(file.starts_with("file:///") && file.ends_with("/vendor/pyodide-0.28.3.tar.bz2"), "{file}");
        let folder = address("vendor/{version}", "0.28.3").unwrap();
        assert!(
            folder.starts_with("file:///") && folder.ends_with("/vendor/0.28.3/a-1.0+b-py3-none-any.whl"),
            "{folder}"
        );
    }
}
