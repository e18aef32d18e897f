//! What is here of what is wanted.

mod again;
mod remembered;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    digest::{Algorithm, BlobId, Digest, Integrity},
    error::StoreError,
    index::{Index, IndexError, IndexState, changes},
    journal,
    store::Store,
};

/// What a file is looked up by: a digest, or the identity of something that has none. Its bytes are those of `docs/store-format.md`, "Keys".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The key of a digest.
    pub fn of_digest(digest: &Digest) -> Self {
        let tag = match digest.algorithm() {
            Algorithm::Sha1 => 1,
            Algorithm::Sha256 => 2,
            Algorithm::Sha384 => 3,
            Algorithm::Sha512 => 4,
        };
        Self([&[tag], digest.as_bytes()].concat().into())
    }

    /// The key of an identity.
    pub fn of_identity(identity: &str) -> Self {
        Self([&[0], blake3::hash(identity.as_bytes()).as_bytes().as_slice()].concat().into())
    }

    /// Whether bytes alone tell what has this key.
    fn is_of_digest(&self) -> bool {
        self.0.first() != Some(&0)
    }

    /// The key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn hash(&self) -> KeyHash {
        KeyHash(*blake3::hash(&self.0).as_bytes())
    }
}

/// The blake3 of a key: its name in `partial/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// How a lockfile names a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By digests, all of which must hold.
    Integrity(Integrity),
    /// By what it is, where no digest is stated.
    Identity(String),
}

impl Wanted {
    /// The keys under which it may be found; the first names its download.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Self::Integrity(integrity) => integrity.strongest().iter().map(Key::of_digest).collect(),
            Self::Identity(identity) => vec![Key::of_identity(identity)],
        }
    }
}

/// A blob that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
}

/// What is here of what is wanted. Others may add to the store meanwhile: [`LookUp::claim`] notices.
#[derive(Debug)]
pub struct LookUp {
    pub(crate) store: Store,
    known: Mutex<Known>,
    today: u32,
}

#[derive(Debug)]
struct Known {
    /// What was asked for so far, sorted.
    keys: Vec<Key>,
    changes: u64,
    present: HashMap<Key, Found>,
    /// Blobs that have a receipt and whose file is gone or has another length.
    recorded: HashMap<Key, BlobId>,
    /// What the journal names: published after the index was read, or half published by a run that was killed.
    journaled: HashMap<KeyHash, BlobId>,
    journal_read: u64,
    index: IndexState,
}

impl LookUp {
    pub(crate) fn new(store: Store, wanted: &[Wanted], now: jiff::Timestamp) -> Result<Self, StoreError> {
        let today = day(now);
        let known = Known::read(&store, sorted(wanted.iter().flat_map(Wanted::keys)), today)?;
        Ok(Self { store, known: Mutex::new(known), today })
    }

    /// The blob of what is wanted, if it is here with its whole length. Its bytes are not read.
    pub fn find(&self, wanted: &Wanted) -> Option<Found> {
        let known = self.known();
        wanted.keys().iter().find_map(|key| known.present.get(key).copied())
    }

    /// Which blob was recorded for what is wanted, where its file is gone.
    pub fn recorded(&self, wanted: &Wanted) -> Option<BlobId> {
        let known = self.known();
        wanted.keys().iter().find_map(|key| known.recorded.get(key).copied())
    }

    /// Takes note of what was fetched since, so that the next run needs no index if all is here now.
    pub fn remember<'a>(&self, fetched: impl IntoIterator<Item = (&'a Wanted, Found)>) {
        let mut known = self.known();
        for (wanted, found) in fetched {
            // Of several digests of one algorithm, only one is the blob's; which one, the index will know.
            if let [key] = wanted.keys().as_slice() {
                known.present.insert(key.clone(), found);
            }
        }
        known.remember(&self.store);
    }

    /// How the index was had.
    pub fn index_state(&self) -> IndexState {
        self.known().index.clone()
    }

    /// Looks again if another process has published something since.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        self.known().refresh(&self.store, self.today)
    }

    /// The blob that the journal names for a key.
    pub(crate) fn journaled(&self, key: &KeyHash) -> Option<BlobId> {
        self.known().journaled.get(key).copied()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(store: &Store, keys: Vec<Key>, today: u32) -> Result<Self, StoreError> {
        let keys = match Self::remembered(store, keys, today) {
            Ok(known) => return Ok(known),
            Err(keys) => keys,
        };
        let known = Self::look_up(store, keys, today)?;
        known.remember(store);
        Ok(known)
    }

    /// What an earlier run found, if all of it is still there; else the keys come back.
    fn remembered(store: &Store, keys: Vec<Key>, today: u32) -> Result<Self, Vec<Key>> {
        let Some(found) = remembered::read(store.layout(), &keys, today) else { return Err(keys) };
        let is_here = |(key, found): (&Key, &Found)| is_present(store, *found) && is_said_of(store, key, &found.blob);
        if !keys.iter().zip(&found).all(is_here) {
            return Err(keys);
        }
        Ok(Self {
            changes: changes::read(store.layout()),
            present: keys.iter().cloned().zip(found).collect(),
            recorded: HashMap::new(),
            journaled: HashMap::new(),
            journal_read: 0,
            index: IndexState::NotNeeded,
            keys,
        })
    }

    /// Notes for the next run that everything is here, if it is.
    fn remember(&self, store: &Store) {
        let found: Vec<Found> = self.keys.iter().map_while(|key| self.present.get(key).copied()).collect();
        if found.len() == self.keys.len() && !self.keys.is_empty() && store.is_writable() {
            remembered::write(store.layout(), &self.keys, &found);
        }
    }

    /// Looks again if somebody has published something since.
    fn refresh(&mut self, store: &Store, today: u32) -> Result<(), StoreError> {
        if changes::read(store.layout()) != self.changes {
            *self = Self::read(store, self.keys.clone(), today)?;
        } else if journal::len(store.layout()) > self.journal_read {
            let (journaled, end) = journal::read_from(store.layout(), self.journal_read);
            self.journal_read = end;
            self.find_journaled(store, &journaled);
            self.journaled.extend(journaled);
        }
        Ok(())
    }

    fn look_up(store: &Store, keys: Vec<Key>, today: u32) -> Result<Self, StoreError> {
        // The journal first: what is moved from it into the index meanwhile is then found there.
        journal::fold_if_possible(store, today)?;
        let (journaled, journal_read) = journal::read_from(store.layout(), 0);
        // And the number before the index: an older one costs another look, a newer one would hide what came between.
        let changes = changes::read(store.layout());
        let (rows, index) = store.with_index(|index| rows(index, &keys, today))?;
        let (present, recorded) = (HashMap::with_capacity(rows.len()), HashMap::new());
        let mut known = Self { keys, changes, present, recorded, journaled: HashMap::new(), journal_read, index };
        for (key, found) in rows {
            if !is_said_of(store, &key, &found.blob) {
                tracing::debug!(blob = %found.blob, "the index names a blob for what its receipt does not state");
            } else if is_present(store, found) {
                known.present.insert(key, found);
            } else {
                known.recorded.insert(key, found.blob);
            }
        }
        known.find_journaled(store, &journaled);
        known.journaled = journaled;
        known.find_below(store)?;
        Ok(known)
    }

    /// Notes what only the store below has.
    fn find_below(&mut self, store: &Store) -> Result<(), StoreError> {
        let Some(below) = store.below() else { return Ok(()) };
        for key in &self.keys {
            if self.present.contains_key(key) {
                continue;
            }
            match below.recorded(key)? {
                Some(found) if is_present(store, found) => {
                    self.present.insert(key.clone(), found);
                }
                Some(found) => {
                    self.recorded.entry(key.clone()).or_insert(found.blob);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Notes as present what these records of the journal name and what has its receipt. One that does not know the key yet was about to be added to.
    fn find_journaled(&mut self, store: &Store, journaled: &HashMap<KeyHash, BlobId>) {
        if journaled.is_empty() {
            return;
        }
        for key in &self.keys {
            if let Some(blob) = journaled.get(&key.hash())
                && let Some(receipt) = store.receipt(blob)
                && receipt.keys().any(|known| known == *key)
            {
                let found = Found { blob: *blob, size: receipt.size };
                if is_present(store, found) {
                    self.present.insert(key.clone(), found);
                }
            }
        }
    }
}

/// Sorted, each once.
fn sorted(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut keys: Vec<Key> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The index is a note; the file is the truth. Its bytes are checked by who reads them.
fn is_present(store: &Store, found: Found) -> bool {
    let is_whole = |path: PathBuf| {
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() == found.size && metadata.is_file())
    };
    is_whole(store.layout().blob(&found.blob))
        || store.below().and_then(|below| below.blob(&found.blob)).is_some_and(is_whole)
}

/// Whether a note of the index, or of an earlier look-up, can be believed. Who reads the blob of a digest compares the two; that the blob has an identity, only its
/// receipt says.
fn is_said_of(store: &Store, key: &Key, blob: &BlobId) -> bool {
    key.is_of_digest() || store.receipt(blob).is_some_and(|receipt| receipt.states(key))
}

fn rows(index: &mut dyn Index, keys: &[Key], today: u32) -> Result<Vec<(Key, Found)>, IndexError> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut stale = HashSet::new();
    for key in keys {
        let Some(blob) = index.blob_of(key)? else { continue };
        let Some(entry) = index.entry(&blob)? else { continue };
        if entry.last_used < today {
            stale.insert(blob);
        }
        rows.push((key.clone(), Found { blob, size: entry.size }));
    }
    if !stale.is_empty() {
        index.touch(&stale.into_iter().collect::<Vec<_>>(), today)?;
    }
    Ok(rows)
}

/// Days since 1970, UTC.
pub(crate) fn day(now: jiff::Timestamp) -> u32 {
    u32::try_from(now.as_second() / 86_400).unwrap_or(0)
}
