//! A file on its way into the store: its bytes so far, hashed as they come.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use crate::{
    blob,
    claim::{Claim, State, receipt_of},
    digest::{Algorithm, BlobId, Digests, Hasher, Integrity},
    error::{At as _, StoreError},
    look_up::Key,
    receipt::{Origin, Receipt},
    store::Store,
};

/// What an earlier attempt or an earlier run left of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Bytes.
    pub len: u64,
    /// What the server called the body that they are of.
    pub validator: Option<String>,
    /// Whether the body was complete: it then needs [`Part::finish`] alone.
    pub is_complete: bool,
}

/// The right to download one file, and its bytes so far. Dropped before it was [finished](Part::finish), it leaves them for the next run.
#[derive(Debug)]
pub struct Part {
    store: Store,
    path: PathBuf,
    claim: Claim,
    integrity: Option<Integrity>,
    /// The blob that these bytes were when they were first fetched.
    recorded: Option<BlobId>,
    origins: Vec<Origin>,
    file: Option<File>,
    hasher: Hasher,
}

/// A complete file whose bytes are what the lockfile states; not yet durable.
#[derive(Debug)]
pub struct Sealed {
    pub(crate) part: PathBuf,
    pub(crate) claim: Claim,
    pub(crate) receipt: Receipt,
}

impl Sealed {
    /// The blob that it will be.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// Why a complete body is not what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Its digests are others. Its bytes are gone.
    #[error("the bytes are not those wanted")]
    Mismatch {
        /// What was wanted.
        expected: Expected,
        /// What came.
        actual: Digests,
    },
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What bytes had to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Bytes with these digests.
    Integrity(Integrity),
    /// The same bytes as when they were first fetched.
    Recorded(BlobId),
}

impl Part {
    pub(crate) fn new(
        store: Store,
        key: &Key,
        claim: Claim,
        integrity: Option<Integrity>,
        recorded: Option<BlobId>,
        origins: Vec<Origin>,
    ) -> Self {
        let path = store.layout().part(key);
        let hasher = Hasher::new(algorithms(integrity.as_ref()));
        // With an integrity, the record of an earlier fetch adds nothing.
        let recorded = if integrity.is_some() { None } else { recorded };
        Self { store, path, claim, integrity, recorded, origins, file: None, hasher }
    }

    /// What is there already, if anything.
    pub fn kept(&self) -> Result<Option<Kept>, StoreError> {
        let len = match std::fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("stat", &self.path, error)),
        };
        let state = &self.claim.state;
        Ok((len > 0 || state.blob.is_some()).then(|| Kept {
            len,
            validator: state.validator.clone(),
            is_complete: state.blob.is_some(),
        }))
    }

    /// Makes ready for the bytes from `offset` on. What is there from `offset` on is dropped; what is before it is kept and must be there.
    pub fn begin(&mut self, offset: u64, validator: Option<&str>) -> Result<(), StoreError> {
        let state = State { validator: validator.map(str::to_owned), blob: None };
        if state != self.claim.state {
            self.claim.note(state)?;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        if offset != self.hasher.len() {
            self.hasher = Hasher::new(algorithms(self.integrity.as_ref()));
            file.seek(SeekFrom::Start(0)).at("read", &self.path)?;
            blob::hash_into(&mut file, &mut self.hasher, offset).at("read", &self.path)?;
        }
        file.set_len(offset).at("write", &self.path)?;
        file.seek(SeekFrom::Start(offset)).at("write", &self.path)?;
        self.file = Some(file);
        Ok(())
    }

    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        let file = self.file.as_mut().expect("begin comes before write");
        file.write_all(bytes).at("write", &self.path)
    }

    /// Compares the whole file with what was wanted. On a mismatch its bytes are dropped, and [`Part::begin`] at 0 starts again.
    pub fn finish(&mut self) -> Result<Receipt, SealError> {
        if self.hasher.is_empty() {
            // A complete body of an earlier run, or an empty one.
            let mut file = match self.file.take() {
                Some(file) => file,
                None => self.open()?,
            };
            file.seek(SeekFrom::Start(0)).at("read", &self.path)?;
            blob::hash_into(&mut file, &mut self.hasher, u64::MAX).at("read", &self.path)?;
        }
        self.file = None;
        let fresh = Hasher::new(algorithms(self.integrity.as_ref()));
        let actual = std::mem::replace(&mut self.hasher, fresh).finish();
        let expected = match (&self.integrity, self.recorded) {
            (Some(integrity), _) if !integrity.agrees_with(&actual.digests) => {
                Some(Expected::Integrity(integrity.clone()))
            }
            (None, Some(recorded)) if recorded != actual.blob => Some(Expected::Recorded(recorded)),
            _ => None,
        };
        if let Some(expected) = expected {
            self.drop_bytes()?;
            return Err(SealError::Mismatch { expected, actual });
        }
        let receipt = receipt_of(&actual, std::mem::take(&mut self.origins));
        let validator = self.claim.state.validator.take();
        self.claim.note(State { validator, blob: Some(actual.blob.to_string()) })?;
        Ok(receipt)
    }

    /// Hands the finished file over. `receipt` is what [`Part::finish`] gave.
    pub fn seal(self, receipt: Receipt) -> Sealed {
        Sealed { part: self.path, claim: self.claim, receipt }
    }

    /// Drops the bytes so far.
    pub fn drop_bytes(&mut self) -> Result<(), StoreError> {
        self.file = None;
        self.hasher = Hasher::new(algorithms(self.integrity.as_ref()));
        self.claim.note(State::default())?;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &self.path, error)),
            _ => Ok(()),
        }
    }

    /// Gives the download up for good: neither its bytes nor its state stay.
    pub fn abandon(mut self) -> Result<(), StoreError> {
        self.drop_bytes()?;
        self.claim.remove();
        Ok(())
    }

    fn open(&self) -> Result<File, StoreError> {
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path);
        match open() {
            // A run was killed between the change of mode and the renaming, and this one is not root's.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                std::fs::remove_file(&self.path).at("remove", &self.path)?;
                open()
            }
            other => other,
        }
        .at("open", &self.path)
    }

    /// The folder of the store that the bytes go to.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// sha512 always, since that is what most lockfiles look a file up by; and whatever is stated.
pub(crate) fn algorithms(integrity: Option<&Integrity>) -> Vec<Algorithm> {
    let mut algorithms = vec![Algorithm::Sha512];
    algorithms.extend(integrity.into_iter().flat_map(Integrity::algorithms));
    algorithms
}
