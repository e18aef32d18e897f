//! [`document`]: a small file as a value.

use bytes::{Bytes, BytesMut};
use reqwest::{
    StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use url::Url;

use super::{
    Client, DownloadError, Event, Progress, body::Incoming, download::within_total, redirect::exchange, tries::Tries,
};

/// Fetches a document of at most `max_bytes`, with the retries of [`super::download`]. `accept` is the header's value.
pub async fn document(
    client: &Client,
    url: &Url,
    accept: &'static str,
    max_bytes: u64,
    progress: &dyn Progress,
) -> Result<Bytes, DownloadError> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    within_total(client, url, async {
        let mut tries = Tries::new(client, url, progress);
        loop {
            match attempt(client, url, &headers, max_bytes, progress).await {
                Ok(document) => {
                    progress.event(Event::Finished { len: document.len() as u64 });
                    return Ok(document);
                }
                Err(error) => tries.after(error).await?,
            }
        }
    })
    .await
}

async fn attempt(
    client: &Client,
    url: &Url,
    headers: &HeaderMap,
    limit: u64,
    progress: &dyn Progress,
) -> Result<Bytes, DownloadError> {
    let answer = exchange(client, url, headers, progress).await?;
    if answer.response.status() != StatusCode::OK {
        return Err(answer.refusal());
    }
    let expected = answer.response.content_length();
    let settings = client.settings();
    let mut incoming =
        Incoming { response: answer.response, url: answer.url, settings, progress, limit, received: 0, expected };
    incoming.announce()?;
    let mut document = BytesMut::new();
    while let Some(bytes) = incoming.next().await? {
        document.extend_from_slice(&bytes);
    }
    Ok(document.freeze())
}
