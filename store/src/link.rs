//! Giving blobs' bytes other names, as cheaply as the filesystems allow: reflinks, hard links, copies.

use std::{cell::Cell, fs::Permissions, io, os::unix::fs::PermissionsExt as _, path::Path};

use crate::{
    blob,
    digest::BlobId,
    error::{At as _, StoreError},
    open,
    store::Store,
};

/// How a file came to have a blob's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// It shares the blob's extents until one of the two is written.
    Reflink,
    /// It is the blob's file under another name.
    HardLink,
    /// It is a copy.
    Copy,
}

/// Links blobs of one store into one filesystem.
#[derive(Debug)]
pub struct Linker<'a> {
    store: &'a Store,
    /// Cleared by the first refusal: asking costs a file that is made and removed.
    may_reflink: Cell<bool>,
    may_link: Cell<bool>,
}

impl<'a> Linker<'a> {
    /// A linker for this store's blobs.
    pub fn new(store: &'a Store) -> Self {
        Self { store, may_reflink: Cell::new(true), may_link: Cell::new(true) }
    }

    /// Makes `target`, which must not exist, a file with the blob's bytes and the blob's mode, in a folder that exists. The bytes are not
    /// checked: [`crate::verify::verify_blobs`] does that.
    pub fn link(&self, blob: &BlobId, target: &Path) -> Result<Linked, StoreError> {
        let source = self.store.blob_path(blob);
        // A link in its place would be followed by what comes next, or be linked to as it is.
        let looked = std::fs::symlink_metadata(&source).at("look at", &source)?;
        if !looked.is_file() {
            open::to_read(&source).at("open", &source)?;
        }
        if self.may_reflink.get() {
            match reflink_copy::reflink(&source, target) {
                Ok(()) => return protected(target, Linked::Reflink),
                Err(error) if is_final(&error) => return Err(StoreError::io("copy to", target, error)),
                Err(_) => self.may_reflink.set(false),
            }
        }
        // A link has the mode that its blob has, whoever changed it.
        if self.may_link.get() && looked.permissions().mode() & 0o7777 == blob::MODE {
            match std::fs::hard_link(&source, target) {
                Ok(()) => return Ok(Linked::HardLink),
                Err(error) if is_final(&error) => return Err(StoreError::io("link", target, error)),
                // Of one file only: it has as many names as a file may have.
                Err(error) if error.kind() == io::ErrorKind::TooManyLinks => {}
                Err(_) => self.may_link.set(false),
            }
        }
        std::fs::copy(&source, target).at("copy to", target)?;
        protected(target, Linked::Copy)
    }
}

fn protected(target: &Path, linked: Linked) -> Result<Linked, StoreError> {
    std::fs::set_permissions(target, Permissions::from_mode(blob::MODE)).at("set the mode of", target)?;
    Ok(linked)
}

/// Whether another way would fail for the same reason.
fn is_final(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists | io::ErrorKind::StorageFull)
}
