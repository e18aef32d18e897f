//! [`Extracted`]: one temporary file for all files that are extracted from an archive, until the store has them. It has no name, so a killed process leaves nothing.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek as _},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use crate::core::file_name::FileName;

/// Files that wait to be taken.
pub(super) struct Extracted {
    file: Arc<File>,
    places: BTreeMap<FileName, (u64, u64)>,
}

/// One of them, to be read once.
pub(super) struct Kept {
    file: Arc<File>,
    next: u64,
    left: u64,
}

impl Extracted {
    /// One that keeps them in this file, which is empty.
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), places: BTreeMap::new() }
    }

    /// Takes a file's bytes; fewer than `len` are an error. Of several of one name the first counts.
    pub(super) fn take(&mut self, name: &FileName, len: u64, bytes: &mut dyn Read) -> io::Result<()> {
        let start = (&*self.file).seek(io::SeekFrom::End(0))?;
        if io::copy(&mut bytes.take(len), &mut &*self.file)? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.places.entry(name.clone()).or_insert((start, len));
        Ok(())
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.places.clear();
        self.file.set_len(0)
    }

    /// A file.
    pub(super) fn get(&self, name: &FileName) -> Option<Kept> {
        let &(next, left) = self.places.get(name)?;
        Some(Kept { file: Arc::clone(&self.file), next, left })
    }
}

impl Kept {
    /// Its length, bytes.
    pub(super) const fn len(&self) -> u64 {
        self.left
    }
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.file.read_at(&mut buffer[..most], self.next)?;
        self.next += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
