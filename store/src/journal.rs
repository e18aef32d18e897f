//! `partial/journal`: what is being published and the index does not know yet. One file for all processes, 64 bytes a record: the blake3 of the
//! key, and the blob.
//!
//! Records are appended before their blobs are renamed into place, so that neither a kill nor the index's lagging behind hides a blob. Folding moves
//! them into the index.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::{
    digest::BlobId,
    error::{At as _, StoreError},
    index::{Addition, IndexState},
    layout::Layout,
    look_up::{KeyHash, day},
    receipt::{self, Receipt},
    store::Store,
};

const RECORD: usize = 64;

/// Adds records. The caller has made their bytes durable and holds their locks.
pub(crate) fn append(layout: &Layout, records: &[(KeyHash, BlobId)]) -> Result<(), StoreError> {
    let path = layout.journal();
    let mut file = open(layout)?;
    file.lock().at("lock", &path)?;
    let len = file.seek(SeekFrom::End(0)).at("write", &path)?;
    // A full disk may have cut the last append.
    let whole = len - len % RECORD as u64;
    file.set_len(whole).at("write", &path)?;
    file.seek(SeekFrom::Start(whole)).at("write", &path)?;
    file.write_all(&bytes_of(records)).at("write", &path)
}

/// Adds to the receipt of a blob that is here and durable, and records the keys that it has then.
pub(crate) fn supplement(layout: &Layout, receipt: Receipt) -> Result<(), StoreError> {
    let records: Vec<_> = receipt.keys().map(|key| (key.hash(), receipt.blob)).collect();
    append(layout, &records)?;
    receipt::write(layout, receipt)?;
    Ok(())
}

/// The records from byte `offset` on, and where the next ones will be.
pub(crate) fn read_from(layout: &Layout, offset: u64) -> (HashMap<KeyHash, BlobId>, u64) {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(layout.journal())?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => {
            let records = records_of(&bytes);
            let end = offset + (records.len() * RECORD) as u64;
            (records.into_iter().collect(), end)
        }
        Err(error) => {
            tracing::debug!(%error, "there is no journal");
            (HashMap::new(), offset)
        }
    }
}

/// Its length in bytes; 0 if there is none.
pub(crate) fn len(layout: &Layout) -> u64 {
    std::fs::metadata(layout.journal()).map_or(0, |metadata| metadata.len())
}

/// Moves what is published into the index. What is still being published stays, and so does what a kill has left half-way: it is
/// found when it is wanted.
pub(crate) fn fold(store: &Store, today: u32) -> Result<Option<IndexState>, StoreError> {
    let layout = store.layout();
    let path = layout.journal();
    let mut file = open(layout)?;
    file.lock().at("lock", &path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).at("read", &path)?;
    let mut additions = Vec::new();
    let mut unpublished = Vec::new();
    // Each receipt is read once: one blob may have thousands of keys.
    let mut receipts: HashMap<BlobId, (Option<Addition>, HashSet<KeyHash>)> = HashMap::new();
    for (key, blob) in records_of(&bytes) {
        let (addition, keys) = receipts.entry(blob).or_insert_with(|| match receipt::read(layout, &blob) {
            Some(receipt) => (Some(Addition::of(&receipt, today)), receipt.keys().map(|key| key.hash()).collect()),
            None => (None, HashSet::new()),
        });
        // An older receipt of the same blob may not know this key yet. The part first: it becomes the blob.
        match () {
            () if keys.contains(&key) => additions.extend(addition.take()),
            () if layout.part_of(&key).exists() || layout.blob(&blob).exists() => unpublished.push((key, blob)),
            () => {}
        }
    }
    if additions.is_empty() && unpublished.len() * RECORD == bytes.len() {
        return Ok(None);
    }
    let ((), state) = store.with_index(|index| index.add(&additions))?;
    if !matches!(state, IndexState::Memory(_)) {
        // Written before it is cut: a kill in between leaves records twice, which does no harm.
        file.seek(SeekFrom::Start(0)).at("write", &path)?;
        file.write_all(&bytes_of(&unpublished)).at("write", &path)?;
        file.set_len((unpublished.len() * RECORD) as u64).at("write", &path)?;
    }
    Ok(Some(state))
}

/// [`fold`] for who only looks: a store that cannot be written, or a full disk, is no reason to fail.
pub(crate) fn fold_if_possible(store: &Store) {
    if store.is_writable()
        && len(store.layout()) > 0
        && let Err(error) = fold(store, day(jiff::Timestamp::now()))
    {
        tracing::debug!(%error, "the journal stays as it is");
    }
}

fn open(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.journal();
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).at("open", &path)
}

fn bytes_of(records: &[(KeyHash, BlobId)]) -> Vec<u8> {
    records.iter().flat_map(|(key, blob)| [*key.as_bytes(), *blob.as_bytes()]).flatten().collect()
}

fn records_of(bytes: &[u8]) -> Vec<(KeyHash, BlobId)> {
    bytes
        .chunks_exact(RECORD)
        .map(|record| {
            let half = |at| <[u8; 32]>::try_from(&record[at..at + 32]).expect("a record has 64 bytes");
            (KeyHash::from_bytes(half(0)), BlobId::from_bytes(half(32)))
        })
        .collect()
}
