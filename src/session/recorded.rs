//! What a `larder.lock` recorded, by address: what a client that asks for it is answered.

use std::collections::HashMap;

use larder_store::key::BlobRef;
use url::Url;

use super::open::Session;
use crate::{
    core::artifact::Source,
    fetcher::Completed,
    lockfile::larder_lock::{InlineBody, RecordedAbsence, RecordedContent, RecordedDownload},
};

/// The answer to a request for a recorded address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedAnswer<'a> {
    /// A file of the store.
    Stored {
        /// Its row.
        row: &'a RecordedDownload,
        /// Its blob; `None` if it is not here, or for another platform than those that were selected.
        found: Option<BlobRef>,
    },
    /// Bytes that are in the lock.
    Inline {
        /// Its row.
        row: &'a RecordedDownload,
        /// The bytes.
        body: &'a InlineBody,
    },
    /// Nothing is there.
    Absent(
        /// Its row.
        &'a RecordedAbsence,
    ),
}

impl Session {
    /// Every address that the project's `larder.lock` recorded, in its normal form, with its answer. `completed` says which files are here.
    pub fn recorded_answers(&self, completed: &Completed<'_>) -> HashMap<&Url, RecordedAnswer<'_>> {
        let Some(lock) = &self.project.read.larder_lock else { return HashMap::new() };
        let mut here: HashMap<&str, BlobRef> = HashMap::new();
        for item in &completed.items {
            if let Source::Recorded { url } = &item.planned.artifact.source {
                here.insert(url.as_str(), item.found);
            }
        }
        let downloads = lock.downloads.iter().map(|row| {
            let answer = match &row.content {
                RecordedContent::Stored { .. } => {
                    RecordedAnswer::Stored { row, found: here.get(row.url.as_str()).copied() }
                }
                RecordedContent::Inline(body) => RecordedAnswer::Inline { row, body },
            };
            (row.url.as_url(), answer)
        });
        let absences = lock.absent.iter().map(|row| (row.url.as_url(), RecordedAnswer::Absent(row)));
        downloads.chain(absences).collect()
    }
}
