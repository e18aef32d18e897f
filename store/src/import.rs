//! Importing blobs from another store, be it a folder, a stream or a place on the network. Nothing of it is believed: whoever made it may have been killed, and may be anybody.
//!
//! Every byte is read, and compared with the blake3 that is the blob's name and with each digest of its receipt, before it is published by the store's own way
//! (download lock, barrier, journal, rename, receipt). What does not agree is refused and named; it stops nothing else. Digests that a receipt states beside the right ones
//! are refused too: the index would find the blob by them. What no bytes can prove is an origin's `identity`, that these are the bytes of a commit: it is taken from a folder
//! that is the user's own ([`Identities::Believed`]), from any other only where this store recorded the same for the same blob, and never in place of what is known here.

mod blobs;
mod identity;
mod queue;
mod report;
mod source;
mod stream;
mod work;

use std::{collections::HashMap, io, path::Path};

pub use blobs::{BlobStream, Blobs, Offered};
pub use report::{Identities, Imported, InvalidReceipt, Refusal, RefusalReason};
pub use source::receipt;

use self::{
    identity::{all_wanted, leave_out_unknown, refuse_conflict},
    work::Work,
};
use crate::{error::StoreError, key::Wanted, layout::Layout, meta, open, store::Store};

/// How an import is made.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether the other store is believed about what no bytes prove.
    pub identities: Identities,
    /// The time that is noted.
    pub now: jiff::Timestamp,
    /// Blobs at once.
    pub threads: usize,
    /// Asked between pieces.
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { identities, now, threads, is_stopped: _ } = self;
        f.debug_struct("Options").field("identities", identities).field("now", now).field("threads", threads).finish()
    }
}

/// Imports what the store's folder `from` has and this store lacks. What was published before an error or a stop stays, and is not read again the next time.
pub fn import(store: &Store, from: &Path, options: Options<'_>) -> Result<Imported, StoreError> {
    // Before the other store is read.
    store.writable()?;
    let layout = Layout::new(from);
    if !meta::check(&layout)? {
        return Err(StoreError::NotAStore { root: from.to_owned() });
    }
    open::check_folders(&layout, false)?;
    let offered = source::receipts(&layout)?;
    import_from(store, offered, &source::Folder(layout), options)
}

/// The same from another store whose blobs can be had one by one.
pub fn import_from(
    store: &Store,
    offered: Offered,
    blobs: &dyn Blobs,
    options: Options<'_>,
) -> Result<Imported, StoreError> {
    with_work(store, offered, options, |work| {
        queue::run(work, blobs, options.threads);
        None
    })
}

/// The same from another store whose blobs come one after the other; at most so many threads write as `options` say. What is offered and does not come is refused,
/// unless the stream broke off.
pub fn import_stream(
    store: &Store,
    offered: Offered,
    blobs: &mut dyn BlobStream,
    options: Options<'_>,
) -> Result<Imported, StoreError> {
    with_work(store, offered, options, |work| stream::run(work, blobs, options.threads).err())
}

fn with_work(
    store: &Store,
    offered: Offered,
    options: Options<'_>,
    run: impl FnOnce(&Work<'_>) -> Option<io::Error>,
) -> Result<Imported, StoreError> {
    let mut imported = Imported::default();
    let mut receipts = Vec::new();
    for found in offered {
        match found {
            Ok(receipt) => receipts.push(receipt),
            Err(refusal) => imported.refused.push(*refusal),
        }
    }
    let wanted: Vec<Wanted> = receipts.iter().flat_map(all_wanted).collect();
    let lookup = store.lookup(&wanted, options.now)?;
    let mut conflicts = HashMap::new();
    for receipt in &mut receipts {
        // Before anything is left out: that it names other bytes than those that are known here is worth a word.
        if let Err(reason) = refuse_conflict(&lookup, receipt) {
            conflicts.insert(receipt.blob, reason);
        }
        if options.identities == Identities::Known {
            imported.not_believed += leave_out_unknown(store, receipt);
        }
    }
    receipts.retain(|receipt| match conflicts.remove(&receipt.blob) {
        Some(reason) => {
            imported.refused.push(Refusal::of(receipt, reason));
            false
        }
        None => true,
    });
    let work = Work::new(store, &lookup, (&receipts, imported), options.is_stopped, options.now)?;
    let broke_off = run(&work);
    Ok(Imported { broke_off, ..work.finish(options.now)? })
}
