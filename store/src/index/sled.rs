//! The index on disk. sled 0.34 checks each record that it reads, so damage shows on any call, not on open alone.

use std::{collections::HashSet, io, path::Path};

use super::interface::{Addition, Entry, Index, IndexError};
use crate::{
    digest::BlobId,
    error::StoreError,
    key::Key,
    wait::{Patience, wait_for},
};

/// The first byte of every value.
const VALUE_VERSION: u8 = 1;
/// sled's own default is 1 GB. A project's index is 0.3 MB.
const CACHE_BYTES: u64 = 16 << 20;

/// An open sled database. It is locked against other processes as long as it lives.
pub(crate) struct SledIndex {
    database: ::sled::Db,
    keys: ::sled::Tree,
    blobs: ::sled::Tree,
    state: ::sled::Tree,
    is_changed: bool,
}

impl SledIndex {
    /// Opens the database, making an empty one if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, IndexError> {
        let config = ::sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        // sled's background threads keep its lock for some milliseconds after it was dropped, up to 2 s on a loaded machine.
        let opened = wait_for(&path.join("db"), Patience::brief(), || match config.open() {
            Err(error) if is_held(&error) => Ok(None),
            opened => Ok(Some(opened)),
        });
        let database = match opened {
            Ok(opened) => opened?,
            Err(StoreError::Interrupted) => return Err(IndexError::Interrupted),
            Err(_) => return Err(IndexError::Held),
        };
        let tree = |name: &str| database.open_tree(name);
        Ok(Self { keys: tree("keys")?, blobs: tree("blobs")?, state: tree("state")?, database, is_changed: false })
    }

    /// Whether the database holds what the receipts said when it was made: a new one does not.
    pub(crate) fn is_filled(&self) -> Result<bool, IndexError> {
        match self.state.get("version")? {
            None => Ok(false),
            Some(value) if *value == [VALUE_VERSION] => Ok(true),
            Some(_) => Err(IndexError::Value("state")),
        }
    }

    /// Notes that the database holds what the receipts say.
    pub(crate) fn set_filled(&self) -> Result<(), IndexError> {
        self.state.insert("version", &[VALUE_VERSION])?;
        Ok(())
    }

    /// How often it was changed.
    pub(crate) fn generation(&self) -> Result<u64, IndexError> {
        let value = self.state.get("changes")?;
        value.map_or(Ok(0), |value| {
            Ok(u64::from_be_bytes(value.as_ref().try_into().map_err(|_| IndexError::Value("state"))?))
        })
    }

    /// Notes how often it was changed: the last record of a change, so that whatever loses a part of it loses this.
    pub(crate) fn set_generation(&self, generation: u64) -> Result<(), IndexError> {
        self.state.insert("changes", &generation.to_be_bytes())?;
        self.database.flush()?;
        Ok(())
    }

    /// Whether blobs were noted since it was opened.
    pub(crate) const fn is_changed(&self) -> bool {
        self.is_changed
    }
}

// sled gives no typed error for it.
fn is_held(error: &::sled::Error) -> bool {
    matches!(error, ::sled::Error::Io(error)
        if error.kind() == io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock"))
}

fn blob_value(blob: BlobId) -> Vec<u8> {
    [&[VALUE_VERSION], blob.as_bytes().as_slice()].concat()
}

fn read_blob(value: &[u8]) -> Result<BlobId, IndexError> {
    match value {
        [VALUE_VERSION, rest @ ..] => Ok(BlobId::from_bytes(rest.try_into().map_err(|_| IndexError::Value("keys"))?)),
        _ => Err(IndexError::Value("keys")),
    }
}

fn entry_value(entry: Entry) -> Vec<u8> {
    [&[VALUE_VERSION], entry.size.to_be_bytes().as_slice(), &entry.last_used.to_be_bytes()].concat()
}

fn read_entry(value: &[u8]) -> Result<Entry, IndexError> {
    let wrong = || IndexError::Value("blobs");
    match value {
        [VALUE_VERSION, rest @ ..] if rest.len() == 12 => {
            let (size, last_used) = rest.split_at(8);
            Ok(Entry {
                size: u64::from_be_bytes(size.try_into().map_err(|_| wrong())?),
                last_used: u32::from_be_bytes(last_used.try_into().map_err(|_| wrong())?),
            })
        }
        _ => Err(wrong()),
    }
}

impl Index for SledIndex {
    fn blob_of(&self, key: &Key) -> Result<Option<BlobId>, IndexError> {
        self.keys.get(key.as_bytes())?.map(|value| read_blob(&value)).transpose()
    }

    fn entry(&self, blob: &BlobId) -> Result<Option<Entry>, IndexError> {
        self.blobs.get(blob.as_bytes())?.map(|value| read_entry(&value)).transpose()
    }

    fn add(&mut self, additions: &[Addition]) -> Result<(), IndexError> {
        let mut keys = ::sled::Batch::default();
        let mut blobs = ::sled::Batch::default();
        for addition in additions {
            blobs.insert(addition.blob.as_bytes(), entry_value(addition.entry));
            for key in &addition.keys {
                keys.insert(key.as_bytes(), blob_value(addition.blob));
            }
        }
        // Entries first: a key whose blob has no entry is passed over.
        self.blobs.apply_batch(blobs)?;
        self.keys.apply_batch(keys)?;
        self.is_changed = true;
        Ok(())
    }

    fn remove(&mut self, keys: &[Key], blobs: &[BlobId]) -> Result<(), IndexError> {
        let gone: HashSet<&BlobId> = blobs.iter().collect();
        let (mut keys_batch, mut blobs_batch) = (::sled::Batch::default(), ::sled::Batch::default());
        for key in keys {
            if self.blob_of(key)?.is_some_and(|blob| gone.contains(&blob)) {
                keys_batch.remove(key.as_bytes());
            }
        }
        for blob in blobs {
            blobs_batch.remove(blob.as_bytes());
        }
        self.keys.apply_batch(keys_batch)?;
        self.blobs.apply_batch(blobs_batch)?;
        self.is_changed = true;
        Ok(())
    }

    fn touch(&mut self, blobs: &[BlobId], day: u32) -> Result<(), IndexError> {
        let mut batch = ::sled::Batch::default();
        for blob in blobs {
            if let Some(entry) = self.entry(blob)? {
                batch.insert(blob.as_bytes(), entry_value(Entry { last_used: day, ..entry }));
            }
        }
        self.blobs.apply_batch(batch)?;
        Ok(())
    }

    fn keys(&self) -> Result<Vec<(Key, BlobId)>, IndexError> {
        self.keys
            .iter()
            .map(|row| {
                let (key, value) = row?;
                Ok((Key::from_bytes(&key), read_blob(&value)?))
            })
            .collect()
    }

    fn entries(&self) -> Result<Vec<(BlobId, Entry)>, IndexError> {
        self.blobs
            .iter()
            .map(|row| {
                let (blob, value) = row?;
                let blob = <[u8; 32]>::try_from(&*blob).map_err(|_| IndexError::Value("blobs"))?;
                Ok((BlobId::from_bytes(blob), read_entry(&value)?))
            })
            .collect()
    }
}
