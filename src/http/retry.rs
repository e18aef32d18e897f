//! Retry with exponential backoff. `DownloadError::is_worth_retrying` decides which errors qualify; this file decides how long to wait.

use std::time::Duration;

use backon::ExponentialBackoff;
use tokio::time::timeout;
use url::Url;

use super::{
    client::Client,
    error::DownloadError,
    error_parts::Phase,
    progress::{Event, Progress},
};
use crate::core::redacted::RedactedUrl;

/// The tries of one download or document.
pub(super) struct Retry<'a> {
    client: &'a Client,
    url: &'a Url,
    progress: &'a dyn Progress,
    waits: ExponentialBackoff,
    made: u32,
}

impl<'a> Retry<'a> {
    /// Starts before the first try.
    pub(super) fn new(client: &'a Client, url: &'a Url, progress: &'a dyn Progress) -> Self {
        let settings = client.settings();
        Self { client, url, progress, waits: settings.waits(), made: 0 }
    }

    /// Waits until the next try is due; or returns the error, if there is none.
    pub(super) async fn after(&mut self, error: DownloadError) -> Result<(), DownloadError> {
        self.made += 1;
        if !error.is_worth_retrying() {
            return Err(error);
        }
        let unreachable = self.client.unreachable_hosts();
        let may_be_reached = !error.is_unreached() || !unreachable.contains(self.url);
        let Some(wait) = self.waits.next().filter(|_| may_be_reached) else {
            if error.is_unreached() {
                unreachable.insert(self.url);
            }
            return Err(match self.made {
                1 => error,
                tries => DownloadError::GaveUp { tries, last: Box::new(error) },
            });
        };
        let asked = match &error {
            DownloadError::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = asked.map_or(wait, |asked| asked.min(self.client.settings().retry_after_max).max(wait));
        self.progress.event(Event::Retrying { after: wait, tries: self.made, why: &error });
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Reports that another, different try follows at once.
    pub(super) fn at_once(&mut self, why: &DownloadError) {
        self.made += 1;
        self.progress.event(Event::Retrying { after: Duration::ZERO, tries: self.made, why });
    }
}

/// Stops what takes longer, retries included, than the settings allow for a whole.
pub(super) async fn within_total<T>(
    client: &Client,
    url: &Url,
    work: impl Future<Output = Result<T, DownloadError>>,
) -> Result<T, DownloadError> {
    let after = client.settings().total_timeout;
    timeout(after, work).await.unwrap_or_else(|_| {
        Err(DownloadError::Timeout { url: RedactedUrl::new(url), proxy: None, phase: Phase::Whole, after })
    })
}
