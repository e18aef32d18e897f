//! The receipt: what is known about a blob, and the record that it was committed. `docs/store-format.md` gives its form.

use std::{io, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    digest::{BlobId, Digest, Integrity},
    error::{At as _, StoreError},
    layout::Layout,
    lock,
    look_up::Key,
    open,
    wait::Patience,
    whole_file,
};

const FORMAT: u32 = 1;
/// No receipt is as long: bytes. One is some hundred, and 150 for each further package with the same bytes.
pub(crate) const MOST_BYTES: u64 = 4 << 20;
/// How long others may write receipts of the same folder: each takes a millisecond.
const WRITE_PATIENCE: Patience = Patience::up_to(Duration::from_secs(30));

/// A package that has a blob's bytes, and where they were had from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// `npm`, …
    pub ecosystem: String,
    /// The package's real name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it was had from, without user, password and query.
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
    pub(crate) fn merge(&mut self, other: Self) {
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

/// The receipt of a blob. One that cannot be read, or that is of another blob, counts as absent.
pub(crate) fn read(layout: &Layout, id: &BlobId) -> Option<Receipt> {
    let path = layout.receipt(id);
    match load(&path) {
        Ok(receipt) if receipt.blob == *id => Some(receipt),
        Ok(receipt) => {
            tracing::debug!(path = %path.display(), blob = %receipt.blob, "a receipt of another blob counts as absent");
            None
        }
        Err(LoadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "a receipt that cannot be read counts as absent");
            None
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

fn load(path: &std::path::Path) -> Result<Receipt, LoadError> {
    Ok(Receipt::from_json(&open::read_whole(path, MOST_BYTES)?)?)
}

/// Writes a receipt; what an earlier one of the same blob knows is kept.
pub(crate) fn write(layout: &Layout, receipt: Receipt) -> Result<(), StoreError> {
    stage(layout, receipt)?.publish(layout)
}

/// A receipt that is written and does not have its name yet. Nobody else writes one of its folder meanwhile.
#[derive(Debug)]
pub(crate) struct Staged {
    file: whole_file::Staged,
    _lock: std::fs::File,
}

impl Staged {
    pub(crate) fn publish(self, layout: &Layout) -> Result<(), StoreError> {
        self.file.publish(layout)
    }
}

/// Writes a receipt in place of the one that is there, of which nothing is believed.
pub(crate) fn replace(layout: &Layout, receipt: Receipt) -> Result<(), StoreError> {
    staged(layout, receipt, Merge::Never)?.publish(layout)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    WithEarlier,
    Never,
}

/// Does what of [`write`] can be refused.
pub(crate) fn stage(layout: &Layout, receipt: Receipt) -> Result<Staged, StoreError> {
    staged(layout, receipt, Merge::WithEarlier)
}

fn staged(layout: &Layout, mut receipt: Receipt, merge: Merge) -> Result<Staged, StoreError> {
    // Two may publish the same bytes under different keys at once: none may lose what the other knows.
    let path = layout.receipt(&receipt.blob);
    let folder = path.parent().expect("a receipt is in a folder");
    let lock = match open::folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            open::make_folder(folder).at("create", folder)?;
            open::folder(folder)
        }
        opened => opened,
    }
    .at("open", folder)?;
    lock::exclusive(&lock, folder, WRITE_PATIENCE)?;
    if merge == Merge::WithEarlier
        && let Some(earlier) = read(layout, &receipt.blob)
    {
        receipt.merge(earlier);
    }
    Ok(Staged { file: whole_file::stage(&path, &bounded(receipt))?, _lock: lock })
}

/// The receipt's bytes, of which there are never more than are read again. What is left out are packages that happen to have the same bytes: no key is among them.
fn bounded(mut receipt: Receipt) -> Vec<u8> {
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

/// Every file of the two-level folders `blobs/` and `receipts/`, with the blob that its name says, if it says one.
pub(crate) fn walk(
    folder: &std::path::Path,
) -> impl Iterator<Item = Result<(PathBuf, Option<BlobId>), StoreError>> + use<> {
    let list = |folder: PathBuf| -> Box<dyn Iterator<Item = Result<PathBuf, StoreError>>> {
        match std::fs::read_dir(&folder) {
            Ok(entries) => Box::new(entries.map(move |entry| {
                entry.map(|entry| entry.path()).map_err(|error| StoreError::io("list", &folder, error))
            })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Box::new(std::iter::empty())
            }
            Err(error) => Box::new(std::iter::once(Err(StoreError::io("list", folder, error)))),
        }
    };
    list(folder.to_owned())
        .flat_map(move |shard| match shard {
            // What a link leads to is not the store's.
            Ok(shard) if shard.is_symlink() => Box::new(std::iter::empty()),
            Ok(shard) => list(shard),
            Err(error) => Box::new(std::iter::once(Err(error))),
        })
        .map(|path| {
            path.map(|path| {
                let id = named_blob(&path);
                (path, id)
            })
        })
}

fn named_blob(path: &std::path::Path) -> Option<BlobId> {
    let shard = path.parent()?.file_name()?.to_str()?;
    let name = path.file_name()?.to_str()?;
    let rest = name.strip_suffix(".json").unwrap_or(name);
    (shard.len() == 2).then(|| format!("{shard}{rest}").parse().ok()).flatten()
}
