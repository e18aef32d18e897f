//! [`Session`]: opened from a path, it gives the selection, the downloads, and what of them is in the store.

use std::{path::Path, sync::Arc, time::Instant};

use jiff::Timestamp;
use larder_store::{Store, StoreError, key::BlobRef, rate::DownloadRate};

use super::{
    configured::ConfiguredProject,
    git_builds::git_builds,
    project::{ReadError, ReadProject},
    selection::{SelectionOptions, UnknownPlatform},
    settings::{FetchOptions, fetch_settings},
    warning::Warning,
};
use crate::{
    config::error::ConfigError,
    core::environment::Environment,
    fetcher::{
        CheckedFiles, Completed, Downloads, FetchError, FetchReport, Fetcher, FirstFetch, FirstFetched, LeftOut,
        Reader, WatchEvent, Watcher,
    },
    http::ClientSettings,
    npm::metadata::{Metadata, MetadataError},
    plan::{
        Plan, Planned,
        selection::{Platforms, Selection},
    },
    share::reference::Reference,
};

/// From so many bytes on, a download has a rate: 4 MiB.
const RATED: u64 = 4 << 20;

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The project cannot be read or planned.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// npm's configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// What a session is opened with, besides the project.
#[derive(Debug)]
pub struct SessionOptions<'a> {
    /// Where configuration is looked for.
    pub environment: &'a Environment,
    /// The store.
    pub store: Store,
    /// How what is missing is fetched.
    pub fetch: FetchOptions,
    /// The time that is noted.
    pub now: Timestamp,
}

/// A project, its configuration, the store and its fetcher. Cheap to clone; clones share the project, connections and look-ups.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) project: Arc<ConfiguredProject>,
    fetcher: Fetcher,
    pub(super) is_offline: bool,
    /// The places that are asked before the registries, where they do not stand in `larder.toml`.
    pub(super) from: Arc<[Reference]>,
    pub(super) now: Timestamp,
}

impl Session {
    /// Reads the project in this folder, or of this lockfile, and its configuration. Nothing is asked or fetched yet.
    pub fn open(path: &Path, options: SessionOptions<'_>, warn: &mut dyn FnMut(Warning)) -> Result<Self, OpenError> {
        let read = ReadProject::read(path)?;
        read.warnings().into_iter().chain(read.lock_warnings()).for_each(&mut *warn);
        let project = ConfiguredProject::new(read, options.environment, options.fetch.trusts_project, warn)?;
        Ok(Self::of(Arc::new(project), options.store, &options.fetch, options.now))
    }

    /// The session of a project that was read and configured before the store was opened.
    pub fn of(project: Arc<ConfiguredProject>, store: Store, options: &FetchOptions, now: Timestamp) -> Self {
        let settings = fetch_settings(options, &project.read.project.settings, &project.configurations, now);
        let fetcher = Fetcher::new(store, project.configurations.clone(), settings);
        Self { project, fetcher, is_offline: options.is_offline, from: options.from.as_slice().into(), now }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.fetcher.store()
    }

    /// The large files that were read whole.
    pub(super) fn checked_files(&self) -> &CheckedFiles {
        self.fetcher.checked_files()
    }

    /// How requests are made.
    pub(crate) fn client_settings(&self) -> &ClientSettings {
        self.fetcher.client_settings()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.project.read.plan
    }

    /// Which part of the plan is wanted. `default` are the platforms where nobody names one.
    pub fn selection(&self, options: &SelectionOptions, default: Platforms) -> Result<Selection, UnknownPlatform> {
        self.project.read.selection(options, default)
    }

    /// The downloads of the selected part of the plan, and how much was not selected.
    pub fn downloads(&self, selection: &Selection) -> (Downloads<'_>, LeftOut) {
        self.project.downloads(selection)
    }

    /// Sees to it that the store has these files. What was there before is not read.
    pub fn fetch(&self, downloads: &Downloads<'_>, watcher: &Arc<dyn Watcher>) -> Result<FetchReport, FetchError> {
        let start = Instant::now();
        let report = self.fetcher.fetch(downloads, watcher);
        watcher.event(WatchEvent::Over);
        if let Ok(report) = &report {
            self.note_rate(report, start);
        }
        report
    }

    /// Sees to it that the store has these files and that they are sound. What is missing after that is in the result.
    pub fn ensure<'a>(
        &self,
        downloads: &Downloads<'a>,
        watcher: &Arc<dyn Watcher>,
        reader: Reader,
    ) -> Result<Completed<'a>, FetchError> {
        let start = Instant::now();
        let completed = self.fetcher.ensure(downloads, watcher, reader);
        watcher.event(WatchEvent::Over);
        if let Ok(completed) = &completed {
            self.note_rate(&completed.report, start);
        }
        completed
    }

    /// What little was downloaded says nothing of the rate.
    fn note_rate(&self, report: &FetchReport, start: Instant) {
        if report.received >= RATED {
            self.store()
                .note_download_rate(DownloadRate { bytes: report.received, seconds: start.elapsed().as_secs_f64() });
        }
    }

    /// Fetches files whose digests nobody has written down yet.
    pub(crate) fn first_fetch(
        &self,
        files: &[FirstFetch],
        watcher: &Arc<dyn Watcher>,
    ) -> Result<Vec<FirstFetched>, FetchError> {
        if files.is_empty() { Ok(Vec::new()) } else { self.fetcher.first_fetch(files, watcher) }
    }

    /// Sees to it that the store has a few files for which somebody waits, and that they are sound.
    pub(super) fn pull<'a>(&self, downloads: &Downloads<'a>) -> Result<Completed<'a>, FetchError> {
        self.fetcher.pull(downloads)
    }

    /// What of these files is in the store. Nothing is fetched, and nothing is read.
    pub fn find<'a>(&self, downloads: &Downloads<'a>) -> Result<Completed<'a>, StoreError> {
        self.fetcher.find(downloads)
    }

    /// Warns of those of these files that are built when they are installed.
    pub(crate) fn git_builds<'a>(&self, files: impl Iterator<Item = (&'a Planned, BlobRef)>) -> Option<Warning> {
        let builds = git_builds(self.store(), files);
        (!builds.is_empty()).then_some(Warning::GitBuilds(builds))
    }

    /// The metadata of all packages of the plan, with what of it is here.
    pub fn metadata(&self, completed: &Completed<'_>) -> Result<Metadata, MetadataError> {
        let read = &self.project.read;
        let present = completed.items.iter().map(|item| (item.planned, item.found));
        Metadata::new(self.store(), read.plan.artifacts(), present, &self.project.by_lockfile(), read.manifests())
    }
}
