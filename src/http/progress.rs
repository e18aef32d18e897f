//! Progress reporting: a [`Progress`] takes the [`Event`]s of a download.

use std::time::Duration;

use super::error::DownloadError;

/// Something that happened on the way of one artifact or document.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request is sent. Each try and each hop of a redirect is one.
    Requested,
    /// A body begins, or begins again: `offset` of its bytes are there already.
    Started {
        /// Bytes that an earlier try or run left and that are not sent again.
        offset: u64,
        /// Bytes of the whole, if the server says.
        total: Option<u64>,
    },
    /// What kind of body it is, as the server says it: the `Content-Type`.
    ContentType(&'a str),
    /// So many bytes of the body came.
    Received(u64),
    /// A try failed and another follows.
    Retrying {
        /// The wait before it.
        after: Duration,
        /// Tries made so far.
        tries: u32,
        /// Why the last one failed.
        why: &'a DownloadError,
    },
    /// The whole is there and right; `len` bytes.
    Finished {
        /// Bytes of the whole.
        len: u64,
    },
}

/// Takes the events of one artifact or document. Called on async threads: must not block.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event<'_>);
}
