//! The look-up: finds which wanted keys have a blob.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::day,
    digest::BlobId,
    error::StoreError,
    index::{Index, IndexError, IndexState, generation},
    journal,
    key::{BlobRef, Key, KeyHash, Wanted},
    lookup_cache,
    overlay::Overlay,
    wait::Stall,
};

/// Which wanted keys have a blob. Others may add to the store meanwhile: [`DownloadLock::acquire`](crate::download_lock::DownloadLock::acquire) notices.
#[derive(Debug)]
pub struct Lookup {
    store: Arc<Overlay>,
    keys: Vec<Key>,
    known: Mutex<Known>,
    today: u32,
}

#[derive(Debug)]
struct Known {
    generation: u64,
    present: HashMap<Key, BlobRef>,
    /// Blobs that have a receipt and whose file is gone or has another length.
    recorded: HashMap<Key, BlobId>,
    /// What the journal names: published after the index was read, or half published by a run that was killed.
    journaled: HashMap<KeyHash, BlobId>,
    journal_read: u64,
    index: IndexState,
}

impl Lookup {
    pub(crate) fn new(store: Arc<Overlay>, wanted: &[Wanted], now: jiff::Timestamp) -> Result<Self, StoreError> {
        let mut keys: Vec<Key> = wanted.iter().flat_map(Wanted::keys).collect();
        keys.sort_unstable();
        keys.dedup();
        let today = day(now);
        let known = Known::read(&store, &keys, today)?;
        Ok(Self { store, keys, known: Mutex::new(known), today })
    }

    /// The blob of what is wanted, if it is here with its whole length. Its bytes are not read.
    pub fn find(&self, wanted: &Wanted) -> Option<BlobRef> {
        let known = self.known();
        wanted.keys().iter().find_map(|key| known.present.get(key).copied())
    }

    /// Which blob was recorded for what is wanted, where its file is gone.
    pub fn recorded(&self, wanted: &Wanted) -> Option<BlobId> {
        let known = self.known();
        wanted.keys().iter().find_map(|key| known.recorded.get(key).copied())
    }

    /// Adds what was fetched since, and caches the look-up if it found everything: the next run then opens no index.
    pub fn remember<'a>(&self, fetched: impl IntoIterator<Item = (&'a Wanted, BlobRef)>) {
        let mut known = self.known();
        for (wanted, found) in fetched {
            // Of several digests of one algorithm, only one is the blob's; which one, the index will know.
            if let [key] = wanted.keys().as_slice() {
                known.present.insert(key.clone(), found);
            }
        }
        known.cache(&self.store, &self.keys);
    }

    /// Where the index was.
    pub fn index_state(&self) -> IndexState {
        self.known().index.clone()
    }

    /// Looks again if another process has published something since.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        let mut known = self.known();
        if generation::read(self.store.layout()) != known.generation {
            *known = Known::read(&self.store, &self.keys, self.today)?;
        } else if journal::len(self.store.layout()) > known.journal_read {
            let (journaled, end) = journal::read_from(self.store.layout(), known.journal_read);
            known.journal_read = end;
            known.journaled.extend(journaled);
            known.find_journaled(&self.store, &self.keys);
        }
        Ok(())
    }

    /// The blob that the journal names for a key.
    pub(crate) fn journaled(&self, key: &KeyHash) -> Option<BlobId> {
        self.known().journaled.get(key).copied()
    }

    /// Watches a download that another process holds the lock of.
    pub fn stall(&self, wanted: &Wanted) -> Stall {
        Stall::of(self.store.layout().part_of(&wanted.download_key()))
    }

    pub(crate) const fn store(&self) -> &Arc<Overlay> {
        &self.store
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(store: &Overlay, keys: &[Key], today: u32) -> Result<Self, StoreError> {
        if let Some(known) = Self::cached(store, keys, today) {
            return Ok(known);
        }
        let known = Self::search(store, keys, today)?;
        known.cache(store, keys);
        Ok(known)
    }

    /// What an earlier run found, if all of it is still there.
    fn cached(store: &Overlay, keys: &[Key], today: u32) -> Option<Self> {
        let found = lookup_cache::read(store.layout(), keys, today)?;
        let is_here = |(key, found): (&Key, &BlobRef)| store.is_present(*found) && is_said_of(store, key, &found.blob);
        keys.iter().zip(&found).all(is_here).then(|| Self {
            generation: generation::read(store.layout()),
            present: keys.iter().cloned().zip(found).collect(),
            recorded: HashMap::new(),
            journaled: HashMap::new(),
            journal_read: 0,
            index: IndexState::NotNeeded,
        })
    }

    /// Notes for the next run that everything is here, if it is.
    fn cache(&self, store: &Overlay, keys: &[Key]) {
        let found: Vec<BlobRef> = keys.iter().map_while(|key| self.present.get(key).copied()).collect();
        if found.len() == keys.len()
            && !keys.is_empty()
            && let Ok(store) = store.writable()
        {
            lookup_cache::write(store, keys, &found);
        }
    }

    fn search(store: &Overlay, keys: &[Key], today: u32) -> Result<Self, StoreError> {
        // The journal first: what is moved from it into the index meanwhile is then found there.
        if let Ok(store) = store.writable() {
            journal::fold_if_possible(store, today)?;
        }
        let (journaled, journal_read) = journal::read_from(store.layout(), 0);
        // And the number before the index: an older one costs another look, a newer one would hide what came between.
        let generation = generation::read(store.layout());
        let (rows, index) = store.with_index(|index| rows(index, keys, today))?;
        let mut known =
            Self { generation, present: HashMap::new(), recorded: HashMap::new(), journaled, journal_read, index };
        known.present.reserve(rows.len());
        for (key, found) in rows {
            if !is_said_of(store, &key, &found.blob) {
                tracing::debug!(blob = %found.blob, "the index names a blob for what its receipt does not state");
            } else if store.is_present(found) {
                known.present.insert(key, found);
            } else {
                known.recorded.insert(key, found.blob);
            }
        }
        known.find_journaled(store, keys);
        known.find_lower(store, keys)?;
        Ok(known)
    }

    /// Notes what only the lower folders have.
    fn find_lower(&mut self, store: &Overlay, keys: &[Key]) -> Result<(), StoreError> {
        let Some(lower) = store.lower() else { return Ok(()) };
        for key in keys {
            if self.present.contains_key(key) {
                continue;
            }
            match lower.recorded(key)? {
                Some(found) if store.is_present(found) => {
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

    /// Notes as present what the journal names and what has its receipt. One that does not know the key yet was about to be added to.
    fn find_journaled(&mut self, store: &Overlay, keys: &[Key]) {
        if self.journaled.is_empty() {
            return;
        }
        for key in keys {
            if let Some(blob) = self.journaled.get(&key.hash())
                && let Some(receipt) = store.receipt(blob)
                && receipt.keys().any(|known| known == *key)
            {
                let found = BlobRef { blob: *blob, size: receipt.size };
                if store.is_present(found) {
                    self.present.insert(key.clone(), found);
                }
            }
        }
    }
}

/// Whether a note of the index, or of an earlier look-up, can be believed. Who reads the blob of a digest compares the two; that the blob has an identity, only its
/// receipt says.
fn is_said_of(store: &Overlay, key: &Key, blob: &BlobId) -> bool {
    key.is_of_digest() || store.receipt(blob).is_some_and(|receipt| receipt.states(key))
}

fn rows(index: &mut dyn Index, keys: &[Key], today: u32) -> Result<Vec<(Key, BlobRef)>, IndexError> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut stale = HashSet::new();
    for key in keys {
        let Some(blob) = index.blob_of(key)? else { continue };
        let Some(entry) = index.entry(&blob)? else { continue };
        if entry.last_used < today {
            stale.insert(blob);
        }
        rows.push((key.clone(), BlobRef { blob, size: entry.size }));
    }
    if !stale.is_empty() {
        index.touch(&stale.into_iter().collect::<Vec<_>>(), today)?;
    }
    Ok(rows)
}
