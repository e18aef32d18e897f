//! The index in memory: for stores that cannot be written, and for tests.

use std::collections::BTreeMap;

use super::interface::{Addition, Entry, Index, IndexError};
use crate::{digest::BlobId, key::Key};

/// An index that lives as long as its value.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryIndex {
    keys: BTreeMap<Key, BlobId>,
    blobs: BTreeMap<BlobId, Entry>,
}

impl Index for MemoryIndex {
    fn blob_of(&self, key: &Key) -> Result<Option<BlobId>, IndexError> {
        Ok(self.keys.get(key).copied())
    }

    fn entry(&self, blob: &BlobId) -> Result<Option<Entry>, IndexError> {
        Ok(self.blobs.get(blob).copied())
    }

    fn add(&mut self, additions: &[Addition]) -> Result<(), IndexError> {
        for addition in additions {
            self.blobs.insert(addition.blob, addition.entry);
            self.keys.extend(addition.keys.iter().map(|key| (key.clone(), addition.blob)));
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[Key], blobs: &[BlobId]) -> Result<(), IndexError> {
        for key in keys {
            if self.keys.get(key).is_some_and(|blob| blobs.contains(blob)) {
                self.keys.remove(key);
            }
        }
        for blob in blobs {
            self.blobs.remove(blob);
        }
        Ok(())
    }

    fn touch(&mut self, blobs: &[BlobId], day: u32) -> Result<(), IndexError> {
        for blob in blobs {
            if let Some(entry) = self.blobs.get_mut(blob) {
                entry.last_used = day;
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<(Key, BlobId)>, IndexError> {
        Ok(self.keys.iter().map(|(key, blob)| (key.clone(), *blob)).collect())
    }

    fn entries(&self) -> Result<Vec<(BlobId, Entry)>, IndexError> {
        Ok(self.blobs.iter().map(|(blob, entry)| (*blob, *entry)).collect())
    }
}
