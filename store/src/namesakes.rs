//! Blobs that the store has of a package under another digest than the one it is asked for by: what one lockfile states by sha512, another states by sha1, and a
//! third leaves to the registry.

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    blob,
    carry::{inventory, present},
    digest::{BlobId, Integrity},
    error::StoreError,
    journal,
    look_up::Found,
    receipt::{Origin, Receipt},
    store::Store,
};

/// The store's blobs by the packages that their receipts name. The receipts are read when it is asked for the first time: all of them.
#[derive(Debug)]
pub struct Namesakes {
    store: Store,
    blobs: OnceLock<HashMap<Name, Vec<BlobId>>>,
}

/// Ecosystem, name and version.
type Name = [Box<str>; 3];

fn name(origin: &Origin) -> Name {
    [&origin.ecosystem, &origin.name, &origin.version].map(|text| text.as_str().into())
}

impl Namesakes {
    /// Of what the store has when it is asked for the first time.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), blobs: OnceLock::new() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The blob of one of these packages whose bytes have these digests. Its bytes are read where its receipt does not state all of them. Where the store can be
    /// written, the blob is found by the digests, and by the origins' identities, from the next look-up on.
    pub fn find(&self, origins: &[Origin], integrity: &Integrity) -> Option<Found> {
        let blobs = self.blobs.get_or_init(|| self.by_name());
        let candidates = origins.iter().filter_map(|origin| blobs.get(&name(origin))).flatten();
        let mut receipt = candidates.into_iter().find_map(|blob| self.agreeing(blob, integrity))?;
        let found = Found { blob: receipt.blob, size: receipt.size };
        receipt.origins.extend_from_slice(origins);
        if let Err(error) = self.note(receipt) {
            tracing::debug!(%error, blob = %found.blob, "what else the blob is found by is not noted");
        }
        Some(found)
    }

    fn by_name(&self) -> HashMap<Name, Vec<BlobId>> {
        let mut blobs: HashMap<Name, Vec<BlobId>> = HashMap::new();
        match inventory(&self.store) {
            Ok(receipts) => {
                for receipt in receipts {
                    for origin in &receipt.origins {
                        let of_name = blobs.entry(name(origin)).or_default();
                        if of_name.last() != Some(&receipt.blob) {
                            of_name.push(receipt.blob);
                        }
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "it is not known what else the store has"),
        }
        blobs
    }

    /// The blob's receipt with all digests of that kind, if they are those.
    fn agreeing(&self, blob: &BlobId, integrity: &Integrity) -> Option<Receipt> {
        let receipt = present(&self.store, blob)?;
        if integrity.agrees_with(receipt.digests.digests()) {
            return Some(receipt);
        }
        if !integrity.is_compatible_with(&receipt.digests) {
            return None;
        }
        let actual = blob::hash_file(&self.store.blob_path(blob), integrity.algorithms());
        let actual = actual.inspect_err(|error| tracing::debug!(%error, "a blob cannot be read")).ok()?;
        if actual.blob != *blob || !integrity.agrees_with(&actual.digests) {
            return None;
        }
        let digests = receipt.digests.union(&Integrity::new(actual.digests)?);
        Some(Receipt { digests, ..receipt })
    }

    fn note(&self, receipt: Receipt) -> Result<(), StoreError> {
        let layout = self.store.layout();
        // A receipt without its blob would be a fault; what only the store below has is found again the next time.
        if !self.store.is_writable() || !layout.blob(&receipt.blob).exists() {
            return Ok(());
        }
        journal::supplement(layout, receipt)
    }
}
