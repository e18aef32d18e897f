//! Blobs that the store has of a package under another digest than the one it is asked for by: what one lockfile states by sha512, another states by sha1, and a
//! third leaves to the registry.

use std::collections::{HashMap, HashSet};

use crate::{
    blob,
    digest::{BlobId, Integrity},
    error::StoreError,
    journal,
    layout::Layout,
    look_up::Found,
    receipt::{self, Origin, Receipt},
    store::Store,
};

/// The blobs of a store by the packages that their receipts name; of the store below, none.
#[derive(Debug, Default)]
pub(crate) struct Namesakes(HashMap<Name, Vec<BlobId>>);

/// Ecosystem, name and version.
type Name = [Box<str>; 3];

fn name(origin: &Origin) -> Name {
    [&origin.ecosystem, &origin.name, &origin.version].map(|text| text.as_str().into())
}

impl Namesakes {
    /// Reads all receipts. What cannot be read is not known.
    pub(crate) fn read(layout: &Layout) -> Self {
        let mut blobs: HashMap<Name, Vec<BlobId>> = HashMap::new();
        let named = receipt::walk(&layout.receipts()).filter_map(|file| file.ok()?.1);
        for receipt in named.filter_map(|blob| receipt::read(layout, &blob)) {
            for origin in &receipt.origins {
                let of_name = blobs.entry(name(origin)).or_default();
                if of_name.last() != Some(&receipt.blob) {
                    of_name.push(receipt.blob);
                }
            }
        }
        Self(blobs)
    }
}

impl Store {
    /// The blob of one of these packages whose bytes have these digests. Where its receipt does not state all of them, its bytes are read. The receipt says it from
    /// then on, and the blob is found by the digests and by the origins' identities: in a store that cannot be written, there is no such blob.
    ///
    /// All receipts are read when this is asked for the first time.
    pub fn find_namesake(&self, origins: &[Origin], integrity: &Integrity) -> Option<Found> {
        if !self.is_writable() {
            return None;
        }
        let Namesakes(blobs) = self.namesakes();
        // Each blob once: thousands of origins may be of one package.
        let mut seen = HashSet::new();
        let candidates = origins.iter().filter_map(|origin| blobs.get(&name(origin))).flatten();
        let candidates = candidates.filter(|blob| seen.insert(**blob));
        candidates.into_iter().find_map(|blob| {
            let noted = self.note_namesake(blob, origins, integrity);
            noted.inspect_err(|error| tracing::debug!(%error, %blob, "a blob cannot be compared")).ok()?
        })
    }

    fn note_namesake(
        &self,
        blob: &BlobId,
        origins: &[Origin],
        integrity: &Integrity,
    ) -> Result<Option<Found>, StoreError> {
        let layout = self.layout();
        let path = layout.blob(blob);
        let Some(known) = receipt::read(layout, blob) else { return Ok(None) };
        let is_whole = std::fs::symlink_metadata(&path).is_ok_and(|file| file.is_file() && file.len() == known.size);
        if !is_whole || !integrity.is_compatible_with(&known.digests) {
            return Ok(None);
        }
        // Whatever its receipt says: what is noted here leads to these bytes ever after.
        let actual = blob::hash_file(&path, integrity.algorithms())?;
        if actual.blob != *blob || !integrity.agrees_with(&actual.digests) {
            return Ok(None);
        }
        let digests = Integrity::new(actual.digests).expect("those that are stated are among them");
        let receipt = Receipt { blob: *blob, size: known.size, digests, origins: origins.to_vec(), fetched: None };
        journal::supplement(layout, receipt)?;
        Ok(Some(Found { blob: *blob, size: known.size }))
    }
}
