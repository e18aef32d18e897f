//! The words that lockfiles are read into: [`Artifact`], one file that a lockfile names, and what is known about it.
//!
//! Values only: nothing here reads a file or knows where the public registries are.

use std::{fmt, sync::Arc};

use larder_store::digest::Integrity;
use url::Url;

use crate::core::{
    file_host::FilePlace, file_name::FileName, recorded_url::RecordedUrl, runtime_version::RuntimeVersion,
};

/// Which kind of package an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// A tarball for npm, pnpm, yarn or bun.
    Npm,
    /// A file of Pyodide's distribution.
    Pyodide,
    /// A wheel of a Python package index.
    Python,
    /// A file that a package or a script downloads, and that no package manager's lockfile names.
    Download,
}

impl Ecosystem {
    /// The word that output and receipts use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pyodide => "pyodide",
            Self::Python => "python",
            Self::Download => "download",
        }
    }

    /// The kind of that word.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Npm, Self::Pyodide, Self::Python, Self::Download].into_iter().find(|ecosystem| ecosystem.name() == name)
    }
}

/// npm publishes names of up to 214 characters; old ones and other registries' may be longer. What is longer than this is no name, bytes.
const LONGEST_NAME: usize = 1024;

/// A package's real name (`react`, `@scope/name`): never an alias, and safe in a path and in a URL's path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PackageName(Arc<str>);

impl PackageName {
    /// Checks a name: `name` or `@scope/name`, each part neither empty, `.` nor `..`, and without control characters, white space,
    /// slashes, backslashes or one of `:?#%"<>|*`; at most 1,024 bytes in all. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scope, base) = match text.strip_prefix('@') {
            Some(rest) => {
                let (scope, base) = rest.split_once('/').ok_or("a scope without a name")?;
                (Some(scope), base)
            }
            None => (None, text),
        };
        if text.len() > LONGEST_NAME {
            return Err("a name that is longer than 1024 bytes");
        }
        for part in scope.into_iter().chain([base]) {
            if part.is_empty() {
                return Err("an empty name");
            }
            if part == "." || part == ".." {
                return Err("a name that is a path");
            }
            if part.chars().any(|c| c.is_control() || c.is_whitespace() || "/\\:?#%\"<>|*".contains(c)) {
                return Err("a character that no package name has");
            }
        }
        Ok(Self(text.into()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `@scope`, with the at sign.
    pub fn scope(&self) -> Option<&str> {
        self.0.starts_with('@').then(|| self.0.split_once('/').map(|(scope, _)| scope)).flatten()
    }

    /// The name without its scope.
    pub fn base(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, base)| base)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A package's version, as its lockfile writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Version(Arc<str>);

impl Version {
    /// Checks a version: printable, without white space, slashes or backslashes, 1 to 256 bytes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 256 {
            return Err("a version that is empty or longer than 256 bytes");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/' || c == '\\') {
            return Err("a character that no version has");
        }
        Ok(Self(text.into()))
    }

    /// The version.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host of git repositories that offers each commit as a tarball.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket.
    Bitbucket,
}

impl Forge {
    /// The word that output and identities use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Bitbucket => "bitbucket",
        }
    }
}

/// Where a lockfile says that an artifact's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// In a package registry: at this address, or, where the lockfile states none, where the configured registry has it.
    Registry {
        /// The lockfile's address.
        resolved: Option<Url>,
    },
    /// In the package registry that the project's configuration knows by this name (pnpm's `namedRegistries`).
    Named {
        /// The registry's name.
        registry: Arc<str>,
    },
    /// At this address, which belongs to no registry.
    Remote {
        /// The lockfile's address.
        url: Url,
    },
    /// A commit of a repository whose forge offers it as a tarball.
    Git {
        /// The forge.
        forge: Forge,
        /// `owner/repository`; GitLab may have further groups between the two.
        repository: Arc<str>,
        /// The commit, 40 (sha1) or 64 (sha256) hexadecimal digits.
        commit: Arc<str>,
    },
    /// A file of a release's distribution: wherever the configured sources have it.
    Distribution {
        /// The release of Pyodide.
        release: RuntimeVersion,
        /// The file's name, which is its path in each source.
        file_name: FileName,
    },
    /// A file that a Python package index listed.
    Index {
        /// Where the lockfile says that it is.
        place: FilePlace,
    },
    /// At the address that somebody asked when the file was recorded: at no other, and without saying who asks.
    Recorded {
        /// The address.
        url: RecordedUrl,
    },
}

/// What decides whether an artifact is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "npm's lockfile has these flags, and they are independent")]
pub struct Conditions {
    /// Only development dependencies lead to it.
    pub dev: bool,
    /// Only optional dependencies lead to it.
    pub optional: bool,
    /// Development and optional dependencies lead to it, and it is neither of the two alone.
    pub dev_optional: bool,
    /// Only peer dependencies lead to it.
    pub peer: bool,
    /// Operating systems as node names them (`linux`, `darwin`, `!win32`); empty: any.
    pub os: Vec<Box<str>>,
    /// Processors as node names them (`x64`, `arm64`, `!ia32`); empty: any.
    pub cpu: Vec<Box<str>>,
    /// C libraries (`glibc`, `musl`); empty: any.
    pub libc: Vec<Box<str>>,
}

/// One file that a lockfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// The package's real name.
    pub name: PackageName,
    /// The package's version.
    pub version: Version,
    /// Where it can be had.
    pub source: Source,
    /// What the lockfile states about its bytes. Always `None` for git: npm's integrity there is of an archive that npm packs itself.
    pub integrity: Option<Integrity>,
    /// Its length in bytes, where the lockfile states it.
    pub size: Option<u64>,
    /// Whether it is wanted.
    pub conditions: Conditions,
}

/// `react 18.2.0`.
impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}
