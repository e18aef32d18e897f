//! npm's cache (`_cacache`) as a layout, in the format that npm 10 to 12 read. Pure.
//!
//! ```text
//! _cacache/content-v2/sha512/ab/cd/<124 hex>   a tarball or a packument, by each of its digests
//! _cacache/index-v5/ab/cd/<60 hex>             by the sha256 of a request's key: what was answered, and the digests of the body
//! ```
//!
//! `npm ci` finds a tarball by its digest alone, if the lockfile states address and digest. The index is for everything else: packuments, what has no
//! digest in the lockfile, and `npm cache verify`, which removes content that no index entry names.
//! npm rewrites an index bucket whenever it reads it, and takes a failure as "not cached": a read-only cache serves tarballs by digest only, and with a writable copy of its
//! index everything.
//!
//! The format is that of cacache (content-v2, index-v5) and make-fetch-happen (the metadata of an entry).

use std::fmt::Write as _;

use larder_store::digest::{Algorithm, Digest, Integrity};
use serde::Serialize;
use url::Url;

use crate::core::layout::{Content, Layout};
use crate::{
    core::artifact::Source,
    npm::{PackageVersion, packument::ABBREVIATED},
};

/// The time in index entries, in milliseconds since 1970: the one that npm gives to the files of the tarballs it packs. A clock would make each view another.
const TIME: u64 = 499_162_500_000;

/// A packument and where npm asks for it.
pub type Packument = (Url, Vec<u8>);

/// Which requests for tarballs the index answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// All, so that `npm cache verify` keeps every file.
    Whole,
    /// Those that npm cannot answer by the lockfile's digest.
    Needed,
}

/// A cache that holds the tarballs that are here, and these packuments.
pub fn npm_cache(versions: &[PackageVersion], packuments: Vec<Packument>, index: Index) -> Layout {
    let mut layout = Layout::default();
    for version in versions {
        let (Some(found), Some(integrity)) = (version.found, &version.integrity) else { continue };
        for digest in integrity.digests() {
            layout.insert(content_path(digest), Content::Blob(found));
        }
        if index == Index::Whole || is_asked_by_address(version) {
            let address =
                if is_asked_by_address(version) { version.address.to_string() } else { version.shown_address() };
            let entry = Entry::of_tarball(&address, integrity, found.size);
            layout.insert(index_path(entry.key()), Content::Bytes(bucket(&[entry])));
        }
    }
    for (url, bytes) in packuments {
        let digest = Digest::of(Algorithm::Sha512, &bytes);
        let accepted = [FULL.to_owned(), abbreviated()];
        let entries =
            accepted.map(|accept| Entry::of_packument(url.as_str(), &digest.into(), bytes.len() as u64, accept));
        layout.insert(index_path(entries[0].key()), Content::Bytes(bucket(&entries)));
        layout.insert(content_path(&digest), Content::Bytes(bytes));
    }
    layout
}

/// Whether npm looks in the index for this tarball: it finds by digest what the lockfile states both address and digest of.
fn is_asked_by_address(version: &PackageVersion) -> bool {
    let has_no_address = matches!(version.artifact.source, Source::Registry { resolved: None });
    has_no_address || version.artifact.integrity.is_none()
}

/// Adds an archive of this machine, with its path in the project and its digests: npm copies such a one into its cache before it unpacks it, unless it is there.
pub fn add_local(layout: &mut Layout, path: &str, bytes: &[u8], digests: &Integrity) {
    let mut entry = Entry::of_tarball("file:///", digests, bytes.len() as u64);
    entry.key = format!("larder:file:{path}");
    layout.insert(index_path(entry.key()), Content::Bytes(bucket(&[entry])));
    for digest in digests.digests() {
        layout.insert(content_path(digest), Content::Bytes(bytes.to_vec()));
    }
}

/// What npm asks for full packuments with.
const FULL: &str = "application/json";

/// What npm asks for abbreviated packuments with.
fn abbreviated() -> String {
    format!("{ABBREVIATED}; q=1.0, application/json; q=0.8, */*")
}

/// Where the bytes of this digest are.
pub fn content_path(digest: &Digest) -> String {
    sharded(&format!("_cacache/content-v2/{}", digest.algorithm().name()), &digest.to_hex())
}

fn index_path(key: &str) -> String {
    sharded("_cacache/index-v5", &Digest::of(Algorithm::Sha256, key.as_bytes()).to_hex())
}

fn sharded(folder: &str, hex: &str) -> String {
    format!("{folder}/{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..])
}

/// The lines of one key: each the sha1 of its JSON, a tab, and the JSON. Of several the last is what `npm cache verify` leaves, so the abbreviated
/// form, which `npm ci` asks for, is the last.
fn bucket(entries: &[Entry]) -> Vec<u8> {
    let mut text = String::new();
    for entry in entries {
        let json = serde_json::to_string(entry).expect("texts and numbers can be written");
        let checksum = Digest::of(Algorithm::Sha1, json.as_bytes()).to_hex();
        write!(text, "\n{checksum}\t{json}").expect("a string takes everything");
    }
    text.into_bytes()
}

#[derive(Serialize)]
struct Entry {
    key: String,
    integrity: String,
    time: u64,
    size: u64,
    metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    time: u64,
    url: String,
    req_headers: RequestHeaders,
    res_headers: ResponseHeaders,
    options: Options,
}

#[derive(Serialize)]
struct RequestHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ResponseHeaders {
    content_type: &'static str,
}

#[derive(Serialize)]
struct Options {
    compress: bool,
}

impl Entry {
    fn new(url: &str, integrity: &Integrity, size: u64, accept: Option<String>, content_type: &'static str) -> Self {
        Self {
            key: format!("make-fetch-happen:request-cache:{url}"),
            integrity: integrity.to_string(),
            time: TIME,
            size,
            metadata: Metadata {
                time: TIME,
                url: url.to_string(),
                req_headers: RequestHeaders { accept },
                res_headers: ResponseHeaders { content_type },
                options: Options { compress: true },
            },
        }
    }

    fn of_tarball(url: &str, integrity: &Integrity, size: u64) -> Self {
        Self::new(url, integrity, size, None, "application/octet-stream")
    }

    fn of_packument(url: &str, integrity: &Integrity, size: u64, accept: String) -> Self {
        Self::new(url, integrity, size, Some(accept), "application/json")
    }

    fn key(&self) -> &str {
        &self.key
    }
}
