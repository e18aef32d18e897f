//! The values of a `larder.lock`'s downloads: what was recorded of an address that no lockfile names.

use std::fmt;

use larder_store::digest::{Algorithm, Digest};

use crate::core::{
    artifact::{PackageName, Version},
    recorded_url::RecordedUrl,
};

/// The longest answer that is kept in the lock itself, bytes.
pub const LONGEST_INLINE: usize = 64 << 10;

/// `[[download]]`: a file, or a small answer, at an address that no lockfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDownload {
    /// The address that was asked, whatever it redirects to.
    pub url: RecordedUrl,
    /// The bytes.
    pub content: RecordedContent,
    /// `content_type`.
    pub content_type: Option<MediaType>,
    /// The platform that the address is for, as far as the address says one.
    pub platform: RecordedPlatform,
    /// `by`: what asked for it, sorted; at least one.
    pub by: Vec<Requester>,
    /// `trust`: why the digest is believed.
    pub trust: Trust,
}

/// The bytes of a recorded download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedContent {
    /// A file, which the store holds.
    Stored {
        /// Its digest.
        sha256: Digest,
        /// Its length, bytes.
        size: u64,
    },
    /// An answer that is in the lock itself: a server may give another one tomorrow.
    Inline(InlineBody),
}

impl RecordedContent {
    /// The digest of the bytes.
    pub fn sha256(&self) -> Digest {
        match self {
            Self::Stored { sha256, .. } => *sha256,
            Self::Inline(body) => Digest::of(Algorithm::Sha256, body.as_bytes()),
        }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        match self {
            Self::Stored { size, .. } => *size,
            Self::Inline(body) => body.as_bytes().len() as u64,
        }
    }
}

/// An answer of at most [`LONGEST_INLINE`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineBody(Box<[u8]>);

impl InlineBody {
    /// Takes the bytes, if they are few enough.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() <= LONGEST_INLINE).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `[[absent]]`: an address that had nothing, and on that its client relied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAbsence {
    /// The address that was asked.
    pub url: RecordedUrl,
    /// `status`: what was answered.
    pub status: AbsentStatus,
    /// `by`: what asked for it, sorted; at least one.
    pub by: Vec<Requester>,
}

/// An answer that says that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentStatus {
    /// 404.
    NotFound,
    /// 410.
    Gone,
}

impl AbsentStatus {
    /// The status code.
    pub const fn code(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Gone => 410,
        }
    }

    /// The answer of this code, if it is one of these.
    pub fn of_code(code: u16) -> Option<Self> {
        [Self::NotFound, Self::Gone].into_iter().find(|status| status.code() == code)
    }
}

/// What of a platform an address says. What it leaves out, it is for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedPlatform {
    /// `os`: the system, as node names it (`linux`, `darwin`, `win32`).
    pub os: Option<PlatformWord>,
    /// `cpu`: the processor, as node names it (`x64`, `arm64`).
    pub cpu: Option<PlatformWord>,
    /// `libc`: the C library, on Linux.
    pub libc: Option<RecordedLibc>,
    /// `abi`: the version of node's modules (`process.versions.modules`).
    pub abi: Option<u16>,
}

/// What node's `process.platform` can be.
const SYSTEMS: [&str; 10] =
    ["aix", "android", "cygwin", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32"];
/// What node's `process.arch` can be.
const PROCESSORS: [&str; 12] =
    ["arm", "arm64", "ia32", "loong64", "mips", "mipsel", "ppc", "ppc64", "riscv64", "s390", "s390x", "x64"];

/// A system or a processor, as node names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlatformWord(Box<str>);

impl PlatformWord {
    /// A system of node's. What is wrong comes back in words: nothing would ever match another word.
    pub fn os(text: &str) -> Result<Self, &'static str> {
        let known = SYSTEMS.contains(&text).then(|| Self(text.into()));
        known.ok_or("none of node's names of a system, such as linux, darwin or win32")
    }

    /// A processor of node's. What is wrong comes back in words.
    pub fn cpu(text: &str) -> Result<Self, &'static str> {
        let known = PROCESSORS.contains(&text).then(|| Self(text.into()));
        known.ok_or("none of node's names of a processor, such as x64 or arm64")
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlatformWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedLibc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

impl RecordedLibc {
    /// The word that the lock has.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }

    /// The C library of that word.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Glibc, Self::Musl].into_iter().find(|libc| libc.name() == name)
    }
}

/// A media type without parameters: `application/zip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(Box<str>);

impl MediaType {
    /// Checks a media type: two names of RFC 6838, of at most 127 characters each, in lower case. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$&-^_.+".contains(&byte);
        let is_name = |name: &str| (1..=127).contains(&name.len()) && name.bytes().all(is_of_name);
        match text.split_once('/') {
            Some((kind, subtype)) if is_name(kind) && is_name(subtype) => Ok(Self(text.into())),
            _ => Err("no plain media type, such as application/zip: in lower case and without parameters"),
        }
    }

    /// That of a `Content-Type`, without its parameters.
    pub fn of_header(text: &str) -> Option<Self> {
        Self::parse(&text.split(';').next()?.trim().to_ascii_lowercase()).ok()
    }

    /// The media type.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What asked for a download.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requester {
    /// A package, by its install script or when it was first used: `name@version`.
    Package {
        /// Its name.
        name: PackageName,
        /// Its version.
        version: Version,
    },
    /// A script or a command of the project: `script:NAME`.
    Script(ScriptName),
}

const SCRIPT: &str = "script:";

impl Requester {
    /// The package's name, if it is one.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Package { name, .. } => Some(name.as_str()),
            Self::Script(_) => None,
        }
    }

    /// Reads what [`fmt::Display`] writes. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix(SCRIPT) {
            return ScriptName::parse(name).map(Self::Script);
        }
        // The name may begin with the at sign of a scope.
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
        let at = at.ok_or("neither a package's name@version nor script:NAME")?;
        Ok(Self::Package { name: PackageName::parse(&text[..at])?, version: Version::parse(&text[at + 1..])? })
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package { name, version } => write!(f, "{name}@{version}"),
            Self::Script(name) => write!(f, "{SCRIPT}{name}"),
        }
    }
}

/// A script's name, as `package.json` has it, or a command's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScriptName(Box<str>);

impl ScriptName {
    /// Checks a name: 1 to 256 bytes, without control characters. What is wrong comes back in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
            return Err("a script's name that is empty, longer than 256 bytes or has control characters");
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the digest of a download is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A digest in the package agrees with it, and the lockfile pins the package.
    Package,
    /// A digest in a file beside it agrees with it.
    Beside,
    /// It is that of the bytes that came first.
    FirstUse,
}

impl Trust {
    /// The word that the lock has.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Beside => "beside",
            Self::FirstUse => "first-use",
        }
    }

    /// The trust of that word.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Package, Self::Beside, Self::FirstUse].into_iter().find(|trust| trust.name() == name)
    }
}
