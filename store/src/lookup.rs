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
    known: Mutex<Known>,
    today: u32,
}

#[derive(Debug)]
struct Known {
    /// What was asked for so far, sorted.
    keys: Vec<Key>,
    /// Where each of them is, by its hash: made for the first record of the journal.
    places: HashMap<KeyHash, usize>,
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
        let today = day(now);
        let known = Known::read(&store, sorted(wanted.iter().flat_map(Wanted::keys)), today)?;
        Ok(Self { store, known: Mutex::new(known), today })
    }

    /// The blob of what is wanted, if it is here with its whole length. Its bytes are not read.
    pub fn find(&self, wanted: &Wanted) -> Option<BlobRef> {
        let mut known = self.known();
        wanted.keys().iter().find_map(|key| known.present_or_arrived(&self.store, key))
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
        known.cache(&self.store);
    }

    /// Where the index was.
    pub fn index_state(&self) -> IndexState {
        self.known().index.clone()
    }

    /// Looks again if another process has published something since.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        self.known().refresh(&self.store, self.today)
    }

    /// Looks up these again: what others have published since is found, and what is gone since is not. What was not asked for before is from now on. For a program that
    /// runs for long.
    pub fn look_again(&self, wanted: &[Wanted]) -> Result<Vec<Option<BlobRef>>, StoreError> {
        let mut known = self.known();
        let keys = wanted.iter().flat_map(Wanted::keys);
        if keys.clone().all(|key| known.keys.binary_search(&key).is_ok()) {
            known.refresh(&self.store, self.today)?;
        } else {
            let all = sorted(known.keys.iter().cloned().chain(keys));
            *known = Known::read(&self.store, all, self.today)?;
        }
        Ok(wanted.iter().map(|wanted| known.find_again(&self.store, wanted)).collect())
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
    fn read(store: &Overlay, keys: Vec<Key>, today: u32) -> Result<Self, StoreError> {
        let keys = match Self::cached(store, keys, today) {
            Ok(known) => return Ok(known),
            Err(keys) => keys,
        };
        let known = Self::search(store, keys, today)?;
        known.cache(store);
        Ok(known)
    }

    /// What an earlier run found, if all of it is still there; else the keys come back.
    fn cached(store: &Overlay, keys: Vec<Key>, today: u32) -> Result<Self, Vec<Key>> {
        let Some(found) = lookup_cache::read(store.layout(), &keys, today) else { return Err(keys) };
        let is_here = |(key, found): (&Key, &BlobRef)| store.is_present(*found) && is_said_of(store, key, &found.blob);
        if !keys.iter().zip(&found).all(is_here) {
            return Err(keys);
        }
        Ok(Self {
            places: HashMap::new(),
            generation: generation::read(store.layout()),
            present: keys.iter().cloned().zip(found).collect(),
            recorded: HashMap::new(),
            journaled: HashMap::new(),
            journal_read: 0,
            index: IndexState::NotNeeded,
            keys,
        })
    }

    /// Notes for the next run that everything is here, if it is.
    fn cache(&self, store: &Overlay) {
        let found: Vec<BlobRef> = self.keys.iter().map_while(|key| self.present.get(key).copied()).collect();
        if found.len() == self.keys.len()
            && !self.keys.is_empty()
            && let Ok(store) = store.writable()
        {
            lookup_cache::write(store, &self.keys, &found);
        }
    }

    /// Looks again if somebody has published something since.
    fn refresh(&mut self, store: &Overlay, today: u32) -> Result<(), StoreError> {
        if generation::read(store.layout()) != self.generation {
            *self = Self::read(store, self.keys.clone(), today)?;
            return Ok(());
        }
        let len = journal::len(store.layout());
        if len != self.journal_read {
            // One that is shorter than what was read is another journal.
            let from = if len < self.journal_read { 0 } else { self.journal_read };
            let (journaled, end) = journal::read_from(store.layout(), from);
            self.journal_read = end;
            self.add_journaled(store, journaled);
        }
        Ok(())
    }

    fn present_or_arrived(&mut self, store: &Overlay, key: &Key) -> Option<BlobRef> {
        self.present.get(key).copied().or_else(|| self.arrived_since(store, key))
    }

    /// What is still here of what was found, and what has come since: a record stands in the journal before its blob has its name, and a blob that was gone may be back.
    fn find_again(&mut self, store: &Overlay, wanted: &Wanted) -> Option<BlobRef> {
        let keys = wanted.keys();
        keys.iter().find_map(|key| self.still_present(store, key).or_else(|| self.arrived_since(store, key)))
    }

    fn still_present(&mut self, store: &Overlay, key: &Key) -> Option<BlobRef> {
        let found = *self.present.get(key)?;
        let is_said = is_said_of(store, key, &found.blob);
        if is_said && store.is_present(found) {
            return Some(found);
        }
        self.present.remove(key);
        if is_said {
            self.recorded.insert(key.clone(), found.blob);
        }
        None
    }

    fn arrived_since(&mut self, store: &Overlay, key: &Key) -> Option<BlobRef> {
        let blob = *self.journaled.get(&key.hash()).or_else(|| self.recorded.get(key))?;
        let found = stated_by_receipt(store, key, &blob).filter(|found| store.is_present(*found))?;
        self.recorded.remove(key);
        self.present.insert(key.clone(), found);
        Some(found)
    }

    fn search(store: &Overlay, keys: Vec<Key>, today: u32) -> Result<Self, StoreError> {
        // The journal first: what is moved from it into the index meanwhile is then found there.
        if let Ok(store) = store.writable() {
            journal::fold_if_possible(store, today)?;
        }
        let (records, journal_read) = journal::read_from(store.layout(), 0);
        // And the number before the index: an older one costs another look, a newer one would hide what came between.
        let generation = generation::read(store.layout());
        let (rows, index) = store.with_index(|index| rows(index, &keys, today))?;
        let (present, recorded) = (HashMap::with_capacity(rows.len()), HashMap::new());
        let (places, journaled) = (HashMap::new(), HashMap::new());
        let mut known = Self { keys, places, generation, present, recorded, journaled, journal_read, index };
        for (key, found) in rows {
            if !is_said_of(store, &key, &found.blob) {
                tracing::debug!(blob = %found.blob, "the index names a blob for what its receipt does not state");
            } else if store.is_present(found) {
                known.present.insert(key, found);
            } else {
                known.recorded.insert(key, found.blob);
            }
        }
        known.add_journaled(store, records);
        known.find_lower(store)?;
        Ok(known)
    }

    /// Notes what only the lower folders have.
    fn find_lower(&mut self, store: &Overlay) -> Result<(), StoreError> {
        let Some(lower) = store.lower() else { return Ok(()) };
        for key in &self.keys {
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

    /// Adds records of the journal, and notes as present what they name and what has its receipt. One that does not know the key yet was about to be added to: whoever
    /// asks for it finds it later. The records that were read before are not looked at again: a program that pulls thousands of files reads the journal as often.
    fn add_journaled(&mut self, store: &Overlay, records: HashMap<KeyHash, BlobId>) {
        if records.is_empty() {
            return;
        }
        if self.places.len() != self.keys.len() {
            self.places = self.keys.iter().map(Key::hash).zip(0..).collect();
        }
        for (hash, blob) in &records {
            let Some(key) = self.places.get(hash).map(|place: &usize| &self.keys[*place]) else { continue };
            if let Some(found) = stated_by_receipt(store, key, blob)
                && store.is_present(found)
            {
                self.present.insert(key.clone(), found);
            }
        }
        self.journaled.extend(records);
    }
}

/// Sorted, each once.
fn sorted(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut keys: Vec<Key> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A blob whose receipt states this key.
fn stated_by_receipt(store: &Overlay, key: &Key, blob: &BlobId) -> Option<BlobRef> {
    let receipt = store.receipt(blob)?;
    receipt.keys().any(|known| known == *key).then_some(BlobRef { blob: *blob, size: receipt.size })
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
