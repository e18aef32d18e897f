//! The right to download a file: held by one at a time, in all processes that use the store.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    blob,
    digest::{BlobId, Digests, Integrity},
    error::{At as _, StoreError},
    lock,
    look_up::{Found, Key, LookUp, Wanted},
    part::{self, Part},
    receipt::{self, Origin, Receipt},
    store::Store,
};

/// After this long, nobody is expected to go on with a download that broke.
const ABANDONED: Duration = Duration::from_hours(7 * 24);

/// Whose a download is.
#[derive(Debug)]
pub enum Claimed {
    /// Nobody's any more: the blob is here.
    Here(Box<Adopted>),
    /// Somebody else's, in this process or another: ask again later.
    Busy,
    /// The caller's.
    Yours(Box<Part>),
}

/// A blob that this run found complete, left or published by another one; the index may not know it yet.
#[derive(Debug)]
pub struct Adopted {
    /// The blob.
    pub found: Found,
    pub(crate) receipt: Receipt,
    pub(crate) claim: Option<Claim>,
}

/// A held lock on `partial/<key>`, and what that file says.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
    path: PathBuf,
    pub(crate) state: State,
}

/// What `partial/<key>` says.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// What the server called this body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
    /// The blob that the bytes are, once the body is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<String>,
}

impl Claim {
    /// Takes the lock; `None` if somebody has it.
    fn take(path: PathBuf) -> Result<Option<Self>, StoreError> {
        loop {
            let mut file = lock::open(&path)?;
            if !lock::try_exclusive(&file, &path)? {
                return Ok(None);
            }
            // Whoever held it may have removed it after this process opened it: then the lock is on no name.
            let ours = file.metadata().at("stat", &path)?.ino();
            match std::fs::metadata(&path) {
                Ok(named) if named.ino() == ours => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("stat", path, error)),
            }
            let mut text = Vec::new();
            file.read_to_end(&mut text).at("read", &path)?;
            let state = serde_json::from_slice(&text).unwrap_or_default();
            return Ok(Some(Self { file, path, state }));
        }
    }

    /// Writes the state. A kill in its middle leaves what cannot be read, which counts as an empty state.
    pub(crate) fn note(&mut self, state: State) -> Result<(), StoreError> {
        let text = serde_json::to_vec(&state).expect("two optional strings can be written");
        self.file.set_len(0).at("write", &self.path)?;
        self.file.write_all_at(&text, 0).at("write", &self.path)?;
        self.state = state;
        Ok(())
    }

    /// Lets others have it. The file stays, for them to read.
    pub(crate) fn release(self) -> PathBuf {
        self.path
    }

    /// Removes the file, and then lets others have it.
    pub(crate) fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a state file stays until the next run removes it");
        }
    }
}

/// States that runs which were killed left, and that nobody has: those whose blob is published, with its receipt; and those that nobody
/// went on with for a week, whose bytes are removed here.
pub(crate) fn left_behind(store: &Store, ours: &HashSet<PathBuf>) -> Vec<(PathBuf, Option<Receipt>)> {
    let Ok(entries) = std::fs::read_dir(store.layout().partial()) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let states = paths.filter(|path| path.extension().is_none() && !ours.contains(path));
    let mut left = Vec::new();
    for path in states {
        let Ok(Some(claim)) = Claim::take(path.clone()) else { continue };
        let blob = claim.state.blob.as_deref().and_then(|blob| blob.parse::<BlobId>().ok());
        if let Some(receipt) = blob.and_then(|blob| store.receipt(&blob)) {
            left.push((path, Some(receipt)));
        } else if is_older_than(&path, ABANDONED) {
            let part = path.with_extension("part");
            if let Err(error) = std::fs::remove_file(&part) {
                tracing::debug!(path = %part.display(), %error, "a download that was given up had no bytes");
            }
            left.push((path, None));
        }
    }
    left
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > age))
}

/// Removes the state of downloads that ended, unless somebody has it.
pub(crate) fn remove_ended(path: PathBuf) {
    match Claim::take(path) {
        Ok(Some(claim)) => claim.remove(),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a state file stays until the next run removes it"),
    }
}

impl LookUp {
    /// Asks for the right to download what is wanted. `integrity` is what its bytes must agree with, if that is known by now;
    /// `origins` are noted in its receipt.
    ///
    /// A blob that another run has published meanwhile, or was killed while publishing, is found here.
    pub fn claim(
        &self,
        wanted: &Wanted,
        integrity: Option<&Integrity>,
        origins: Vec<Origin>,
    ) -> Result<Claimed, StoreError> {
        if !self.store.is_writable() {
            return Err(StoreError::ReadOnly { root: self.store.root().to_owned() });
        }
        let keys = wanted.keys();
        let key = keys.first().expect("what is wanted has a key");
        let Some(mut claim) = Claim::take(self.store.layout().state(key))? else { return Ok(Claimed::Busy) };
        let integrity = match wanted {
            Wanted::Integrity(integrity) => Some(integrity),
            Wanted::Identity(_) => integrity,
        };
        if let Some(blob) = claim.state.blob.as_deref().and_then(|blob| blob.parse::<BlobId>().ok()) {
            if let Some(adopted) = adopt(&self.store, blob, key, integrity, &origins)? {
                return Ok(Claimed::Here(Box::new(Adopted { claim: Some(claim), ..adopted })));
            }
        } else if claim.state.blob.is_some() {
            claim.note(State::default())?;
        }
        self.refresh()?;
        if let Some(found) = self.find(wanted)
            && let Some(receipt) = self.store.receipt(&found.blob)
        {
            claim.remove();
            return Ok(Claimed::Here(Box::new(Adopted { found, receipt, claim: None })));
        }
        let recorded = self.recorded(wanted);
        let part = Part::new(self.store.clone(), key, claim, integrity.cloned(), recorded, origins);
        Ok(Claimed::Yours(Box::new(part)))
    }
}

/// The blob that a state file names, if it is whole: published with its receipt, or by a run that was killed before the receipt.
fn adopt(
    store: &Store,
    blob: BlobId,
    key: &Key,
    integrity: Option<&Integrity>,
    origins: &[Origin],
) -> Result<Option<Adopted>, StoreError> {
    let layout = store.layout();
    let path = layout.blob(&blob);
    let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
    if let Some(receipt) = receipt::read(layout, &blob)
        && receipt.size == metadata.len()
        && receipt.keys().any(|known| known == *key)
    {
        let found = Found { blob, size: receipt.size };
        return Ok(Some(Adopted { found, receipt, claim: None }));
    }
    let digests = blob::hash_file(&path, part::algorithms(integrity))?;
    if digests.blob != blob || integrity.is_some_and(|integrity| !integrity.agrees_with(&digests.digests)) {
        tracing::debug!(path = %path.display(), "a blob of a run that was killed is not whole: it is fetched again");
        return Ok(None);
    }
    let receipt = receipt::write(layout, receipt_of(&digests, origins.to_vec()))?;
    Ok(Some(Adopted { found: Found { blob, size: digests.len }, receipt, claim: None }))
}

pub(crate) fn receipt_of(digests: &Digests, mut origins: Vec<Origin>) -> Receipt {
    origins.sort();
    origins.dedup();
    Receipt {
        blob: digests.blob,
        size: digests.len,
        digests: Integrity::new(digests.digests.iter().copied()).expect("sha512 is always computed"),
        origins,
        fetched: Some(now_to_the_second()),
    }
}

fn now_to_the_second() -> jiff::Timestamp {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("now is a time")
}
