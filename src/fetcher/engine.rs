//! [`Engine`]: the HTTP client, the committer and the limits that downloads use. It is made for the first missing file, so a run that finds every file in the store
//! does not pay for it, and then kept, so the next missing file costs only its request.

use std::{fmt, sync::Arc};

use larder_store::{Store, commit::Committer, lookup::Lookup};
use tokio::{runtime::Runtime, sync::Semaphore};

use super::{
    credentials::KnownCredentials, error::FetchError, flights::SingleFlight, job::Job, settings::FetchSettings,
};
use crate::{config::package_manager::NpmConfig, core::open_files, http::Client};

/// The client with its connections and look-ups, the committer, and the threads of both.
pub(super) struct Engine {
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
    pub(super) client: Client,
    credentials: Arc<KnownCredentials>,
    pub(super) committer: Committer,
    pub(super) look_up: Arc<Lookup>,
    pub(super) flights: SingleFlight,
    /// One for each download that may be under way at once.
    pub(super) permits: Semaphore,
    pub(super) jobs: usize,
    pub(super) store: Store,
    /// The longest file that is taken, and that is unpacked. Bytes.
    pub(super) longest: u64,
    pub(super) configurations: Arc<[NpmConfig]>,
}

impl Engine {
    pub(super) fn start(
        store: &Store,
        look_up: Arc<Lookup>,
        configurations: &Arc<[NpmConfig]>,
        settings: &FetchSettings,
    ) -> Result<Self, FetchError> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores)
            // Hashing and writing: more threads than cores only take turns. Two more, for name look-ups and waits on the disk.
            .max_blocking_threads(cores + 2)
            .thread_name("larder-fetcher")
            .enable_all()
            .build()
            .map_err(FetchError::Runtime)?;
        let credentials = Arc::new(KnownCredentials::new(Arc::clone(configurations)));
        let client = Client::new(settings.client.clone(), Arc::clone(&credentials) as _)?;
        let jobs = settings.jobs.min(open_files::affordable_jobs()).max(1);
        Ok(Self {
            runtime: Some(runtime),
            client,
            credentials,
            committer: Committer::start(&look_up, settings.now),
            look_up,
            flights: SingleFlight::default(),
            permits: Semaphore::new(jobs),
            jobs,
            store: store.clone(),
            longest: settings.client.max_bytes,
            configurations: Arc::clone(configurations),
        })
    }

    /// Learns with which credentials these are asked for.
    pub(super) fn know<'a>(&self, jobs: impl Iterator<Item = &'a Job> + Clone) -> Result<(), FetchError> {
        for npm in &*self.configurations {
            let asked = jobs.clone().flat_map(|job| job.addresses.iter().map(|it| &it.url).chain(&job.packument));
            npm.ask_token_helpers(asked)?;
        }
        self.credentials.know(jobs);
        Ok(())
    }

    /// Runs what is to be done on the engine's threads until it has ended. Many threads may, at once.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("it is there until the engine is dropped").block_on(work)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Hashing that is under way ends with its batch; nobody waits for it.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("client", &self.client).field("jobs", &self.jobs).finish_non_exhaustive()
    }
}
