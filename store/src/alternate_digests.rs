//! Alternate digests of one package: finds blobs that the store knows under another digest than the requested one. One lockfile may state a package by sha512, another
//! by sha1, and a third may state no digest.

use std::collections::{HashMap, HashSet};

use crate::{
    digest::{BlobId, Integrity},
    error::StoreError,
    hash::hash_file,
    journal,
    key::BlobRef,
    layout::Layout,
    receipt::{Origin, Receipt},
    receipt_files,
    writable::Writable,
};

/// The blobs of a store by the packages that their receipts name; those of lower folders are not among them.
#[derive(Debug, Default)]
pub(crate) struct AlternateDigests(HashMap<Name, Vec<BlobId>>);

/// Ecosystem, name and version.
type Name = [Box<str>; 3];

impl AlternateDigests {
    /// Reads all receipts. Those that cannot be read are passed over.
    pub(crate) fn read(layout: &Layout) -> Self {
        let mut blobs: HashMap<Name, Vec<BlobId>> = HashMap::new();
        let named = receipt_files::walk(&layout.receipts()).filter_map(|file| file.ok()?.1);
        for receipt in named.filter_map(|blob| receipt_files::read(layout, &blob)) {
            for origin in &receipt.origins {
                let of_name = blobs.entry(name(origin)).or_default();
                if of_name.last() != Some(&receipt.blob) {
                    of_name.push(receipt.blob);
                }
            }
        }
        Self(blobs)
    }

    /// The blob of one of these packages whose bytes have these digests. Its bytes are read, and its receipt states the digests from then on: the blob is then
    /// found by them, and by the origins' identities.
    pub(crate) fn find(&self, store: Writable<'_>, origins: &[Origin], integrity: &Integrity) -> Option<BlobRef> {
        // Each blob once: thousands of origins may be of one package.
        let mut seen = HashSet::new();
        let candidates = origins.iter().filter_map(|origin| self.0.get(&name(origin))).flatten();
        let candidates = candidates.filter(|blob| seen.insert(**blob));
        candidates.into_iter().find_map(|blob| {
            let recorded = record(store, blob, origins, integrity);
            recorded.inspect_err(|error| tracing::debug!(%error, %blob, "a blob cannot be compared")).ok()?
        })
    }
}

fn name(origin: &Origin) -> Name {
    [&origin.ecosystem, &origin.name, &origin.version].map(|text| text.as_str().into())
}

/// Compares a blob with the digests, and adds them to its receipt if they are its own.
fn record(
    store: Writable<'_>,
    blob: &BlobId,
    origins: &[Origin],
    integrity: &Integrity,
) -> Result<Option<BlobRef>, StoreError> {
    let layout = store.layout();
    let path = layout.blob(blob);
    let Some(known) = receipt_files::read(layout, blob) else { return Ok(None) };
    let is_whole = std::fs::symlink_metadata(&path).is_ok_and(|file| file.is_file() && file.len() == known.size);
    if !is_whole || !integrity.is_compatible_with(&known.digests) {
        return Ok(None);
    }
    // Whatever its receipt says: what is recorded here leads to these bytes ever after.
    let actual = hash_file(&path, integrity.algorithms())?;
    if actual.blob != *blob || !integrity.agrees_with(&actual.digests) {
        return Ok(None);
    }
    let digests = Integrity::new(actual.digests).expect("those that are stated are among them");
    let receipt = Receipt { blob: *blob, size: known.size, digests, origins: origins.to_vec(), fetched: None };
    journal::supplement(store, receipt)?;
    Ok(Some(BlobRef { blob: *blob, size: known.size }))
}
