//! The first fetch of files for `larder.lock`: nobody has their digests yet, or something beside them states one. A file is written to a nameless file while it is hashed, compared with what is
//! stated, and only then taken into the store, under its sha256. So nothing is remembered by its address, and what a server has today is what is written down today.
//!
//! Requests are those of recorded downloads: without credentials, and not led to private hosts.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    sync::{Arc, Mutex, PoisonError},
};

use larder_store::{
    StoreError,
    digest::{Digest, Integrity},
    download_lock::DownloadLock,
    key::Wanted,
    lookup::Lookup,
    part::Sealed,
    receipt::Origin,
};
use tokio::{task::JoinSet, time::sleep};

use super::{
    batch::Batch,
    blocking::blocking,
    error::FetchError,
    failure::Fault,
    fetch::Fetcher,
    local,
    nameless_sink::{NamelessSink, Written},
    schedule::{BUSY_STEP, interrupted},
    sink::PartSink,
    watch::{FileProgress, WatchEvent, Watcher},
};
use crate::{
    core::{artifact::Ecosystem, interrupt, recorded_url::RecordedUrl},
    http::{DownloadError, Event, Progress, RedactedUrl, Request, SinkError, download},
};

/// What a web page says of itself. Where a file should be, one is a sign-in page or an error.
const PAGE: &str = "text/html";

/// A file to fetch.
#[derive(Clone, Debug)]
pub struct FirstFetch {
    /// Where it is.
    pub url: RecordedUrl,
    /// The package that asks for it: name and version.
    pub package: (String, String),
    /// The digest that is stated of it.
    pub expected: Option<Digest>,
    /// Whether there is a row of it: then the store's file will do. What a new row says is what the server says, whatever the store has.
    pub has_row: bool,
    /// Whether a command named the address, so that a server in a private network is not asked.
    pub is_named_by_command: bool,
    /// An answer of at most so many bytes is given back and not stored.
    pub longest_answer: Option<usize>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Its digest.
    pub sha256: Digest,
    /// Its length, bytes.
    pub size: u64,
    /// The `Content-Type`, if the server was asked and said one.
    pub content_type: Option<String>,
    /// The bytes, if they are an answer and not in the store.
    pub answer: Option<Vec<u8>>,
}

/// Why there is no file.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FirstFetchError {
    /// It cannot be downloaded.
    #[error(transparent)]
    Download(Arc<DownloadError>),
    /// Its bytes are others than is stated.
    #[error("expected sha256 {}, got {}", expected.to_hex(), actual.to_hex())]
    Mismatch {
        /// What is stated.
        expected: Box<Digest>,
        /// What came.
        actual: Box<Digest>,
    },
    /// A web page came.
    #[error("what came is a web page, and not a file")]
    Page,
    /// The store does not take it.
    #[error(transparent)]
    Store(Arc<StoreError>),
}

impl FirstFetchError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Download(error) if matches!(error.last(), DownloadError::Sink { .. }) => Fault::Store,
            Self::Download(error) if error.is_network() => Fault::Network,
            Self::Store(_) => Fault::Store,
            Self::Download(_) | Self::Mismatch { .. } | Self::Page => Fault::Data,
        }
    }

    /// The status that the server refused it with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Download(error) => match error.last() {
                DownloadError::Status { status, .. } => Some(status.as_u16()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What became of one file.
pub type FirstFetched = Result<Came, FirstFetchError>;

impl Fetcher {
    /// Fetches these files, each from its address. What becomes of each comes in their order. Those that have a row and are in the store are not asked for.
    pub fn first_fetch(
        &self,
        files: &[FirstFetch],
        watcher: &Arc<dyn Watcher>,
    ) -> Result<Vec<FirstFetched>, FetchError> {
        let expected: Vec<Wanted> = files.iter().filter_map(known).map(wanted).collect();
        let (look_up, _) = self.look_for(&expected)?;
        let mut became: Vec<Option<FirstFetched>> = files.iter().map(|file| here(&look_up, file).map(Ok)).collect();
        if became.iter().all(Option::is_some) {
            return Ok(became.into_iter().flatten().collect());
        }
        let engine = self.engine(look_up)?;
        // Each file is waited for: see `keep`.
        let batch = Arc::new(Batch::new(&engine, std::iter::empty(), true, watcher));
        let missing = became.iter().filter(|became| became.is_none()).count();
        watcher.event(WatchEvent::Missing { files: missing });
        let came_before = interrupt::came();
        engine.block_on(async {
            tokio::select! {
                () = all(&batch, files, &mut became) => Ok(()),
                () = interrupted(came_before) => Err(FetchError::Interrupted),
            }
        })?;
        let stopped = |became: &Option<FirstFetched>| match became {
            Some(Err(FirstFetchError::Store(error))) if error.is_fatal() => Some(FetchError::Store(error.again())),
            _ => None,
        };
        if let Some(error) = became.iter().find_map(stopped) {
            return Err(error);
        }
        Ok(became.into_iter().map(|became| became.expect("each was fetched")).collect())
    }
}

fn wanted(sha256: Digest) -> Wanted {
    Wanted::Integrity(Integrity::from(sha256))
}

/// The digest of a file that has a row.
fn known(file: &FirstFetch) -> Option<Digest> {
    file.expected.filter(|_| file.has_row)
}

/// A file that has a row and that the store has.
fn here(look_up: &Lookup, file: &FirstFetch) -> Option<Came> {
    let sha256 = known(file)?;
    let found = look_up.find(&wanted(sha256))?;
    Some(Came { sha256, size: found.size, content_type: None, answer: None })
}

async fn all(batch: &Arc<Batch>, files: &[FirstFetch], became: &mut [Option<FirstFetched>]) {
    let mut running = JoinSet::new();
    for (place, file) in files.iter().enumerate().filter(|(place, _)| became[*place].is_none()).collect::<Vec<_>>() {
        let (batch, file) = (Arc::clone(batch), file.clone());
        running.spawn(async move {
            let came = one(&batch, &file, place as u64).await;
            batch.watcher.event(WatchEvent::Ended { file: place as u64 });
            (place, came)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (place, came) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        became[place] = Some(came);
    }
    let engine = Arc::clone(&batch.engine);
    blocking(move || engine.committer.settle()).await;
}

async fn one(batch: &Arc<Batch>, file: &FirstFetch, number: u64) -> FirstFetched {
    let _permit = batch.engine.permits.acquire().await.expect("nobody closes it");
    let store = batch.engine.store.clone();
    let nameless = blocking(move || store.nameless_file()).await.map_err(in_store)?;
    let (name, version) = &file.package;
    let progress = Arc::new(TypedProgress {
        inner: batch.progress(Some((number, format!("{name} {version}").trim_end().into()))),
        content_type: Mutex::default(),
    });
    let request = Request { url: file.url.as_url().clone(), is_checked: false };
    let sink = NamelessSink::new(nameless);
    let client = &batch.engine.client;
    let client = if file.is_named_by_command { client.stranger() } else { client.anonymous() };
    let written = download(&client, &request, sink, Arc::clone(&progress) as _).await;
    let written = written.map_err(refused)?;
    let content_type = progress.content_type.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(expected) = file.expected.filter(|expected| *expected != written.sha256) {
        return Err(FirstFetchError::Mismatch { expected: expected.into(), actual: written.sha256.into() });
    }
    let is_page = content_type.as_deref().is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(PAGE));
    if is_page && file.expected.is_none() {
        return Err(FirstFetchError::Page);
    }
    let Written { sha256, size, .. } = written;
    let is_answer = file.longest_answer.is_some_and(|longest| size <= longest as u64);
    let answer = if is_answer {
        Some(blocking(move || read(written.file)).await.map_err(|error| in_store_of(batch, error))?)
    } else {
        keep(batch, file, written).await?;
        None
    };
    Ok(Came { sha256, size, content_type, answer })
}

/// Takes a file into the store, and waits until it is published.
async fn keep(batch: &Arc<Batch>, file: &FirstFetch, written: Written) -> Result<(), FirstFetchError> {
    let engine = &batch.engine;
    let origin = Origin {
        ecosystem: Ecosystem::Download.name().to_owned(),
        name: file.package.0.clone(),
        version: file.package.1.clone(),
        address: Some(file.url.to_string()),
        identity: None,
    };
    let origins: Arc<[Origin]> = [origin].into();
    let kept = Arc::new(written);
    let mut stall = engine.look_up.stall(&wanted(kept.sha256));
    let sealed = loop {
        let (engine, origins) = (Arc::clone(engine), Arc::clone(&origins));
        let (kept, url) = (Arc::clone(&kept), file.url.as_url().clone());
        let lock = blocking(move || -> Result<Claimed, FirstFetchError> {
            match DownloadLock::acquire(&engine.look_up, &wanted(kept.sha256), None, origins).map_err(in_store)? {
                DownloadLock::Present(_) => Ok(Claimed::Present),
                DownloadLock::Busy => Ok(Claimed::Busy),
                DownloadLock::Acquired(part) => {
                    let shown = RedactedUrl::new(&url);
                    let unread = |source| DownloadError::Sink { url: shown.clone(), source: SinkError::new(source) };
                    let mut source = kept.file.try_clone().map_err(|error| refused(unread(error)))?;
                    source.seek(SeekFrom::Start(0)).map_err(|error| refused(unread(error)))?;
                    let sink = PartSink::new(part, None);
                    let sealed = local::pour((source, kept.size), unread, &url, sink, &Quiet).map_err(refused)?;
                    Ok(Claimed::Sealed(Box::new(sealed)))
                }
            }
        });
        match lock.await? {
            Claimed::Present => return Ok(()),
            Claimed::Sealed(sealed) => break sealed,
            Claimed::Busy => match stall.given_up() {
                Some(error) => return Err(in_store(error)),
                None => sleep(BUSY_STEP).await,
            },
        }
    };
    let published = batch.submit(*sealed, ()).await;
    published.await.expect("the committer tells what becomes of each file").map(|_| ()).map_err(in_store)
}

enum Claimed {
    Present,
    Busy,
    Sealed(Box<Sealed>),
}

fn in_store(error: StoreError) -> FirstFetchError {
    FirstFetchError::Store(Arc::new(error))
}

fn in_store_of(batch: &Batch, source: io::Error) -> FirstFetchError {
    in_store(StoreError::Io { action: "read", path: batch.engine.store.root().to_owned(), source })
}

/// Why a download failed; the store's own error as that.
fn refused(error: DownloadError) -> FirstFetchError {
    let of_store = match error.last() {
        DownloadError::Sink { source, .. } => source.downcast_ref().map(StoreError::again),
        _ => None,
    };
    of_store.map_or_else(|| FirstFetchError::Download(Arc::new(error)), in_store)
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The progress of a file, which keeps what its server calls it.
struct TypedProgress {
    inner: FileProgress,
    content_type: Mutex<Option<String>>,
}

impl Progress for TypedProgress {
    fn event(&self, event: Event<'_>) {
        if let Event::ContentType(kind) = event {
            *self.content_type.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind.to_owned());
        }
        self.inner.event(event);
    }
}

/// The file was counted as it came.
struct Quiet;

impl Progress for Quiet {
    fn event(&self, _event: Event<'_>) {}
}
