//! Blobs: how verified bytes become one, and how one is checked.

use std::{
    fs::{File, Permissions},
    io::Seek as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    atomic_file,
    digest::{BlobId, Integrity},
    error::{At as _, StoreError},
    hash::{hash_file, hash_opened},
    open,
    writable::Writable,
};

/// The mode of every blob: who links to one cannot change it by mistake.
pub const MODE: u32 = 0o444;

/// Makes a complete, verified and durable file the blob of that name. Whatever has the name is replaced, by the same bytes.
///
/// `file` is `part`, open. Nothing that can be refused comes after the rename: a blob is not published by halves.
pub(crate) fn publish(store: Writable<'_>, part: &Path, file: &File, blob: &BlobId) -> Result<(), StoreError> {
    protect(file, part)?;
    atomic_file::rename(store.layout(), part, &store.layout().blob(blob))
}

/// Takes the right to write away, from the owner too.
pub(crate) fn protect(file: &File, path: &Path) -> Result<(), StoreError> {
    file.set_permissions(Permissions::from_mode(MODE)).at("set the mode of", path)
}

/// Opens the file of a blob whose bytes were read, and are those of its name and of what is stated of them.
pub(crate) fn open_checked(path: PathBuf, blob: &BlobId, stated: Option<&Integrity>) -> Result<File, StoreError> {
    let (mut file, _) = open::to_read(&path).at("open", &path)?;
    let actual = hash_opened(&mut file, &path, stated.into_iter().flat_map(Integrity::algorithms))?;
    if actual.blob != *blob {
        return Err(StoreError::DamagedBlob { path, actual: actual.blob });
    }
    if let Some(stated) = stated.filter(|stated| !stated.agrees_with(&actual.digests)) {
        return Err(StoreError::Misstated { path, stated: stated.clone() });
    }
    file.rewind().at("read", &path)?;
    Ok(file)
}

/// The blob that a file's bytes would be.
pub fn id_of_file(path: &Path) -> Result<BlobId, StoreError> {
    Ok(hash_file(path, [])?.blob)
}
