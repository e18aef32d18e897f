//! The fetch engine against a server that does what it is told, with a sink in memory.

mod answers;
mod bodies;
mod encodings;
mod redirects;
mod resume;
mod retries;
mod tls;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use larder_store::digest::{Algorithm, Digest, Integrity};
use larder_test_server::Server;

use super::*;

/// What a sink was told and has; outlives it, as a file would.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    validator: Option<Validator>,
    is_complete: bool,
    calls: Vec<String>,
    fails_to_write: bool,
}

/// Accepts bytes with the digest of `wanted`.
struct MemorySink {
    held: Arc<Mutex<Held>>,
    wanted: Integrity,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

impl Sink for MemorySink {
    type Done = Vec<u8>;

    fn resume_point(&mut self) -> Result<Option<ResumePoint>, SinkError> {
        let held = self.held.lock().unwrap();
        Ok((!held.bytes.is_empty()).then(|| ResumePoint {
            len: held.bytes.len() as u64,
            validator: held.validator.clone(),
            is_complete: held.is_complete,
        }))
    }

    fn begin(&mut self, offset: u64, validator: Option<&Validator>) -> Result<(), SinkError> {
        let mut held = self.held.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        assert!(offset <= held.bytes.len(), "begins after what is kept");
        held.bytes.truncate(offset);
        held.validator = validator.cloned();
        held.calls.push(format!("begin {offset}"));
        Ok(())
    }

    fn write(&mut self, bytes: &[Bytes]) -> Result<(), SinkError> {
        let mut held = self.held.lock().unwrap();
        if held.fails_to_write {
            return Err(SinkError::new(DiskFull));
        }
        let bytes = bytes.concat();
        held.calls.push(format!("write {}", bytes.len()));
        held.bytes.extend(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>, FinishError> {
        let mut held = self.held.lock().unwrap();
        held.calls.push("finish".to_owned());
        let bytes = std::mem::take(&mut held.bytes);
        held.is_complete = false;
        let actual = Digest::of(Algorithm::Sha512, &bytes);
        if self.wanted.agrees_with(&[actual]) {
            return Ok(bytes);
        }
        Err(FinishError::Mismatch { expected: Box::new(self.wanted.clone()), actual: Box::new(actual.into()) })
    }
}

/// Knows no credentials.
struct NoCredentials;

impl Credentials for NoCredentials {
    fn credential_for(&self, _url: &url::Url) -> Option<Credential> {
        None
    }
}

/// Ignores every event.
struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}

/// Every event, in words.
#[derive(Default)]
struct Words(Mutex<Vec<String>>);

impl Progress for Words {
    fn event(&self, event: Event<'_>) {
        let mut words = self.0.lock().unwrap();
        match event {
            // How a body is cut into pieces depends on timing.
            Event::Received(_) => {}
            Event::Retrying { tries, why, .. } => words.push(format!("retrying {tries}: {why}")),
            other => words.push(format!("{other:?}")),
        }
    }
}

/// One artifact, what is held of it, and how it is fetched.
struct Case {
    server: Server,
    settings: ClientSettings,
    credentials: Arc<dyn Credentials>,
    held: Arc<Mutex<Held>>,
    wanted: Vec<u8>,
    is_checked: bool,
    words: Arc<Words>,
}

impl Case {
    /// The artifact `/a.tgz` with these bytes; the server has no route yet.
    fn new(wanted: impl Into<Vec<u8>>) -> Self {
        Self {
            server: Server::start(),
            settings: quick(),
            credentials: Arc::new(NoCredentials),
            held: Arc::default(),
            wanted: wanted.into(),
            is_checked: true,
            words: Arc::default(),
        }
    }

    /// So much was left by an earlier run.
    fn keeping(self, bytes: &[u8], validator: Option<&str>) -> Self {
        {
            let mut held = self.held.lock().unwrap();
            held.bytes = bytes.to_vec();
            held.validator = validator.map(|text| Validator::new(text).unwrap());
        }
        self
    }

    fn client(&self) -> Client {
        Client::new(self.settings.clone(), Arc::clone(&self.credentials)).unwrap()
    }

    fn sink(&self) -> MemorySink {
        let wanted = Digest::of(Algorithm::Sha512, &self.wanted).into();
        MemorySink { held: Arc::clone(&self.held), wanted }
    }

    async fn fetch_from(&self, url: &str) -> Result<Vec<u8>, DownloadError> {
        let request = Request { url: url.parse().unwrap(), is_checked: self.is_checked };
        download(&self.client(), &request, self.sink(), Arc::clone(&self.words) as Arc<dyn Progress>).await
    }

    async fn fetch(&self) -> Result<Vec<u8>, DownloadError> {
        self.fetch_from(&self.server.url("/a.tgz")).await
    }

    /// Fetches what must arrive.
    async fn arrives(&self) {
        assert_eq!(self.fetch().await.map_err(|error| message(&error)), Ok(self.wanted.clone()));
    }

    /// Fetches what must not, and says why, with the server's address replaced.
    async fn fails(&self) -> String {
        self.shown(&message(&self.fetch().await.unwrap_err()))
    }

    fn shown(&self, text: &str) -> String {
        text.replace(&self.server.address().to_string(), "registry.example")
    }

    fn calls(&self) -> Vec<String> {
        self.held.lock().unwrap().calls.clone()
    }

    fn words(&self) -> Vec<String> {
        self.words.0.lock().unwrap().iter().map(|words| self.shown(words)).collect()
    }

    /// Which ranges the requests asked for.
    fn ranges(&self) -> Vec<Option<String>> {
        self.server.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect()
    }
}

/// Waits that a test can afford.
fn quick() -> ClientSettings {
    ClientSettings {
        stall_timeout: Duration::from_millis(250),
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
        retries: 3,
        // Nearly all of these servers speak plain HTTP, and reading the certificates takes most of a test's time.
        verify_tls: false,
        ..ClientSettings::default()
    }
}

/// An error with its causes.
fn message(error: &DownloadError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text.push_str(" ← ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
