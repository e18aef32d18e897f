//! [`NamelessSink`]: a body into a file without a name, hashed as it comes. A killed process leaves nothing of it.

use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
};

use bytes::Bytes;
use larder_store::{
    digest::{Algorithm, Digest, Hasher},
    hash::hash_into,
};

use crate::http::{FinishError, ResumePoint, Sink, SinkError, Validator};

/// A whole file that is nowhere yet.
pub(super) struct Written {
    pub(super) file: File,
    pub(super) sha256: Digest,
    /// Bytes.
    pub(super) size: u64,
}

/// Writes a body into a nameless file.
pub(super) struct NamelessSink {
    /// `None` once it was handed over.
    file: Option<File>,
    hasher: Hasher,
    len: u64,
    validator: Option<Validator>,
}

impl NamelessSink {
    /// Writes into this file, which is empty.
    pub(super) fn new(file: File) -> Self {
        Self { file: Some(file), hasher: Hasher::new([Algorithm::Sha256]), len: 0, validator: None }
    }

    fn file(&mut self) -> &mut File {
        self.file.as_mut().expect("nothing is called after it has the whole")
    }

    fn cut(&mut self, offset: u64) -> io::Result<()> {
        self.hasher = Hasher::new([Algorithm::Sha256]);
        self.len = offset;
        let file = self.file.as_mut().expect("nothing is called after it has the whole");
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(0))?;
        hash_into(file, &mut self.hasher, offset)?;
        file.seek(SeekFrom::Start(offset)).map(drop)
    }
}

impl Sink for NamelessSink {
    type Done = Written;

    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError> {
        let (len, validator) = (self.len, self.validator.clone());
        Ok((len > 0).then_some(ResumePoint { len, validator, is_complete: false }))
    }

    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError> {
        self.validator = validator.cloned();
        if offset == self.len { Ok(()) } else { self.cut(offset).map_err(SinkError::new) }
    }

    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError> {
        for bytes in bytes {
            self.file().write_all(bytes).map_err(SinkError::new)?;
            self.hasher.update(bytes);
            self.len += bytes.len() as u64;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Written, FinishError> {
        let hasher = std::mem::replace(&mut self.hasher, Hasher::new([Algorithm::Sha256]));
        let digests = hasher.finish();
        let file = self.file.take().expect("it finishes once");
        Ok(Written { file, sha256: digests.digests[0], size: digests.len })
    }
}
