//! The other store's files: regular ones of the stated length, and nothing that a link leads to.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    blobs::{Blobs, Offered},
    report::{InvalidReceipt, Refusal, RefusalReason},
};
use crate::{
    digest::BlobId,
    error::{At as _, StoreError},
    layout::Layout,
    open,
    receipt::{MOST_BYTES, Receipt},
    receipt_files,
    unfit::Unfit,
};

/// All receipts of a store's folder.
pub(super) fn receipts(layout: &Layout) -> Result<Offered, StoreError> {
    let mut receipts = Vec::new();
    for file in receipt_files::walk(&layout.receipts()) {
        let (path, blob) = file?;
        let refused = |reason| Box::new(Refusal { blob, package: None, reason });
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
    match open::read_whole(path, MOST_BYTES) {
        Err(error) if Unfit::in_error(&error).is_some() => Err(RefusalReason::Receipt(InvalidReceipt::NotAFile)),
        read => parse(&read.at("read", path)?),
    }
}

fn parse(bytes: &[u8]) -> Result<Receipt, RefusalReason> {
    let invalid = |reason| RefusalReason::Receipt(reason);
    let receipt = Receipt::from_json(bytes).map_err(|error| invalid(error.into()))?;
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

/// The receipt that somebody else gives of a blob, or why it is none that can be believed.
pub fn receipt(blob: BlobId, bytes: &[u8]) -> Result<Receipt, Box<Refusal>> {
    let own = |receipt: Receipt| {
        if receipt.blob == blob { Ok(receipt) } else { Err(RefusalReason::Receipt(InvalidReceipt::OtherBlob)) }
    };
    parse(bytes).and_then(own).map_err(|reason| Box::new(Refusal { blob: Some(blob), package: None, reason }))
}

/// Opens a blob's file that has `size` bytes.
pub(super) fn open_blob(path: &Path, size: u64) -> Result<File, RefusalReason> {
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
    Ok(file)
}

/// Another store's folder.
pub(super) struct Folder(pub(super) Layout);

impl Blobs for Folder {
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn Read + 'a>, RefusalReason> {
        let path = self.0.blob(&receipt.blob);
        let file = open_blob(&path, receipt.size)?;
        Ok(Box::new(Named { file, path }))
    }
}

/// A file whose errors have its name.
struct Named {
    file: File,
    path: PathBuf,
}

impl Read for Named {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let named = |error: io::Error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            RefusalReason::from(StoreError::io("read", &self.path, error)).into()
        };
        self.file.read(buffer).map_err(named)
    }
}
