//! [`IndexClient`]: an HTTP client for a package index, with single flight: each thing is requested once, several at a time.
//!
//! It gets a wheel's metadata in the cheapest way that works: first the separate metadata file, if the index offers one or does not say; then a range of the wheel;
//! then the whole wheel. If the index states a digest, the bytes are checked against it.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use larder_store::digest::{Algorithm, Digest};
use reqwest::StatusCode;
use tokio::{
    runtime::Runtime,
    sync::{OnceCell, Semaphore},
    time::sleep,
};
use url::Url;

use super::{
    Index,
    error::IndexError,
    events::{IndexEvent, IndexWatcher, Query},
    file::{CoreMetadata, IndexFile},
    page, wheel_metadata,
};
use crate::{
    core::{file_host::FileHost, interrupt::Interrupt},
    http::{ByteRange, Client, DownloadError, Slice, document, slice},
    python::{metadata::Metadata, name::ProjectName, wheel_name::WheelName},
};

/// The longest list of files, bytes: pages of some tens of megabytes exist.
const LONGEST_LIST: u64 = 256 << 20;

/// The longest metadata, bytes.
const LONGEST_METADATA: u64 = 16 << 20;

/// The longest wheel that is read into memory for its metadata, bytes: more than an index takes.
const LONGEST_WHEEL: u64 = 1 << 30;

/// A wheel of at most so many bytes is not worth the two requests that its pieces take.
const SMALL_WHEEL: u64 = 64 << 10;

/// How often it is asked whether the user wants to stop, and told that an answer is waited for: soon enough for a person.
const STEP: Duration = Duration::from_millis(50);

type Answers<K, V> = Mutex<HashMap<K, Arc<OnceCell<Result<V, IndexError>>>>>;
type Files = Option<Arc<Vec<IndexFile>>>;

/// An index at an address.
pub struct IndexClient {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    interrupt: Interrupt,
}

struct Shared {
    client: Client,
    location: IndexLocation,
    watcher: Arc<dyn IndexWatcher>,
    /// Bounds the requests at once.
    permits: Semaphore,
    lists: Answers<ProjectName, Files>,
    metadata: Answers<Url, Arc<Metadata>>,
}

/// Where an index is, and how it is asked.
#[derive(Clone, Debug)]
pub struct IndexLocation {
    /// Its simple API is below this address, which ends with a slash.
    pub base: Url,
    /// What it lists on the public file host is asked for here.
    pub host: FileHost,
    /// So many things are asked for at once, at most.
    pub jobs: usize,
}

impl IndexClient {
    /// The index at this location. Once `interrupt` has come, there are no more answers.
    pub fn new(
        runtime: Runtime,
        client: Client,
        location: IndexLocation,
        watcher: Arc<dyn IndexWatcher>,
        interrupt: Interrupt,
    ) -> Self {
        let permits = Semaphore::new(location.jobs.max(1));
        let (lists, metadata) = (Mutex::default(), Mutex::default());
        let shared = Shared { client, location, watcher, permits, lists, metadata };
        Self { runtime: Some(runtime), shared: Arc::new(shared), interrupt }
    }

    /// The answer, unless the user stops it.
    fn wait_for<T>(&self, answer: impl Future<Output = Result<T, IndexError>>) -> Result<T, IndexError> {
        let stopped = async {
            while !self.interrupt.came() {
                self.shared.watcher.event(IndexEvent::Waiting);
                sleep(STEP).await;
            }
        };
        self.runtime().block_on(async {
            tokio::select! {
                biased;
                () = stopped => Err(IndexError::Interrupted),
                answer = answer => answer,
            }
        })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("there until it is dropped")
    }

    /// A whole wheel, checked against the digest that the index states; without one, it must be a whole archive with its metadata.
    pub fn whole(&self, file: &IndexFile) -> Result<Bytes, IndexError> {
        self.wait_for(self.shared.whole(file))
    }
}

impl fmt::Debug for IndexClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexClient").finish_non_exhaustive()
    }
}

impl Drop for IndexClient {
    /// What was expected and never asked for is given up, look-ups of names that hang included.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Index for IndexClient {
    fn files(&self, name: &ProjectName) -> Result<Files, IndexError> {
        self.wait_for(self.shared.files(name))
    }

    fn metadata(&self, wheel: &IndexFile) -> Result<Arc<Metadata>, IndexError> {
        self.wait_for(self.shared.metadata(wheel))
    }

    fn expect(&self, names: &[ProjectName]) {
        for name in names {
            let (shared, name) = (Arc::clone(&self.shared), name.clone());
            // The answer, a failure too, waits in its cell.
            self.runtime().spawn(async move { drop(shared.files(&name).await) });
        }
    }

    fn expect_metadata(&self, wheels: &[IndexFile]) {
        for wheel in wheels {
            let (shared, wheel) = (Arc::clone(&self.shared), wheel.clone());
            self.runtime().spawn(async move { drop(shared.metadata(&wheel).await) });
        }
    }
}

/// The cell that a thing's answer is in, or will be.
fn cell<K: Eq + Hash + Clone, V>(answers: &Answers<K, V>, key: &K) -> Arc<OnceCell<Result<V, IndexError>>> {
    Arc::clone(answers.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default())
}

impl Shared {
    async fn files(&self, name: &ProjectName) -> Result<Files, IndexError> {
        cell(&self.lists, name).get_or_init(|| self.ask_files(name)).await.clone()
    }

    async fn metadata(&self, wheel: &IndexFile) -> Result<Arc<Metadata>, IndexError> {
        cell(&self.metadata, &wheel.url).get_or_init(|| self.ask_metadata(wheel)).await.clone()
    }

    async fn ask_files(&self, name: &ProjectName) -> Result<Files, IndexError> {
        let permit = self.permits.acquire().await;
        let query = Query::new(&*self.watcher, name.as_str());
        let url = self.location.base.join(&format!("{name}/")).expect("a normalised name is a part of a path");
        let page = match crate::http::page(&self.client, &url, page::ACCEPT, LONGEST_LIST, &query).await {
            Ok(page) => page,
            Err(error) if is_status(&error, &[StatusCode::NOT_FOUND, StatusCode::GONE]) => return Ok(None),
            Err(error) => return Err(IndexError::List { name: name.clone(), source: Arc::new(error) }),
        };
        drop((permit, query));
        let files = page::read(&page.bytes, page.content_type.as_deref(), &page.url);
        let mut files = files.map_err(|source| IndexError::Page { name: name.clone(), source })?;
        for file in &mut files {
            self.location.host.redirect(&mut file.url);
        }
        Ok(Some(Arc::new(files)))
    }

    async fn ask_metadata(&self, wheel: &IndexFile) -> Result<Arc<Metadata>, IndexError> {
        let _permit = self.permits.acquire().await;
        let query = &Query::new(&*self.watcher, &wheel.file_name);
        if let Some(bytes) = self.offered(wheel, query).await? {
            return Ok(Arc::new(Metadata::parse(&bytes)));
        }
        let bytes = if let Some(bytes) = self.in_pieces(wheel, query).await? {
            bytes
        } else {
            let whole = self.download(wheel, query).await?;
            wheel_metadata::metadata_of(&whole, &project(wheel)?).map_err(|source| unreadable(wheel, source))?
        };
        Ok(Arc::new(Metadata::parse(&bytes)))
    }

    /// The metadata by itself; `None` if there is none. An offer that is not kept is no error, unless what comes is not what was stated.
    async fn offered(&self, wheel: &IndexFile, query: &Query<'_>) -> Result<Option<Bytes>, IndexError> {
        let stated = match wheel.metadata {
            CoreMetadata::Absent => return Ok(None),
            CoreMetadata::Unstated => None,
            CoreMetadata::Offered(stated) => stated,
        };
        let mut url = wheel.url.clone();
        url.set_path(&format!("{}.metadata", wheel.url.path()));
        match document(&self.client, &url, "*/*", LONGEST_METADATA, query).await {
            Ok(bytes) => {
                check(&format!("{}.metadata", wheel.file_name), stated, &bytes)?;
                // Some servers answer anything with a page.
                let is_metadata = stated.is_some() || !Metadata::parse(&bytes).name.is_empty();
                Ok(is_metadata.then_some(bytes))
            }
            Err(error) if error.last().is_network() && !is_refusal(&error) => Err(lost(wheel, error)),
            Err(error) => {
                tracing::debug!(%error, "no metadata by itself; the wheel has it");
                Ok(None)
            }
        }
    }

    /// The metadata out of pieces of the wheel; `None` if the server gives none, or the wheel is too small for it to pay.
    async fn in_pieces(&self, wheel: &IndexFile, query: &Query<'_>) -> Result<Option<Vec<u8>>, IndexError> {
        if wheel.size.is_some_and(|size| size <= SMALL_WHEEL) {
            return Ok(None);
        }
        // Not every server knows what the last so many bytes are.
        let tail = match wheel.size {
            Some(size) => ByteRange::Bytes(size.saturating_sub(wheel_metadata::TAIL)..size),
            None => ByteRange::Tail(wheel_metadata::TAIL),
        };
        let Some(tail) =
            self.slice(wheel, &tail, query).await?.filter(|tail| tail.offset + tail.bytes.len() as u64 == tail.total)
        else {
            return Ok(None);
        };
        let wrong = |source| unreadable(wheel, source);
        let span = wheel_metadata::directory(&tail.bytes, tail.total).map_err(wrong)?;
        let directory = match usize::try_from(span.offset.wrapping_sub(tail.offset)) {
            Ok(start) if span.offset >= tail.offset => {
                let len = usize::try_from(span.len).expect("bounded when it was read");
                tail.bytes.slice(start..start + len)
            }
            _ if span.len == 0 => Bytes::new(),
            _ => match self.slice(wheel, &ByteRange::Bytes(span.offset..span.offset + span.len), query).await? {
                Some(piece) => piece.bytes,
                None => return Ok(None),
            },
        };
        let member = wheel_metadata::find_metadata(&directory, &project(wheel)?).map_err(wrong)?;
        let (from, to) = (member.span.offset, (member.span.offset + member.span.len).min(tail.total));
        if from >= to {
            return Err(wrong(wheel_metadata::ArchiveError::NotZip));
        }
        let Some(piece) = self.slice(wheel, &ByteRange::Bytes(from..to), query).await? else { return Ok(None) };
        wheel_metadata::unpack(&piece.bytes, &member).map(Some).map_err(wrong)
    }

    async fn slice(
        &self,
        wheel: &IndexFile,
        range: &ByteRange,
        query: &Query<'_>,
    ) -> Result<Option<Slice>, IndexError> {
        match slice(&self.client, &wheel.url, range, query).await {
            Ok(slice) => Ok(slice),
            // Whoever refuses a piece may give the whole.
            Err(error) if is_refusal(&error) => Ok(None),
            Err(error) => Err(lost(wheel, error)),
        }
    }

    async fn whole(&self, file: &IndexFile) -> Result<Bytes, IndexError> {
        let bytes = self.download(file, &Query::new(&*self.watcher, &file.file_name)).await?;
        if file.sha256.is_none() {
            wheel_metadata::metadata_of(&bytes, &project(file)?).map_err(|source| unreadable(file, source))?;
        }
        Ok(bytes)
    }

    async fn download(&self, file: &IndexFile, query: &Query<'_>) -> Result<Bytes, IndexError> {
        let ask = async || {
            let asked = document(&self.client, &file.url, "*/*", LONGEST_WHEEL, query).await;
            let bytes = asked.map_err(|error| lost(file, error))?;
            check(&file.file_name, file.sha256, &bytes).map(|()| bytes)
        };
        match ask().await {
            // A body without a length may have been cut.
            Err(IndexError::Mismatch { .. }) => ask().await,
            asked => asked,
        }
    }
}

fn lost(wheel: &IndexFile, error: DownloadError) -> IndexError {
    IndexError::Metadata { file_name: wheel.file_name.clone(), source: Arc::new(error) }
}

fn unreadable(wheel: &IndexFile, source: wheel_metadata::ArchiveError) -> IndexError {
    IndexError::Archive { file_name: wheel.file_name.clone(), source }
}

fn project(wheel: &IndexFile) -> Result<ProjectName, IndexError> {
    let name = WheelName::parse(&wheel.file_name);
    name.map(|name| name.name().clone()).map_err(|_| unreadable(wheel, wheel_metadata::ArchiveError::NotZip))
}

fn check(file_name: &str, stated: Option<Digest>, bytes: &[u8]) -> Result<(), IndexError> {
    let Some(expected) = stated else { return Ok(()) };
    let actual = Digest::of(Algorithm::Sha256, bytes);
    if actual == expected {
        return Ok(());
    }
    let (expected, actual) = (Box::new(expected), Box::new(actual));
    Err(IndexError::Mismatch { file_name: file_name.to_owned(), expected, actual })
}

fn is_status(error: &DownloadError, statuses: &[StatusCode]) -> bool {
    matches!(error.last(), DownloadError::Status { status, .. } if statuses.contains(status))
}

/// Whether the server answered and said no: asking in another way may help.
fn is_refusal(error: &DownloadError) -> bool {
    matches!(error.last(), DownloadError::Status { status, .. } if status.is_client_error() || status.is_server_error())
}
