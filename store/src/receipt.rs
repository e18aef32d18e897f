//! The receipt: the commit record of a blob, and what is known about it. `docs/store-format.md` gives its form.

use serde::{Deserialize, Serialize};

use crate::{
    clock::now_to_the_second,
    digest::{BlobId, Digest, Digests, Integrity},
    key::Key,
};

const FORMAT: u32 = 1;
/// No receipt is as long: bytes. One is some hundred, and 150 for each further package with the same bytes.
pub const MOST_BYTES: u64 = 4 << 20;

/// A package that has a blob's bytes, and where they were fetched from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// `npm`, …
    pub ecosystem: String,
    /// The package's real name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it was fetched from, without user, password and query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What was asked for where no digest was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// What is known about a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
    /// Digests computed from its bytes.
    pub digests: Integrity,
    /// The packages that have these bytes, sorted, each once.
    pub origins: Vec<Origin>,
    /// When it was fetched; `None` in a seed.
    pub fetched: Option<jiff::Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    format: u32,
    blob: String,
    size: u64,
    digests: Vec<String>,
    origins: Vec<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fetched: Option<String>,
}

/// Why bytes are no receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Not the JSON of a receipt.
    #[error("not a receipt")]
    Json(#[from] serde_json::Error),
    /// From a later larder.
    #[error("a receipt of format {0}")]
    NewerFormat(u32),
    /// A digest in it is none.
    #[error("a receipt with a damaged digest")]
    Digest(#[from] crate::digest::DigestError),
    /// It names no digest at all.
    #[error("a receipt without digests")]
    NoDigest,
    /// The time in it is none.
    #[error("a receipt with a damaged time")]
    Time(#[from] jiff::Error),
}

impl Receipt {
    /// The receipt of bytes with these digests that were fetched just now, for these packages.
    pub(crate) fn of_fetched(digests: &Digests, mut origins: Vec<Origin>) -> Self {
        origins.sort();
        origins.dedup();
        Self {
            blob: digests.blob,
            size: digests.len,
            digests: Integrity::new(digests.digests.iter().copied()).expect("sha512 is always computed"),
            origins,
            fetched: Some(now_to_the_second()),
        }
    }

    /// Reads a receipt's bytes.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let on_disk: OnDisk = serde_json::from_slice(bytes)?;
        if on_disk.format > FORMAT {
            return Err(ReceiptError::NewerFormat(on_disk.format));
        }
        let digests: Integrity = match on_disk.digests.as_slice() {
            [] => return Err(ReceiptError::NoDigest),
            digests => digests.join(" ").parse()?,
        };
        Ok(Self {
            blob: on_disk.blob.parse()?,
            size: on_disk.size,
            digests,
            origins: on_disk.origins,
            fetched: on_disk.fetched.map(|time| time.parse()).transpose()?,
        })
    }

    /// The receipt's bytes: the same for the same receipt, and ending in a line feed.
    pub fn to_json(&self) -> Vec<u8> {
        let on_disk = OnDisk {
            format: FORMAT,
            blob: self.blob.to_string(),
            size: self.size,
            digests: self.digests.digests().iter().map(Digest::to_string).collect(),
            origins: self.origins.clone(),
            fetched: self.fetched.map(|time| time.to_string()),
        };
        let mut bytes = serde_json::to_vec(&on_disk).expect("a receipt has only strings and numbers");
        bytes.push(b'\n');
        bytes
    }

    /// Whether it states this key.
    pub(crate) fn states(&self, key: &Key) -> bool {
        self.keys().any(|known| known == *key)
    }

    /// The keys under which the blob is found.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let identities = self.origins.iter().filter_map(|origin| origin.identity.as_deref());
        self.digests.digests().iter().map(Key::of_digest).chain(identities.map(Key::of_identity))
    }

    /// Takes over what another receipt of the same blob knows. Bytes have one digest of each algorithm: where the two differ, this one is believed.
    pub fn merge(&mut self, other: Self) {
        debug_assert_eq!(self.blob, other.blob, "receipts of one blob");
        let is_new = |digest: &&Digest| self.digests.algorithms().all(|known| known != digest.algorithm());
        let news: Vec<Digest> = other.digests.digests().iter().filter(is_new).copied().collect();
        self.digests =
            Integrity::new(self.digests.digests().iter().copied().chain(news)).expect("its own are not empty");
        self.origins.extend(other.origins);
        self.origins.sort();
        self.origins.dedup();
        self.fetched = match (self.fetched, other.fetched) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

/// The receipt's bytes, of which there are never more than are read again. What is left out are packages that happen to have the same bytes: no key is among them.
pub(crate) fn bounded(mut receipt: Receipt) -> Vec<u8> {
    loop {
        let bytes = receipt.to_json();
        let named = receipt.origins.iter().filter(|origin| origin.identity.is_none()).count();
        if bytes.len() as u64 <= MOST_BYTES || named <= 1 {
            return bytes;
        }
        let mut left = named / 2;
        receipt.origins.retain(|origin| {
            origin.identity.is_some() || {
                left = left.saturating_sub(1);
                left > 0
            }
        });
    }
}
