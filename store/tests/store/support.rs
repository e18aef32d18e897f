//! Short ways to fill a store.

use larder_store::{
    Store,
    commit::Committer,
    digest::{Algorithm, Digest},
    download_lock::DownloadLock,
    import::{Identities, Options},
    key::{BlobRef, Wanted},
    lookup::Lookup,
    part::{Part, SealError},
    receipt::Origin,
};

pub(crate) fn now() -> jiff::Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

pub(crate) fn options(identities: Identities, threads: usize, is_stopped: &(dyn Fn() -> bool + Sync)) -> Options<'_> {
    Options { identities, now: now(), threads, is_stopped }
}

pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

pub(crate) fn sha512(bytes: &[u8]) -> Wanted {
    Wanted::Integrity(Digest::of(Algorithm::Sha512, bytes).into())
}

pub(crate) fn origin(name: &str) -> Origin {
    Origin {
        ecosystem: "npm".to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        address: Some(format!("https://registry.example/{name}/-/{name}-1.0.0.tgz")),
        identity: None,
    }
}

pub(crate) fn put(store: &Store, bytes: &[u8]) -> BlobRef {
    fetch(store, &sha512(bytes), bytes).unwrap()
}

/// A whole fetch of `bytes`, when `wanted` is asked for.
pub(crate) fn fetch(store: &Store, wanted: &Wanted, bytes: &[u8]) -> Result<BlobRef, SealError> {
    let identity = match wanted {
        Wanted::Integrity(_) => None,
        Wanted::Identity(identity) => Some(identity.clone()),
    };
    fetch_as(store, wanted, bytes, vec![Origin { identity, ..origin("react") }])
}

/// The same for these packages.
pub(crate) fn fetch_as(
    store: &Store,
    wanted: &Wanted,
    bytes: &[u8],
    origins: Vec<Origin>,
) -> Result<BlobRef, SealError> {
    let lookup = store.lookup(std::slice::from_ref(wanted), now()).unwrap();
    let mut part = begun(&lookup, wanted, origins);
    part.write(bytes)?;
    let receipt = part.finish()?;
    let committer = Committer::start(&lookup, now());
    committer.submit(7, part.seal(receipt));
    let mut outcomes = committer.finish().published;
    assert_eq!(outcomes.len(), 1);
    let (tag, outcome) = outcomes.remove(0);
    assert_eq!(tag, 7);
    Ok(outcome.unwrap())
}

/// A download that has the lock and no bytes yet.
pub(crate) fn begun(lookup: &Lookup, wanted: &Wanted, origins: Vec<Origin>) -> Box<Part> {
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(lookup, wanted, None, origins).unwrap() else {
        panic!("nobody else fetches it")
    };
    part.begin(0, None).unwrap();
    part
}

/// Files in `partial/`, the empty journal aside.
pub(crate) fn left_in_partial(store: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(store.join("partial")).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.file_name() != "journal" || entry.metadata().unwrap().len() > 0).count()
}
