//! [`IndexFile`]: a file that an index lists.

use jiff::Timestamp;
use larder_store::digest::{Algorithm, Digest};
use url::Url;

/// A file that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name, not yet looked into.
    pub file_name: String,
    /// Where it is. It can have a query, and even a user name: show neither.
    pub url: Url,
    /// Its digest, if the index states one.
    pub sha256: Option<Digest>,
    /// Its length, bytes.
    pub size: Option<u64>,
    /// The versions of Python that it is for.
    pub requires_python: Option<String>,
    /// When it was uploaded.
    pub uploaded: Option<Timestamp>,
    /// Whether it was yanked: chosen by nobody who does not ask for this very version.
    pub is_yanked: bool,
    /// Whether its metadata is at its address with `.metadata` after it.
    pub metadata: CoreMetadata,
}

/// Whether an index offers a file's metadata by itself (PEP 658).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreMetadata {
    /// It does not say. Some do offer it all the same.
    Unstated,
    /// It says no.
    Absent,
    /// It does, and may state its digest.
    Offered(Option<Digest>),
}

/// The address that a list states, without its fragment.
pub(super) fn address(base: &Url, text: &str) -> Option<Url> {
    let mut url = base.join(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_fragment(None);
    Some(url)
}

/// A digest in hexadecimal digits.
pub(super) fn sha256(hex: &str) -> Result<Digest, &'static str> {
    Digest::from_hex(Algorithm::Sha256, hex).map_err(|_| "its sha256 is invalid")
}
