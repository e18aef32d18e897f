//! [`Sink`]: takes the bytes of a body.

use std::error::Error;

use bytes::Bytes;
use larder_store::digest::Integrity;

use super::range::{ResumePoint, Validator};

/// Takes the bytes of one artifact and says whether they are right. Blocking: only called where blocking is allowed, one call at a time.
///
/// The order is `kept`, then `begin`, `write`…, `finish`; a broken body leads to `kept` again. Dropped without `finish`, it
/// keeps what it took for a later run.
pub trait Sink: Send + 'static {
    /// What `finish` gives for right bytes.
    type Done: Send + 'static;

    /// What an earlier try or run left; `None` if nothing.
    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError>;

    /// The bytes that follow belong at `offset`, which is at most the length kept; what lies behind it is dropped. `validator` names the
    /// version of the file that they are from, and should be kept with them.
    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError>;

    /// The next bytes.
    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError>;

    /// All bytes are there: checks and keeps them. On a mismatch they are dropped. Also called without `begin` when what was kept is complete.
    fn finish(&mut self) -> Result<Self::Done, FinishError>;
}

/// A sink cannot read, write or keep bytes.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SinkError(Box<dyn Error + Send + Sync>);

impl SinkError {
    /// The sink's own error.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// The sink's own error, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

/// Why a sink does not accept the whole.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The bytes are not those that are wanted; the sink has dropped them.
    #[error("expected {expected}, got {actual}")]
    Mismatch {
        /// What was wanted.
        expected: Box<Integrity>,
        /// What the bytes are: a digest for each algorithm that was wanted.
        actual: Box<Integrity>,
    },
    /// The bytes are not those that are wanted, as the sink's own error says; the sink has dropped them.
    #[error(transparent)]
    Unwanted(SinkError),
    /// The bytes cannot be read or kept.
    #[error(transparent)]
    Sink(#[from] SinkError),
}
