//! A file on its way into the store: its bytes so far, hashed as they come.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    atomic_file,
    digest::{Algorithm, BlobId, Digests, Hasher, Integrity},
    error::{At as _, StoreError},
    hash::hash_into,
    key::KeyHash,
    layout::Layout,
    open,
    part_file::{self, PartFile},
    receipt::{Origin, Receipt},
    writable::Writable,
};

/// From this length on, what a server calls a body is noted, so that a later run can go on with it: bytes.
const RESUMABLE: u64 = 256 << 10;
/// No state is as long: bytes. A longer one is none.
const STATE_BYTES: u64 = 64 << 10;

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
    layout: Layout,
    key: KeyHash,
    path: PathBuf,
    file: PartFile,
    integrity: Option<Integrity>,
    /// The blob that these bytes were when they were first fetched.
    recorded: Option<BlobId>,
    origins: Arc<[Origin]>,
    hasher: Hasher,
    state: State,
    /// Whether `partial/<key>.json` says what `state` says.
    is_state_written: bool,
    is_state_read: bool,
}

/// What `partial/<key>.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// What the server called this body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validator: Option<String>,
    /// The blob that the body is when it is complete, where no digest of the lockfile can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    complete: Option<String>,
}

/// Whether this state of a part (`partial/<key>.json`) says that its body was complete, of something that no digest names.
pub(crate) fn is_complete(state: &Path) -> bool {
    let bytes = open::read_whole(state, STATE_BYTES).unwrap_or_default();
    serde_json::from_slice::<State>(&bytes).is_ok_and(|state| state.complete.is_some())
}

/// A complete file whose bytes are what the lockfile states; not yet durable.
#[derive(Debug)]
pub struct Sealed {
    pub(crate) key: KeyHash,
    pub(crate) part: PathBuf,
    /// Held until the receipt is written.
    pub(crate) lock: PartFile,
    pub(crate) receipt: Receipt,
    pub(crate) has_state: bool,
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
        store: Writable<'_>,
        key: KeyHash,
        file: PartFile,
        integrity: Option<Integrity>,
        recorded: Option<BlobId>,
        origins: Arc<[Origin]>,
    ) -> Self {
        let hasher = Hasher::new(algorithms(integrity.as_ref()));
        let state = State::default();
        let layout = store.layout();
        Self {
            path: layout.part_of(&key),
            layout: layout.clone(),
            key,
            file,
            integrity,
            recorded,
            origins,
            hasher,
            state,
            is_state_written: false,
            is_state_read: false,
        }
    }

    /// What is there already, if anything. Reads it, once.
    pub fn kept(&mut self) -> Result<Option<Kept>, StoreError> {
        let len = self.file.metadata().at("stat", &self.path)?.len();
        if !self.is_state_read {
            self.read_state();
        }
        if self.hasher.len() != len {
            self.hash_from_start(len)?;
        }
        let found = (len > 0).then(|| self.hasher.clone().finish());
        let is_complete = found.is_some_and(|found| match &self.integrity {
            Some(integrity) => integrity.agrees_with(&found.digests),
            None => self.state.complete.as_deref() == Some(&*found.blob.to_string()),
        });
        Ok((len > 0).then(|| Kept { len, validator: self.state.validator.clone(), is_complete }))
    }

    /// Makes ready for the bytes from `offset` on. What is there from `offset` on is dropped; what is before it is kept and must be there.
    pub fn begin(&mut self, offset: u64, validator: Option<&str>) -> Result<(), StoreError> {
        if self.state.validator.as_deref() != validator || self.state.complete.is_some() {
            self.forget_state();
            self.state.validator = validator.map(str::to_owned);
        }
        if offset != self.hasher.len() {
            self.hash_from_start(offset)?;
        }
        self.file.set_len(offset).at("write", &self.path)?;
        self.file.seek(SeekFrom::Start(offset)).at("write", &self.path)?;
        Ok(())
    }

    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).at("write", &self.path)?;
        // What is small arrives in one piece or not at all, and needs no way to go on.
        if self.hasher.len() > RESUMABLE && self.state.validator.is_some() && !self.is_state_written {
            self.write_state()?;
        }
        Ok(())
    }

    /// Compares the whole file with what was wanted. On a mismatch its bytes are dropped, and [`Part::begin`] at 0 starts again.
    pub fn finish(&mut self) -> Result<Receipt, SealError> {
        let fresh = Hasher::new(algorithms(self.integrity.as_ref()));
        let actual = std::mem::replace(&mut self.hasher, fresh).finish();
        let expected = match (&self.integrity, self.recorded) {
            (Some(integrity), _) if !integrity.agrees_with(&actual.digests) => {
                Some(Expected::Integrity(integrity.clone()))
            }
            (_, Some(recorded)) if recorded != actual.blob => Some(Expected::Recorded(recorded)),
            _ => None,
        };
        if let Some(expected) = expected {
            self.drop_bytes()?;
            return Err(SealError::Mismatch { expected, actual });
        }
        if self.integrity.is_none() {
            self.state.complete = Some(actual.blob.to_string());
            self.write_state()?;
        }
        Ok(Receipt::of_fetched(&actual, self.origins.to_vec()))
    }

    /// Hands the finished file over. `receipt` is what [`Part::finish`] gave.
    pub fn seal(self, receipt: Receipt) -> Sealed {
        Sealed { key: self.key, part: self.path, lock: self.file, receipt, has_state: self.is_state_written }
    }

    /// Whether the bytes so far are what was stated or recorded; `None` if neither says what they should be.
    pub fn agrees(&self) -> Option<bool> {
        let found = || self.hasher.clone().finish();
        match (&self.integrity, self.recorded) {
            (Some(integrity), _) => Some(integrity.agrees_with(&found().digests)),
            (None, Some(recorded)) => Some(found().blob == recorded),
            (None, None) => None,
        }
    }

    /// The bytes so far, from the first on. Reading them does not change where the next ones go.
    pub fn bytes(&self) -> Result<PartBytes, StoreError> {
        Ok(PartBytes { file: self.file.try_clone().at("read", &self.path)?, next: 0 })
    }

    /// Drops the bytes so far.
    pub fn drop_bytes(&mut self) -> Result<(), StoreError> {
        self.forget_state();
        self.begin(0, None)
    }

    fn hash_from_start(&mut self, len: u64) -> Result<(), StoreError> {
        self.hasher = Hasher::new(algorithms(self.integrity.as_ref()));
        self.file.seek(SeekFrom::Start(0)).at("read", &self.path)?;
        hash_into(&mut self.file, &mut self.hasher, len).at("read", &self.path)
    }

    fn state_path(&self) -> PathBuf {
        self.path.with_extension("json")
    }

    /// A state that cannot be read is none.
    fn read_state(&mut self) {
        let state = open::read_whole(&self.state_path(), STATE_BYTES).ok();
        let state = state.and_then(|text| serde_json::from_slice(&text).ok());
        self.is_state_read = true;
        self.is_state_written = state.is_some();
        self.state = state.unwrap_or_default();
    }

    fn write_state(&mut self) -> Result<(), StoreError> {
        let text = serde_json::to_vec(&self.state).expect("two plain fields can be written");
        atomic_file::write(&self.layout, &self.state_path(), &text)?;
        self.is_state_written = true;
        Ok(())
    }

    fn forget_state(&mut self) {
        if std::mem::take(&mut self.is_state_written) {
            part_file::remove(&self.state_path());
        }
        self.state = State::default();
    }
}

/// The bytes of a [`Part`], to be read.
#[derive(Debug)]
pub struct PartBytes {
    file: File,
    next: u64,
}

impl Read for PartBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.next)?;
        self.next += read as u64;
        Ok(read)
    }
}

/// sha512 always, since that is what most lockfiles look a file up by; and whatever is stated.
pub(crate) fn algorithms(integrity: Option<&Integrity>) -> Vec<Algorithm> {
    let mut algorithms = vec![Algorithm::Sha512];
    algorithms.extend(integrity.into_iter().flat_map(Integrity::algorithms));
    algorithms
}
