//! What the proxy asks the rest of larder for: the bytes behind an address.

use url::Url;

use crate::loopback::CheckedBlob;

/// What is behind an address.
#[derive(Debug)]
pub(crate) enum Answer {
    /// These bytes.
    File(ServedFile),
    /// It was not there when it was recorded, which is an answer: this status.
    Absent(u16),
    /// It is known, and cannot be had. The words say why, in one line.
    Refused(String),
    /// Nothing is known of it.
    Unknown,
}

/// Bytes to serve.
#[derive(Debug)]
pub(crate) struct ServedFile {
    /// The bytes, checked.
    pub(crate) blob: CheckedBlob,
    /// Their length.
    pub(crate) len: u64,
    /// What names these bytes and no others; without quotes.
    pub(crate) tag: String,
    /// The media type, if it is known.
    pub(crate) content_type: Option<String>,
}

/// Where the proxy gets bytes. Called on threads that may block.
pub(crate) trait Source: Send + Sync {
    /// What is behind an address, which has neither user name nor fragment.
    fn answer(&self, url: &Url) -> Answer;

    /// Whether it knows something of this host, which has no brackets: then connections to it are opened with a network, too.
    fn has_host(&self, host: &str, port: u16) -> bool;

    /// The same for who asks for the head alone: the length and the tag of what would be served. The bytes need not be checked, and are not looked at.
    fn head(&self, url: &Url) -> Answer {
        self.answer(url)
    }
}
