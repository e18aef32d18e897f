//! Blobs: how verified bytes become one, and how one is checked.

use std::{
    fs::{File, Permissions},
    io::{self, Read as _, Seek as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use crate::{
    digest::{Algorithm, BlobId, Digests, Hasher, Integrity},
    error::{At as _, StoreError},
    layout::Layout,
    open, whole_file,
};

/// The mode of every blob: who links to one cannot change it by mistake.
pub const MODE: u32 = 0o444;
/// Read at once when hashing a file, bytes.
const READ_BYTES: usize = 256 << 10;

/// Makes a complete, verified and durable file the blob of that name. Whatever has the name is replaced, by the same bytes.
///
/// `file` is `part`, open. Nothing that can be refused comes after the rename: a blob is not published by halves.
pub(crate) fn publish(layout: &Layout, part: &Path, file: &File, blob: &BlobId) -> Result<(), StoreError> {
    protect(file, part)?;
    whole_file::rename(layout, part, &layout.blob(blob))
}

/// Takes the right to write away, from the owner too.
pub(crate) fn protect(file: &File, path: &Path) -> Result<(), StoreError> {
    file.set_permissions(Permissions::from_mode(MODE)).at("set the mode of", path)
}

/// Reads a blob's file to its end and compares the blake3 with its name.
pub fn verify(store: &crate::Store, blob: &BlobId) -> Result<(), StoreError> {
    let path = store.blob_path(blob);
    let actual = id_of_file(&path)?;
    if actual == *blob { Ok(()) } else { Err(StoreError::DamagedBlob { path, actual }) }
}

/// Opens a blob whose bytes were read, and are those of its name and of what is stated of them.
pub fn open_checked(store: &crate::Store, blob: &BlobId, stated: Option<&Integrity>) -> Result<File, StoreError> {
    let path = store.blob_path(blob);
    let (mut file, _) = open::to_read(&path).at("open", &path)?;
    let mut hasher = Hasher::new(stated.into_iter().flat_map(Integrity::algorithms));
    hash_into(&mut file, &mut hasher, u64::MAX).at("read", &path)?;
    let actual = hasher.finish();
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

/// The digests of a whole file.
pub(crate) fn hash_file(path: &Path, algorithms: impl IntoIterator<Item = Algorithm>) -> Result<Digests, StoreError> {
    let (mut file, _) = open::to_read(path).at("open", path)?;
    hash_opened(&mut file, path, algorithms)
}

/// The digests of a whole file that was opened just now.
pub(crate) fn hash_opened(
    file: &mut File,
    path: &Path,
    algorithms: impl IntoIterator<Item = Algorithm>,
) -> Result<Digests, StoreError> {
    let mut hasher = Hasher::new(algorithms);
    hash_into(file, &mut hasher, u64::MAX).at("read", path)?;
    Ok(hasher.finish())
}

/// Hashes at most `limit` bytes of what `file` still has.
pub(crate) fn hash_into(file: &mut File, hasher: &mut Hasher, limit: u64) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut left = limit;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match file.read(&mut buffer[..want]) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                left -= count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
