//! Checks whether bytes are a package: a complete archive with a package.json in its top folder. Only bytes without a stated digest are checked, so that the store
//! never records an error page or half a file.
//!
//! Never stricter than the package managers: an archive may be a tar without gzip, its top folder may have any name, and pnpm installs packages from git without any
//! package.json.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::Arc,
};

use serde::Deserialize;

use crate::archive::{
    bounded::is_too_much,
    gzip::{Gunzip, MAGIC},
    tar::{Bounds, Entries, Entry, Kind, LongNames, TarError},
};

/// The longest `package.json` that is read: far longer than any. 16 MiB.
const LONGEST_PACKAGE_JSON: u64 = 16 << 20;
/// The largest packages have some ten thousand files.
const MOST_ENTRIES: usize = 1_000_000;
/// Of what came, how much is looked at to say what it is. Bytes.
const HEAD: usize = 1024;
/// Of a name, how many characters a message has.
const SHOWN: usize = 100;

/// What an archive must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fetcher) struct Shape {
    /// The package's name, where the lockfile has the true one.
    pub(in crate::fetcher) name: Option<Arc<str>>,
    /// Where its description may be.
    pub(in crate::fetcher) manifest: ManifestPlace,
}

/// Where a package's description is. The later, the more is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::fetcher) enum ManifestPlace {
    /// In the top folder.
    Top,
    /// In the top folder or further below: a dependency may be a folder of a repository.
    Anywhere,
    /// Nowhere, if there is none.
    Optional,
}

/// Why bytes are no package.
#[derive(Debug, thiserror::Error)]
pub(in crate::fetcher) enum NotAPackage {
    #[error("it is empty, and not a package")]
    Empty,
    #[error("it is an HTML page, and not a package")]
    Html,
    #[error("it is JSON, and not a package")]
    Json,
    #[error("it is no archive of a package")]
    NoArchive,
    #[error("the archive is cut off or damaged")]
    Broken(#[source] io::Error),
    #[error("the archive cannot be unpacked")]
    Refused(#[source] io::Error),
    #[error("the archive has no package.json in its top folder")]
    NoPackageJson,
    #[error("its package.json is not JSON of a package")]
    PackageJson(#[source] serde_json::Error),
    #[error("its package.json is longer than {LONGEST_PACKAGE_JSON} bytes")]
    LongPackageJson,
    #[error("its package.json names {found}, and not {wanted}")]
    OtherName { found: String, wanted: Arc<str> },
}

impl NotAPackage {
    /// Whether another try may give something else: what came is a server's or a network's way to say no, or a part.
    pub(in crate::fetcher) const fn is_passing(&self) -> bool {
        matches!(self, Self::Empty | Self::Html | Self::Json | Self::NoArchive | Self::Broken(_))
    }
}

/// What an archive turned out to have of a description.
#[derive(Debug, Default)]
pub(super) struct Seen {
    has_top: bool,
    has_any: bool,
    is_named: bool,
    /// The name that stands there in place of the one that is looked for.
    other: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: serde_json::Value,
}

/// The unpacked bytes of what came, gzip or not.
pub(super) enum Unpacked<R: BufRead> {
    Gzip(Box<Gunzip<R>>),
    Plain(R),
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(source) => source.read(buffer),
            Self::Plain(source) => source.read(buffer),
        }
    }
}

impl Shape {
    /// Whether these bytes have it. At most `longest` bytes are unpacked.
    pub(super) fn check(&self, packed: impl Read, longest: u64) -> Result<(), NotAPackage> {
        let mut seen = Seen::default();
        walk(packed, longest, |entry, content| seen.look(self, entry, content))?;
        self.judge(&seen)
    }

    /// Whether what was seen is enough.
    pub(super) fn judge(&self, seen: &Seen) -> Result<(), NotAPackage> {
        let has_one = match self.manifest {
            ManifestPlace::Top => seen.has_top,
            ManifestPlace::Anywhere => seen.has_any,
            ManifestPlace::Optional => true,
        };
        if !has_one {
            return Err(NotAPackage::NoPackageJson);
        }
        match (&self.name, &seen.other) {
            (Some(wanted), Some(found)) if !seen.is_named => {
                Err(NotAPackage::OtherName { found: found.clone(), wanted: Arc::clone(wanted) })
            }
            _ => Ok(()),
        }
    }
}

impl Seen {
    /// Looks at one entry of an archive.
    pub(super) fn look(&mut self, shape: &Shape, entry: &Entry, content: &mut dyn Read) -> Result<(), NotAPackage> {
        let depth = manifest_depth(&entry.path).filter(|_| entry.kind == Kind::File);
        let Some(depth) = depth else { return Ok(()) };
        let is_top = depth <= 1;
        self.has_any = true;
        // Of two of one path the last one counts, as it does for who unpacks them.
        if is_top {
            self.has_top = true;
        } else if shape.manifest == ManifestPlace::Top || self.is_named {
            return Ok(());
        }
        if entry.len > LONGEST_PACKAGE_JSON {
            return if is_top { Err(NotAPackage::LongPackageJson) } else { Ok(()) };
        }
        let mut bytes = Vec::new();
        content.take(entry.len).read_to_end(&mut bytes).map_err(broken)?;
        match (serde_json::from_slice(without_mark(&bytes)), is_top) {
            (Ok(named), _) => self.note(shape, &named, is_top),
            // Deep in a repository there may be anything, for tests.
            (Err(_), false) => {}
            (Err(error), true) => return Err(NotAPackage::PackageJson(error)),
        }
        Ok(())
    }

    fn note(&mut self, shape: &Shape, Named { name }: &Named, is_top: bool) {
        let Some(wanted) = &shape.name else { return };
        match name.as_str().filter(|name| !name.is_empty()) {
            Some(name) if *name == **wanted => self.is_named = true,
            Some(name) if is_top => {
                self.is_named = false;
                self.other = Some(shown(name));
            }
            // One without a name may be of any.
            None if is_top => self.other = None,
            _ => {}
        }
    }
}

/// Reads an archive to its end and gives each entry to `each`.
pub(super) fn walk(
    packed: impl Read,
    longest: u64,
    mut each: impl FnMut(&Entry, &mut dyn Read) -> Result<(), NotAPackage>,
) -> Result<(), NotAPackage> {
    let mut packed = BufReader::with_capacity(64 << 10, packed);
    let head = packed.fill_buf().map_err(NotAPackage::Broken)?;
    let head = head[..head.len().min(HEAD)].to_vec();
    if head.is_empty() {
        return Err(NotAPackage::Empty);
    }
    let is_gzip = head.starts_with(MAGIC);
    let source = if is_gzip { Unpacked::Gzip(Box::new(Gunzip::new(packed))) } else { Unpacked::Plain(packed) };
    let bounds = Bounds { bytes: longest, entries: MOST_ENTRIES };
    let mut entries = Entries::new(source, bounds, LongNames::Refused);
    let refused = |error| of_tar(error, if is_gzip { None } else { Some(&head) });
    let mut has_entries = false;
    while let Some(entry) = entries.next().map_err(refused)? {
        has_entries = true;
        each(&entry, &mut entries)?;
    }
    // Without gzip, whose checksum stands at its end, nothing else says that this is all.
    if !has_entries || !(is_gzip || entries.is_ended()) {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    entries.drain().map_err(refused)
}

fn of_tar(error: TarError, head: Option<&[u8]>) -> NotAPackage {
    match error {
        TarError::NotTar => head.map_or(NotAPackage::NoArchive, looks),
        TarError::Source(error) => broken(error),
        TarError::Cut | TarError::Damaged => NotAPackage::Broken(io::Error::other(error)),
        TarError::LongName | TarError::TooMany { .. } => NotAPackage::Refused(io::Error::other(error)),
    }
}

/// What became of reading the archive's bytes.
pub(super) fn broken(error: io::Error) -> NotAPackage {
    if is_too_much(&error) { NotAPackage::Refused(error) } else { NotAPackage::Broken(error) }
}

/// What bytes look like that are no archive.
fn looks(head: &[u8]) -> NotAPackage {
    let text = String::from_utf8_lossy(without_mark(head)).trim_start().to_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|start| text.contains(start)) {
        NotAPackage::Html
    } else if text.starts_with(['{', '[']) {
        NotAPackage::Json
    } else {
        NotAPackage::NoArchive
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// How many folders a `package.json` is in: `package/package.json` is in one.
fn manifest_depth(path: &[u8]) -> Option<usize> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !matches!(part, [] | [b'.'])).collect();
    (*parts.last()? == b"package.json".as_slice()).then(|| parts.len() - 1)
}

/// A name as a message may have it.
fn shown(name: &str) -> String {
    let plain: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().count() > SHOWN { format!("{plain}…") } else { plain }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
