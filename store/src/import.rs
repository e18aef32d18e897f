//! Importing blobs from another store's folder, of which nothing is believed: whoever made it may have been killed, and may be anybody.
//!
//! Every byte is read, and compared with the blake3 that is the blob's name and with each digest of its receipt, before it is published by the store's own way
//! (download lock, barrier, journal, rename, receipt). What does not agree is refused and named; it stops nothing else. Digests that a receipt states beside the right ones
//! are refused too: the index would find the blob by them. What no bytes can prove is an origin's `identity`, that these are the bytes of a commit: it is taken from a folder
//! that is the user's own ([`Identities::Believed`]), from any other only where this store recorded the same for the same blob, and never in place of what is known here.

mod identity;
mod report;
mod source;
mod work;

use std::{collections::HashMap, path::Path};

pub use report::{Identities, Imported, InvalidReceipt, Refusal, RefusalReason};

use self::{
    identity::{all_wanted, leave_out_unknown, refuse_conflict},
    work::Work,
};
use crate::{error::StoreError, key::Wanted, layout::Layout, meta, open, store::Store};

/// Imports what the store's folder `from` has and this store lacks, with `threads` threads; `identities` says whether `from` is believed about what no bytes
/// prove. `is_stopped` is asked between pieces. What was published before an
/// error or a stop stays, and is not read again the next time.
pub fn import(
    store: &Store,
    from: &Path,
    identities: Identities,
    now: jiff::Timestamp,
    threads: usize,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Imported, StoreError> {
    // Before the other store is read.
    store.writable()?;
    let layout = Layout::new(from);
    if !meta::check(&layout)? {
        return Err(StoreError::NotAStore { root: from.to_owned() });
    }
    open::check_folders(&layout, false)?;
    let mut imported = Imported::default();
    let mut offered = Vec::new();
    for found in source::receipts(&layout)? {
        match found {
            Ok(receipt) => offered.push(receipt),
            Err(refusal) => imported.refused.push(refusal),
        }
    }
    let wanted: Vec<Wanted> = offered.iter().flat_map(all_wanted).collect();
    let lookup = store.lookup(&wanted, now)?;
    let mut conflicts = HashMap::new();
    for receipt in &mut offered {
        // Before anything is left out: that it names other bytes than those that are known here is worth a word.
        if let Err(reason) = refuse_conflict(&lookup, receipt) {
            conflicts.insert(receipt.blob, reason);
        }
        if identities == Identities::Known {
            imported.not_believed += leave_out_unknown(store, receipt);
        }
    }
    offered.retain(|receipt| match conflicts.remove(&receipt.blob) {
        Some(reason) => {
            imported.refused.push(Refusal::of(receipt, reason));
            false
        }
        None => true,
    });
    Work::new(store, &layout, &lookup, &offered, is_stopped, now)?.run_on(threads, imported, now)
}
