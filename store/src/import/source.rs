//! The other store's files: regular ones of the stated length, and nothing that a link leads to.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::report::{InvalidReceipt, Refusal, RefusalReason};
use crate::{
    error::{At as _, StoreError},
    layout::Layout,
    open,
    receipt::{MOST_BYTES, Receipt},
    receipt_files,
    unfit::Unfit,
};

/// Read at once, bytes: as large as what a download writes.
const READ_BYTES: usize = 128 << 10;

/// All receipts of a store's folder.
pub(super) fn receipts(layout: &Layout) -> Result<Vec<Result<Receipt, Refusal>>, StoreError> {
    let mut receipts = Vec::new();
    for file in receipt_files::walk(&layout.receipts()) {
        let (path, blob) = file?;
        let refused = |reason| Refusal { blob, package: None, reason };
        receipts.push(match blob {
            None => Err(refused(RefusalReason::Receipt(InvalidReceipt::Name(path)))),
            Some(id) => match read(&path) {
                Ok(receipt) if receipt.blob == id => Ok(receipt),
                Ok(_) => Err(refused(RefusalReason::Receipt(InvalidReceipt::OtherBlob))),
                Err(reason) => Err(refused(reason)),
            },
        });
    }
    receipts.sort_by_key(|receipt| receipt.as_ref().map_or_else(|refusal| refusal.blob, |receipt| Some(receipt.blob)));
    Ok(receipts)
}

fn read(path: &Path) -> Result<Receipt, RefusalReason> {
    let invalid = |reason| RefusalReason::Receipt(reason);
    let bytes = match open::read_whole(path, MOST_BYTES) {
        Err(error) if Unfit::in_error(&error).is_some() => return Err(invalid(InvalidReceipt::NotAFile)),
        read => read.at("read", path)?,
    };
    let receipt = Receipt::from_json(&bytes).map_err(|error| invalid(error.into()))?;
    let has_control = |text: &String| text.chars().any(char::is_control);
    let texts = receipt.origins.iter().flat_map(|origin| {
        let optional = [&origin.address, &origin.identity].into_iter().flatten();
        [&origin.ecosystem, &origin.name, &origin.version].into_iter().chain(optional)
    });
    if texts.into_iter().any(has_control) {
        return Err(invalid(InvalidReceipt::ControlCharacters));
    }
    Ok(receipt)
}

/// A blob's file in the other store.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Source {
    /// Opens one that has `size` bytes.
    pub(super) fn open(path: &Path, size: u64) -> Result<Self, RefusalReason> {
        let (file, metadata) = match open::to_read(path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RefusalReason::Missing),
            Err(error) => {
                let error = Unfit::in_error(&error)
                    .map_or_else(|| StoreError::io("open", path, error).into(), RefusalReason::NotAFile);
                return Err(error);
            }
        };
        if metadata.len() != size {
            return Err(RefusalReason::Length { expected: size, actual: metadata.len() });
        }
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// Gives all bytes to `write`. False if it was stopped before the end.
    pub(super) fn copy(
        &mut self,
        mut write: impl FnMut(&[u8]) -> Result<(), StoreError>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<bool, RefusalReason> {
        let mut buffer = vec![0; READ_BYTES.min(usize::try_from(self.size).unwrap_or(READ_BYTES).max(1))];
        // A file that grows while it is read has other bytes than its name says, and no end.
        let mut left = self.size;
        while left > 0 {
            if is_stopped() {
                return Ok(false);
            }
            let most = usize::try_from(left).unwrap_or(READ_BYTES).min(buffer.len());
            match self.file.read(&mut buffer[..most]) {
                Ok(0) => break,
                Ok(count) => {
                    write(&buffer[..count])?;
                    left -= count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StoreError::io("read", &self.path, error).into()),
            }
        }
        Ok(true)
    }
}
