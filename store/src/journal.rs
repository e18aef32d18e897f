//! The journal, a write-ahead log: `partial/journal` says what is being published and the index does not know yet. One file for all processes, 64 bytes a record: the blake3 of the
//! key, and the blob.
//!
//! Records are appended before their blobs are renamed into place, so that neither a kill nor the index's lagging behind hides a blob. Folding moves
//! them into the index.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    time::Duration,
};

use crate::{
    digest::BlobId,
    error::{At as _, StoreError},
    index::{self, Addition, IndexState},
    key::KeyHash,
    layout::Layout,
    lock,
    open::{self, Names},
    receipt::Receipt,
    receipt_files,
    wait::Patience,
    writable::Writable,
};

const RECORD: usize = 64;
/// No journal is as long: bytes. A longer one is somebody's prank, and is emptied: what it names is fetched again at worst.
const MOST_BYTES: u64 = 64 << 20;
/// How long another larder may fold before nothing can be published: it may make the whole index again meanwhile.
const FOLD_PATIENCE: Patience = Patience::up_to(Duration::from_mins(1));

/// Adds records. The caller has made their bytes durable and holds their locks.
pub(crate) fn append(store: Writable<'_>, records: &[(KeyHash, BlobId)]) -> Result<(), StoreError> {
    let path = store.layout().journal();
    let mut file = open(store)?;
    lock::exclusive(&file, &path, FOLD_PATIENCE)?;
    let len = file.seek(SeekFrom::End(0)).at("write", &path)?;
    // A full disk may have cut the last append.
    let whole = len - len % RECORD as u64;
    file.set_len(whole).at("write", &path)?;
    file.seek(SeekFrom::Start(whole)).at("write", &path)?;
    file.write_all(&bytes_of(records)).at("write", &path)
}

/// Adds to the receipt of a blob that is here and durable, and records the keys that it has then.
pub(crate) fn supplement(store: Writable<'_>, receipt: Receipt) -> Result<(), StoreError> {
    let records: Vec<_> = receipt.keys().map(|key| (key.hash(), receipt.blob)).collect();
    append(store, &records)?;
    receipt_files::write(store, receipt)
}

/// The records from byte `offset` on, and where the next ones will be.
pub(crate) fn read_from(layout: &Layout, offset: u64) -> (HashMap<KeyHash, BlobId>, u64) {
    let read = || -> std::io::Result<Vec<u8>> {
        let (mut file, _) = open::to_read(&layout.journal())?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
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
    let looked = std::fs::symlink_metadata(layout.journal());
    looked.map_or(0, |metadata| if metadata.is_file() { metadata.len() } else { 0 })
}

/// Moves what is published into the index. What is still being published stays, and so does what a kill has left half-way: it is
/// found when it is wanted.
pub(crate) fn fold(store: Writable<'_>, today: u32) -> Result<Option<IndexState>, StoreError> {
    let layout = store.layout();
    let path = layout.journal();
    let mut file = open(store)?;
    // What is not folded is found in the journal.
    lock::exclusive(&file, &path, Patience::brief())?;
    if file.metadata().at("stat", &path)?.len() > MOST_BYTES {
        file.set_len(0).at("write", &path)?;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).at("read", &path)?;
    let mut additions = Vec::new();
    let mut unpublished = Vec::new();
    // Each receipt is read once: one blob may have thousands of keys.
    let mut receipts: HashMap<BlobId, (Option<Addition>, HashSet<KeyHash>)> = HashMap::new();
    for (key, blob) in records_of(&bytes) {
        let (addition, keys) = receipts.entry(blob).or_insert_with(|| match receipt_files::read(layout, &blob) {
            Some(receipt) => (Some(Addition::of(&receipt, today)), receipt.keys().map(|key| key.hash()).collect()),
            None => (None, HashSet::new()),
        });
        // An older receipt of the same blob may not know this key yet. The part first: it becomes the blob.
        match () {
            () if keys.contains(&key) => additions.extend(addition.take()),
            () if layout.part_of(&key).exists() || open::is_file(&layout.blob(&blob)) => unpublished.push((key, blob)),
            () => {}
        }
    }
    if additions.is_empty() && unpublished.len() * RECORD == bytes.len() {
        return Ok(None);
    }
    let ((), state) = index::with(store, |index| index.add(&additions))?;
    if !matches!(state, IndexState::Memory(_)) {
        // Written before it is cut: a kill in between leaves records twice, which does no harm.
        file.seek(SeekFrom::Start(0)).at("write", &path)?;
        file.write_all(&bytes_of(&unpublished)).at("write", &path)?;
        file.set_len((unpublished.len() * RECORD) as u64).at("write", &path)?;
    }
    Ok(Some(state))
}

/// Empties it. What it names and no receipt has counts as absent from then on. For who has the store alone.
pub(crate) fn clear(store: Writable<'_>) -> Result<(), StoreError> {
    if len(store.layout()) == 0 {
        return Ok(());
    }
    open(store)?.set_len(0).at("write", &store.layout().journal())
}

/// [`fold`] for who only looks: a full disk, or a journal that another process holds, is no reason to fail.
pub(crate) fn fold_if_possible(store: Writable<'_>, today: u32) -> Result<(), StoreError> {
    if len(store.layout()) == 0 {
        return Ok(());
    }
    match fold(store, today) {
        Err(StoreError::Interrupted) => Err(StoreError::Interrupted),
        Err(error) => {
            tracing::debug!(%error, "the journal stays as it is");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

fn open(store: Writable<'_>) -> Result<File, StoreError> {
    let layout = store.layout();
    // Anybody may delete `partial/` at any time.
    open::make_folder(&layout.partial()).at("create", &layout.partial())?;
    open::shared(layout, &layout.journal(), Names::One)
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
