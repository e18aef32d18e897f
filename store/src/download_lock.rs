//! The download lock: the right to download a file, which one holds at a time, in all processes that use the store.

use std::{io, sync::Arc};

use crate::{
    blob,
    digest::{BlobId, Integrity},
    error::StoreError,
    hash::hash_opened,
    journal,
    key::{BlobRef, Wanted},
    lookup::Lookup,
    open,
    part::{self, Part},
    part_file::{self, PartFile},
    receipt::{Origin, Receipt},
    unfit::Unfit,
    writable::Writable,
};

/// What came of asking for the lock of a download.
#[derive(Debug)]
pub enum DownloadLock {
    /// It is not needed: the store has the blob.
    Present(BlobRef),
    /// Somebody else holds it, in this process or another: ask again later.
    Busy,
    /// The caller holds it as long as the part lives.
    Acquired(Box<Part>),
}

impl DownloadLock {
    /// Asks for the right to download what is wanted. `integrity` is what its bytes must agree with, if that is known by now;
    /// `origins` are recorded in its receipt.
    ///
    /// A blob that another run has published meanwhile, or was killed while publishing, is found here; and so is one of another lockfile's package, where it is
    /// `integrity` alone that says what the bytes are.
    pub fn acquire(
        lookup: &Lookup,
        wanted: &Wanted,
        integrity: Option<&Integrity>,
        origins: impl Into<Arc<[Origin]>>,
    ) -> Result<Self, StoreError> {
        let origins = origins.into();
        let store = lookup.store().writable()?;
        let key = wanted.download_key();
        let path = store.layout().part_of(&key);
        let Some(file) = PartFile::take(store, &path)? else { return Ok(Self::Busy) };
        let integrity = match wanted {
            Wanted::Integrity(integrity) => Some(integrity),
            Wanted::Identity(_) => integrity,
        };
        lookup.refresh()?;
        let mut found = lookup.find(wanted);
        if found.is_none()
            && let Some(blob) = lookup.journaled(&key)
        {
            found = adopt(store, blob, integrity, &origins)?;
        }
        // The lockfile's own digest is in every receipt, or was looked for before.
        if found.is_none()
            && matches!(wanted, Wanted::Identity(_))
            && lookup.recorded(wanted).is_none()
            && let Some(integrity) = integrity
        {
            found = lookup.store().find_by_alternate_digest(&origins, integrity);
        }
        if let Some(found) = found {
            // Made by this look, unless an earlier run left it: nobody needs it.
            part_file::remove(&path.with_extension("json"));
            part_file::remove(&path);
            return Ok(Self::Present(found));
        }
        let recorded = match wanted {
            // With the lockfile's own digest, the record of an earlier fetch adds nothing.
            Wanted::Integrity(_) => None,
            Wanted::Identity(_) => lookup.recorded(wanted),
        };
        let part = Part::new(store, key, file, integrity.cloned(), recorded, origins);
        Ok(Self::Acquired(Box::new(part)))
    }
}

/// The blob that a journal names, if it is whole: published by a run that was killed before its receipt.
fn adopt(
    store: Writable<'_>,
    blob: BlobId,
    integrity: Option<&Integrity>,
    origins: &[Origin],
) -> Result<Option<BlobRef>, StoreError> {
    let layout = store.layout();
    let path = layout.blob(&blob);
    let (mut file, _) = match open::to_read(&path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound || Unfit::in_error(&error).is_some() => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, error)),
    };
    let digests = hash_opened(&mut file, &path, part::algorithms(integrity))?;
    if digests.blob != blob || integrity.is_some_and(|integrity| !integrity.agrees_with(&digests.digests)) {
        tracing::debug!(path = %path.display(), "a blob of a run that was killed is not whole: it is fetched again");
        return Ok(None);
    }
    if let Err(error) = blob::protect(&file, &path) {
        tracing::debug!(%error, "a blob of another user, who could still change it, is fetched again");
        return Ok(None);
    }
    journal::supplement(store, Receipt::of_fetched(&digests, origins.to_vec()))?;
    Ok(Some(BlobRef { blob, size: digests.len }))
}
