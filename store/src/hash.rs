//! Hashing a file: the only place in which a file is read to know what its bytes are. `hash_blobs` does it for many at once.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use crate::{
    digest::{Algorithm, Digests, Hasher},
    error::{At as _, StoreError},
    open,
};

/// Read at once, bytes.
pub(crate) const READ_BYTES: usize = 256 << 10;

/// The digests of a whole file: blake3, and those of these algorithms.
pub(crate) fn hash_file(path: &Path, algorithms: impl IntoIterator<Item = Algorithm>) -> Result<Digests, StoreError> {
    let (mut file, _) = open::to_read(path).at("open", path)?;
    hash_opened(&mut file, path, algorithms)
}

/// The same of a file that was opened just now.
pub(crate) fn hash_opened(
    file: &mut File,
    path: &Path,
    algorithms: impl IntoIterator<Item = Algorithm>,
) -> Result<Digests, StoreError> {
    let mut hasher = Hasher::new(algorithms);
    hash_into(file, &mut hasher, u64::MAX).at("read", path)?;
    Ok(hasher.finish())
}

/// Adds what `file` still has to a hash, at most `limit` bytes.
pub fn hash_into(file: &mut File, hasher: &mut Hasher, limit: u64) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut left = limit;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = hash_piece(file, hasher, &mut buffer[..want])?;
        if count == 0 {
            break;
        }
        left -= count as u64;
    }
    Ok(())
}

/// Adds the next bytes of `file` to a hash; how many, 0 at its end.
pub(crate) fn hash_piece(file: &mut File, hasher: &mut Hasher, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Ok(count) => {
                hasher.update(&buffer[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
