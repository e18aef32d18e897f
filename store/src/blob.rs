//! Blobs: how verified bytes become one, and how one is checked.

use std::{
    fs::{File, Permissions},
    io::{self, Read, Seek as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    atomic_file,
    digest::{BlobId, Hasher, Integrity},
    error::{At as _, StoreError},
    hash::{hash_file, hash_opened, hash_piece},
    key::BlobRef,
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

/// The bytes of a blob, compared with its name as they are read: whoever reads to the end has right ones, or the error [`StoreError::DamagedBlob`] in place of the end. What has more
/// or fewer bytes than the receipt says is damaged, and no byte too many is given.
#[derive(Debug)]
pub struct CheckedReader {
    path: PathBuf,
    file: File,
    wanted: BlobRef,
    hasher: Hasher,
    is_checked: bool,
}

impl CheckedReader {
    pub(crate) fn open(path: PathBuf, wanted: BlobRef) -> Result<Self, StoreError> {
        let (file, _) = open::to_read(&path).at("open", &path)?;
        Ok(Self { path, file, wanted, hasher: Hasher::new([]), is_checked: false })
    }

    /// The next bytes; 0 at the end.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        if self.is_checked || buffer.is_empty() {
            return Ok(0);
        }
        let count = hash_piece(&mut self.file, &mut self.hasher, buffer).at("read", &self.path)?;
        if self.hasher.len() > self.wanted.size {
            // What it would be to its end is of no use: it has none, perhaps.
            return Err(self.damaged());
        }
        if count == 0 {
            let is_right = self.hasher.len() == self.wanted.size && self.hash() == self.wanted.blob;
            self.is_checked = is_right;
            return if is_right { Ok(0) } else { Err(self.damaged()) };
        }
        Ok(count)
    }

    fn hash(&self) -> BlobId {
        self.hasher.clone().finish().blob
    }

    fn damaged(&self) -> StoreError {
        StoreError::DamagedBlob { path: self.path.clone(), actual: self.hash() }
    }
}

/// An error has the store's error inside.
impl Read for CheckedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(io::Error::other)
    }
}
