//! The blobs of a folder that several machines have: read as files, since a file that is read in pieces by another library takes three times as long.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
};

use larder_store::{
    import::{Blobs, RefusalReason},
    receipt::Receipt,
    seed,
};

use crate::core::path_error::PathError;

/// The folder.
pub(super) struct FolderBlobs(pub(super) PathBuf);

impl Blobs for FolderBlobs {
    fn open<'a>(&'a self, receipt: &Receipt) -> Result<Box<dyn Read + 'a>, RefusalReason> {
        let path = self.0.join(seed::blob_path(&receipt.blob));
        let unread =
            |source| RefusalReason::Unread(io::Error::other(PathError { action: "read", path: path.clone(), source }));
        // A pipe would be waited for.
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(unread(io::Error::other("it is not a file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RefusalReason::Missing),
            Err(error) => return Err(unread(error)),
        }
        Ok(Box::new(File::open(&path).map_err(unread)?))
    }
}
