//! A plan's file in an object store: receipts, a line each. Pure.

use std::collections::{BTreeMap, btree_map::Entry};

use larder_store::{digest::BlobId, import, rate::DownloadRate, receipt::Receipt};
use serde::{Deserialize, Serialize};

/// The format that this larder reads and writes.
const FORMAT: u32 = 1;

/// What was shared of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Catalog {
    /// Sorted by blob, each once.
    pub(super) receipts: Vec<Receipt>,
    /// How fast the registry gave the last larger download on the machine that wrote the file.
    pub(super) registry: Option<DownloadRate>,
}

#[derive(Deserialize, Serialize)]
struct Head {
    format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<DownloadRate>,
}

/// Why a plan's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    /// It is none.
    #[error("it is not a list of receipts")]
    Form(#[source] serde_json::Error),
    /// A later larder wrote it.
    #[error("it has format {0}, and a newer larder wrote it")]
    Newer(u32),
}

impl Catalog {
    /// Reads one. A receipt that cannot be believed is passed over: its blob is as if it had not been shared.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CatalogError> {
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head: Head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(CatalogError::Form)?;
        if head.format > FORMAT {
            return Err(CatalogError::Newer(head.format));
        }
        let parse = |line: &[u8]| {
            let receipt = Receipt::from_json(line).ok()?;
            import::receipt(receipt.blob, line).ok()
        };
        Ok(Self { registry: head.registry, ..Self::of(lines.filter_map(parse)) })
    }

    /// Of these receipts.
    pub(super) fn of(receipts: impl IntoIterator<Item = Receipt>) -> Self {
        let mut by_blob: BTreeMap<BlobId, Receipt> = BTreeMap::new();
        for receipt in receipts {
            match by_blob.entry(receipt.blob) {
                Entry::Vacant(vacant) => drop(vacant.insert(receipt)),
                Entry::Occupied(mut known) => known.get_mut().merge(receipt),
            }
        }
        Self { receipts: by_blob.into_values().collect(), registry: None }
    }

    /// The bytes of the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec(&Head { format: FORMAT, registry: self.registry }).expect("numbers can be written");
        bytes.push(b'\n');
        for receipt in &self.receipts {
            let line = receipt.to_json();
            bytes.extend_from_slice(line.trim_ascii_end());
            bytes.push(b'\n');
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use larder_store::digest::{Algorithm, Digest};

    use super::*;

    fn receipt(bytes: &[u8]) -> Receipt {
        Receipt {
            blob: BlobId::of(bytes),
            size: bytes.len() as u64,
            digests: Digest::of(Algorithm::Sha512, bytes).into(),
            origins: Vec::new(),
            fetched: None,
        }
    }

    #[test]
    fn what_is_written_is_read_sorted_and_each_once() {
        let all = [b"a", b"b", b"c"].map(|bytes| receipt(bytes));
        let catalog = Catalog::of(all.iter().rev().chain(&all).cloned());
        assert_eq!(catalog.receipts.len(), 3);
        assert!(catalog.receipts.is_sorted_by_key(|receipt| receipt.blob));
        let bytes = catalog.to_bytes();
        assert!(bytes.starts_with(b"{\"format\":1}\n{\"format\":1,\"blob\":"));
        assert_eq!(Catalog::parse(&bytes).unwrap(), catalog);
        assert_eq!(Catalog::of([]).to_bytes(), b"{\"format\":1}\n");
    }

    #[test]
    fn what_is_none_is_refused_and_a_receipt_that_is_none_is_passed_over() {
        assert!(matches!(Catalog::parse(b""), Err(CatalogError::Form(_))));
        assert!(matches!(Catalog::parse(b"<html>"), Err(CatalogError::Form(_))));
        assert!(matches!(Catalog::parse(b"{\"format\":2}\n"), Err(CatalogError::Newer(2))));
        let mut bytes = Catalog::of([receipt(b"a")]).to_bytes();
        bytes.extend(b"{}\n\nnot JSON\n");
        assert_eq!(Catalog::parse(&bytes).unwrap(), Catalog::of([receipt(b"a")]));
    }
}
