//! What to answer: [`Reply`].

use std::{sync::Arc, time::Duration};

/// An answer, right unless it is told otherwise.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) phrase: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Arc<[u8]>,
    pub(crate) delay: Duration,
    pub(crate) trickle: Option<(usize, Duration)>,
    pub(crate) end: Option<(usize, End)>,
    pub(crate) framing: Framing,
    pub(crate) ignores_range: bool,
    pub(crate) content_range: Option<String>,
}

/// What happens to the connection before the body is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Close,
    Reset,
    Stall,
}

/// How the client learns where the body ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    Length,
    FalseLength(u64),
    Chunked,
    UntilClosed,
}

impl Reply {
    /// This status, without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            phrase: String::new(),
            headers: Vec::new(),
            body: Arc::default(),
            delay: Duration::ZERO,
            trickle: None,
            end: None,
            framing: Framing::Length,
            ignores_range: false,
            content_range: None,
        }
    }

    /// 200 and this body; ranges are answered with 206, or 416 where there are no bytes.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into().into(), ..Self::status(200) }
    }

    /// 302 to an address.
    pub fn redirect(target: impl Into<String>) -> Self {
        Self::status(302).header("location", target)
    }

    /// Another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// What follows the status in its line; nothing if it is not said.
    #[must_use]
    pub fn phrase(mut self, phrase: &str) -> Self {
        phrase.clone_into(&mut self.phrase);
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The body's `ETag`, with its quotes. A request whose `If-Range` is another gets the whole.
    #[must_use]
    pub fn etag(self, tag: &str) -> Self {
        self.header("etag", tag)
    }

    /// Closes the connection after so many bytes of body.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.end = Some((bytes, End::Close));
        self
    }

    /// Resets the connection after so many bytes of body, not all of which may reach the client.
    #[must_use]
    pub fn reset_after(mut self, bytes: usize) -> Self {
        self.end = Some((bytes, End::Reset));
        self
    }

    /// Sends nothing more after so many bytes of body, until the client goes away.
    #[must_use]
    pub fn stall_after(mut self, bytes: usize) -> Self {
        self.end = Some((bytes, End::Stall));
        self
    }

    /// Waits before it answers at all.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sends so many bytes at a time, with a pause between.
    #[must_use]
    pub fn trickling(mut self, bytes: usize, pause: Duration) -> Self {
        self.trickle = Some((bytes.max(1), pause));
        self
    }

    /// Says that the body is so long, whatever it is, and closes the connection after it.
    #[must_use]
    pub fn saying_length(mut self, length: u64) -> Self {
        self.framing = Framing::FalseLength(length);
        self
    }

    /// Sends the body chunked, without its length.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// Sends the body without its length and closes the connection after it.
    #[must_use]
    pub fn until_closed(mut self) -> Self {
        self.framing = Framing::UntilClosed;
        self
    }

    /// Sends the whole, whatever range is asked for.
    #[must_use]
    pub fn ignoring_range(mut self) -> Self {
        self.ignores_range = true;
        self
    }

    /// Says this in the `Content-Range` of a partial answer, whatever it is.
    #[must_use]
    pub fn saying_range(mut self, range: &str) -> Self {
        self.content_range = Some(range.to_owned());
        self
    }

    pub(crate) fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
