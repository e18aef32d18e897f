//! Shares a plan: blobs that are not there, then the plan's file.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use larder_store::{Store, digest::BlobId, key::BlobRef, receipt::Receipt, seed, stats::Tally};
use object_store::{
    Error, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, UpdateVersion, path::Path,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    catalog::Catalog,
    engine::{Connection, catalog_name},
    error::{ObjectError, ObjectFault},
};
use crate::share::remote::MOST_OTHERS;

/// Blobs that are sent or asked for at once.
const AT_ONCE: usize = 32;
/// Bytes of blobs that are in memory at once.
const MOST_HELD: u32 = 48 << 20;
/// A longer blob is sent in parts of this many bytes.
const PART: u64 = 8 << 20;
/// How often a plan's file is written anew that somebody else has written meanwhile.
const MOST_TRIES: u32 = 10;

/// How a plan is shared.
#[derive(Clone, Copy)]
pub(crate) struct PushOptions<'a> {
    /// Ask for each blob whether it is there, whatever plans' files say.
    pub(crate) is_repair: bool,
    /// Asked between blobs.
    pub(crate) is_stopped: &'a (dyn Fn() -> bool + Sync),
}

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Pushed {
    /// Blobs that were not there.
    pub(crate) sent: Tally,
    /// Blobs that were there.
    pub(crate) already_there: u64,
    /// Whether the plan's file was written.
    pub(crate) is_written: bool,
}

/// Shares a plan with these receipts, whose blobs `store` has. Nothing is written where nothing is new.
pub(super) fn push(
    connection: &Connection,
    plan: &str,
    receipts: &[Receipt],
    store: &Store,
    options: PushOptions<'_>,
) -> Result<Pushed, ObjectError> {
    let own = Catalog { registry: store.download_rate(), ..Catalog::of(receipts.iter().cloned()) };
    let there = connection.catalog(plan)?;
    let is_known = |(catalog, _): &(Catalog, UpdateVersion)| joined(catalog, &own).receipts == catalog.receipts;
    if !options.is_repair && there.as_ref().is_some_and(is_known) {
        return Ok(Pushed { already_there: receipts.len() as u64, ..Pushed::default() });
    }
    let known =
        if options.is_repair { HashSet::new() } else { known(connection, there.as_ref().map(|(catalog, _)| catalog))? };
    let unknown: Vec<BlobRef> = own
        .receipts
        .iter()
        .filter(|receipt| !known.contains(&receipt.blob))
        .map(|receipt| BlobRef { blob: receipt.blob, size: receipt.size })
        .collect();
    let sent = connection.block_on(send_all(connection, &unknown, store, options.is_stopped))?;
    let is_written = connection.block_on(write_catalog(connection, plan, &own, there))?;
    Ok(Pushed { sent, already_there: receipts.len() as u64 - sent.count, is_written })
}

/// The blobs that plans' files name.
fn known(connection: &Connection, there: Option<&Catalog>) -> Result<HashSet<BlobId>, ObjectError> {
    let blobs = |catalog: &Catalog| catalog.receipts.iter().map(|receipt| receipt.blob).collect::<Vec<_>>();
    if let Some(there) = there {
        return Ok(blobs(there).into_iter().collect());
    }
    let mut known = HashSet::new();
    for other in connection.plans(MOST_OTHERS)? {
        match connection.catalog(&other) {
            Ok(other) => known.extend(other.iter().flat_map(|(catalog, _)| blobs(catalog))),
            Err(error) => tracing::debug!(%error, "what this plan has is asked for one by one"),
        }
    }
    Ok(known)
}

fn joined(there: &Catalog, own: &Catalog) -> Catalog {
    let registry = own.registry.or(there.registry);
    Catalog { registry, ..Catalog::of(there.receipts.iter().chain(&own.receipts).cloned()) }
}

/// Sends those that are not there.
async fn send_all(
    connection: &Connection,
    blobs: &[BlobRef],
    store: &Store,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Tally, ObjectError> {
    let held = Arc::new(Semaphore::new(MOST_HELD as usize));
    // Largest first: the last ones end together.
    let order: BTreeSet<(u64, BlobId)> = blobs.iter().map(|found| (found.size, found.blob)).collect();
    let one = |(size, blob): (u64, BlobId)| {
        let held = Arc::clone(&held);
        async move {
            let name = seed::blob_path(&blob);
            let found = BlobRef { blob, size };
            if is_stopped() {
                return Err(connection.error(format!("send {name}"), ObjectFault::Interrupted));
            }
            let sent = send(connection, &connection.path(&name), found, store, &held).await;
            sent.map(|is_sent| (is_sent, size)).map_err(|fault| connection.error(format!("send {name}"), fault))
        }
    };
    let mut all = stream::iter(order.into_iter().rev().map(one)).buffer_unordered(AT_ONCE);
    let mut sent = Tally::default();
    while let Some(one) = all.next().await {
        let (is_sent, size) = one?;
        if is_sent {
            sent.add(size);
        }
    }
    Ok(sent)
}

/// Sends one; false if it is there.
async fn send(
    connection: &Connection,
    path: &Path,
    found: BlobRef,
    store: &Store,
    held: &Semaphore,
) -> Result<bool, ObjectFault> {
    match connection.in_time(connection.engine().head(path)).await {
        // One of another length is what somebody else has put there, or half of one.
        Ok(there) if there.size == found.size => return Ok(false),
        Ok(_) | Err(ObjectFault::NotFound) => {}
        Err(fault) => return Err(fault),
    }
    let permits = u32::try_from(found.size.clamp(1, PART * 2)).expect("two parts are short");
    let _held = held.acquire_many(permits).await.expect("it is never closed");
    if found.size > PART {
        send_parts(connection, path, found, store).await?;
        return Ok(true);
    }
    let bytes = read_whole(store, found).await?;
    connection.in_time(connection.engine().put(path, PutPayload::from(bytes))).await?;
    Ok(true)
}

async fn read_whole(store: &Store, found: BlobRef) -> Result<Vec<u8>, ObjectFault> {
    let store = store.clone();
    let read = spawn_blocking(move || {
        let mut reader = store.read_checked(found)?;
        let mut bytes = vec![0; usize::try_from(found.size).expect("it is at most a part")];
        let mut at = 0;
        loop {
            // The end is where it is compared: one byte more than there is to be.
            let mut end = [0];
            let rest = if at < bytes.len() { &mut bytes[at..] } else { &mut end[..] };
            match reader.next(rest)? {
                0 => return Ok(bytes),
                count => at += count,
            }
        }
    });
    read.await.expect("reading does not panic")
}

/// Sends a large one in parts. It appears when it is whole: what breaks off is not seen by anybody.
async fn send_parts(connection: &Connection, path: &Path, found: BlobRef, store: &Store) -> Result<(), ObjectFault> {
    let engine = connection.engine();
    let mut upload = connection.in_time(engine.put_multipart_opts(path, PutMultipartOptions::default())).await?;
    let sent = async {
        let mut reader = store.read_checked(found)?;
        loop {
            let (part, back) = spawn_blocking(move || read_part(&mut reader).map(|part| (part, reader)))
                .await
                .expect("reading does not panic")?;
            reader = back;
            if part.is_empty() {
                break;
            }
            connection.in_time(upload.put_part(PutPayload::from(part))).await?;
        }
        connection.in_time(upload.complete()).await?;
        Ok(())
    };
    let sent: Result<(), ObjectFault> = sent.await;
    if sent.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::debug!(%error, "parts stay until the object store drops them");
    }
    sent
}

/// The next part, of full length unless it is the last one.
fn read_part(reader: &mut larder_store::blob::CheckedReader) -> Result<Vec<u8>, larder_store::StoreError> {
    let mut part = vec![0; usize::try_from(PART).expect("a part is short")];
    let mut at = 0;
    while at < part.len() {
        match reader.next(&mut part[at..])? {
            0 => break,
            count => at += count,
        }
    }
    part.truncate(at);
    Ok(part)
}

/// Writes the plan's file, with what others have put there meanwhile. False if it says all that already.
async fn write_catalog(
    connection: &Connection,
    plan: &str,
    own: &Catalog,
    mut there: Option<(Catalog, UpdateVersion)>,
) -> Result<bool, ObjectError> {
    let name = catalog_name(plan);
    let path = connection.path(&name);
    let failed = |fault| connection.error(format!("write {name}"), fault);
    for _ in 0..MOST_TRIES {
        let (catalog, mode) = match there {
            Some((catalog, version)) => {
                let all = joined(&catalog, own);
                if all.receipts == catalog.receipts {
                    return Ok(false);
                }
                (all, PutMode::Update(version))
            }
            None => (own.clone(), PutMode::Create),
        };
        let bytes = catalog.to_bytes();
        let put = |mode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            connection.in_time(connection.engine().put_opts(&path, PutPayload::from(bytes.clone()), options))
        };
        let written = match put(mode).await {
            // Not every engine can say "if it is as it was": what another writer adds at the same moment is then added the next time.
            Err(ObjectFault::Engine(Error::NotImplemented { .. } | Error::NotSupported { .. })) => {
                put(PutMode::Overwrite).await
            }
            written => written,
        };
        match written {
            Ok(_) => return Ok(true),
            Err(ObjectFault::Engine(Error::AlreadyExists { .. } | Error::Precondition { .. })) => {
                there = match connection.read_catalog(&name).await {
                    Ok(read) => Some(read),
                    Err(ObjectFault::NotFound) => None,
                    Err(fault) => return Err(failed(fault)),
                };
            }
            Err(fault) => return Err(failed(fault)),
        }
    }
    Err(failed(ObjectFault::Contended))
}
