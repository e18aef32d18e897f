//! What no bytes prove: which identity a blob was fetched for.

use std::collections::HashSet;

use super::report::RefusalReason;
use crate::{key::Wanted, lookup::Lookup, receipt::Receipt, store::Store};

/// What the blob is asked for by: all its digests together, and each identity.
pub(super) fn all_wanted(receipt: &Receipt) -> impl Iterator<Item = Wanted> + '_ {
    [Wanted::Integrity(receipt.digests.clone())].into_iter().chain(identities(receipt).map(Wanted::Identity))
}

fn identities(receipt: &Receipt) -> impl Iterator<Item = String> + '_ {
    receipt.origins.iter().filter_map(|origin| origin.identity.clone())
}

pub(super) fn refuse_conflict(lookup: &Lookup, receipt: &Receipt) -> Result<(), RefusalReason> {
    for identity in identities(receipt) {
        let wanted = Wanted::Identity(identity.clone());
        let known = lookup.find(&wanted).map(|found| found.blob).or_else(|| lookup.recorded(&wanted));
        if let Some(recorded) = known.filter(|known| *known != receipt.blob) {
            return Err(RefusalReason::Conflict { identity, recorded });
        }
    }
    Ok(())
}

/// Takes out of a receipt the identities that this store did not record for the same blob; how many.
pub(super) fn leave_out_unknown(store: &Store, receipt: &mut Receipt) -> u64 {
    if receipt.origins.iter().all(|origin| origin.identity.is_none()) {
        return 0;
    }
    let known: HashSet<String> = store.receipt(&receipt.blob).iter().flat_map(identities).collect();
    let mut left_out = HashSet::new();
    for origin in &mut receipt.origins {
        left_out.extend(origin.identity.take_if(|identity| !known.contains(identity)));
    }
    receipt.origins.sort();
    receipt.origins.dedup();
    left_out.len() as u64
}
