//! The store's end of a download.

use bytes::Bytes;
use larder_store::{
    StoreError,
    digest::{BlobId, Digests, Integrity},
    part::{Expected, Part, SealError, Sealed},
};

use super::first_bytes::{FirstBytes, NotAPackage};
use crate::http::{FinishError, ResumePoint, Sink, SinkError, Validator};

/// Writes a body into a part of the store.
pub(super) struct PartSink {
    /// `None` once it was handed over as complete.
    part: Option<Box<Part>>,
    /// What is done with bytes that nobody states a digest of.
    first: Option<FirstBytes>,
}

/// The bytes of something that has no digest are not those of its first fetch.
#[derive(Debug, thiserror::Error)]
#[error("expected blake3 {recorded}, as at the first fetch, got {actual}")]
pub(super) struct OtherThanRecorded {
    recorded: BlobId,
    actual: BlobId,
}

impl PartSink {
    pub(super) fn new(part: Box<Part>, first: Option<FirstBytes>) -> Self {
        Self { part: Some(part), first }
    }

    fn part(&mut self) -> &mut Part {
        self.part.as_mut().expect("the engine calls nothing after it has the whole")
    }
}

fn mismatch(expected: &Expected, actual: &Digests) -> FinishError {
    match expected {
        Expected::Integrity(expected) => {
            let asked = actual.digests.iter().filter(|digest| expected.algorithms().any(|it| it == digest.algorithm()));
            let actual = Integrity::new(asked.copied()).expect("what was wanted was computed");
            FinishError::Mismatch { expected: Box::new(expected.clone()), actual: Box::new(actual) }
        }
        Expected::Recorded(recorded) => {
            FinishError::Unwanted(SinkError::new(OtherThanRecorded { recorded: *recorded, actual: actual.blob }))
        }
    }
}

fn sink_error(error: StoreError) -> SinkError {
    SinkError::new(error)
}

impl Sink for PartSink {
    type Done = Sealed;

    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError> {
        let kept = self.part().kept().map_err(sink_error)?;
        Ok(kept.map(|kept| ResumePoint {
            len: kept.len,
            validator: kept.validator.as_deref().and_then(Validator::new),
            is_complete: kept.is_complete,
        }))
    }

    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError> {
        self.part().begin(offset, validator.map(Validator::as_str)).map_err(sink_error)
    }

    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError> {
        bytes.iter().try_for_each(|bytes| self.part().write(bytes)).map_err(sink_error)
    }

    fn finish(&mut self) -> Result<Sealed, FinishError> {
        if let Some(first) = &self.first {
            let settled = first.settle(self.part.as_mut().expect("the engine calls nothing after it has the whole"));
            settled.map_err(|error| match error.downcast_ref::<NotAPackage>() {
                Some(_) => FinishError::Unwanted(error),
                None => FinishError::Sink(error),
            })?;
        }
        match self.part().finish() {
            Ok(receipt) => Ok(self.part.take().expect("it finished just now").seal(receipt)),
            Err(SealError::Mismatch { expected, actual }) => Err(mismatch(&expected, &actual)),
            Err(SealError::Store(error)) => Err(FinishError::Sink(sink_error(error))),
            Err(error) => unreachable!("no other way to refuse: {error}"),
        }
    }
}
