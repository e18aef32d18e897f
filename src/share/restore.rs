//! Takes from a remote what a store lacks of a plan: first from what was shared of the same plan, then from the plans that were shared last.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use larder_store::{
    Store, StoreError,
    digest::BlobId,
    import::{Imported, Options, import_from},
    key::{Key, Wanted},
    rate::DownloadRate,
    receipt::Receipt,
};

use super::remote::{Remote, RemoteError, Shared};

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// Blobs that are here now and were not, and what was refused.
    pub(crate) imported: Imported,
    /// How many of the files that were missing were taken.
    pub(crate) found: usize,
    /// Whether the plan itself was shared.
    pub(crate) is_exact: bool,
    /// What the remote did not do.
    pub(crate) errors: Vec<RemoteError>,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// How fast the registry was on the machine that shared it, if it is known.
    pub(crate) registry: Option<DownloadRate>,
}

/// Takes what `wanted` names, and takes out of it what is here then. What no digest proves is not asked for: a remote is not believed.
pub(crate) fn restore(
    remote: &dyn Remote,
    plan: &str,
    wanted: &mut Vec<Wanted>,
    store: &Store,
    options: Options<'_>,
) -> Result<Restored, StoreError> {
    let start = Instant::now();
    let mut restored = Restored::default();
    let count = wanted.len();
    match remote.plan(plan) {
        Ok(Some(shared)) => {
            restored.is_exact = true;
            take(&shared, wanted, store, options, &mut restored)?;
        }
        Ok(None) => {}
        Err(error) => restored.errors.push(error),
    }
    if has_provable(wanted) && restored.errors.is_empty() && !restored.imported.is_stopped {
        match remote.others() {
            Ok(others) => {
                for other in others.iter().filter(|other| *other != plan) {
                    if !has_provable(wanted) || (options.is_stopped)() {
                        break;
                    }
                    match remote.plan(other) {
                        Ok(Some(shared)) => take(&shared, wanted, store, options, &mut restored)?,
                        Ok(None) => {}
                        Err(error) => {
                            restored.errors.push(error);
                            break;
                        }
                    }
                }
            }
            Err(error) => restored.errors.push(error),
        }
    }
    restored.found = count - wanted.len();
    restored.elapsed = start.elapsed();
    Ok(restored)
}

fn has_provable(wanted: &[Wanted]) -> bool {
    wanted.iter().any(|wanted| matches!(wanted, Wanted::Integrity(_)))
}

fn take(
    shared: &Shared<'_>,
    wanted: &mut Vec<Wanted>,
    store: &Store,
    options: Options<'_>,
    restored: &mut Restored,
) -> Result<(), StoreError> {
    restored.registry = restored.registry.or(shared.registry);
    let offered = matching(&shared.receipts, wanted);
    if offered.is_empty() {
        return Ok(());
    }
    let taken = import_from(store, offered.into_iter().map(Ok).collect(), &*shared.blobs, options)?;
    let lookup = store.lookup(wanted, options.now)?;
    wanted.retain(|wanted| lookup.find(wanted).is_none());
    let all = &mut restored.imported;
    all.imported.count += taken.imported.count;
    all.imported.bytes += taken.imported.bytes;
    all.barriers += taken.barriers;
    all.is_stopped |= taken.is_stopped;
    all.refused.extend(taken.refused);
    Ok(())
}

/// The receipts whose digests are those of something that is wanted, each once.
fn matching(receipts: &[Receipt], wanted: &[Wanted]) -> Vec<Receipt> {
    let keys: HashSet<Key> =
        wanted.iter().filter(|wanted| matches!(wanted, Wanted::Integrity(_))).flat_map(Wanted::keys).collect();
    let is_wanted =
        |receipt: &&Receipt| receipt.digests.digests().iter().map(Key::of_digest).any(|key| keys.contains(&key));
    let by_blob: BTreeMap<BlobId, Receipt> =
        receipts.iter().filter(is_wanted).map(|receipt| (receipt.blob, receipt.clone())).collect();
    by_blob.into_values().collect()
}
