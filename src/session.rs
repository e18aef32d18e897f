//! [`Session`]: what a program calls that has larder built in, and what every command stands on. A project, its configuration, the store and its fetcher, opened together;
//! no printing.
//!
//! ```text
//! path ──project──▶ read: lockfiles, plan, larder.lock ──configured──▶ + npm's configuration ──open──▶ Session: + store and fetcher
//! Session: downloads (of a selection) ─▶ fetch │ ensure │ find ─▶ metadata ─▶ view │ upstream (of the registry on loopback), replay (of the proxy)
//! ```
//!
//! What is remarkable and stops nothing comes as a [`Warning`], in the order in which it is found. `examples/embed.rs` is the shortest program.

mod bill;
mod configured;
mod freshness;
mod git_builds;
mod installer;
mod lock_rows;
mod locked;
mod open;
mod own_downloads;
mod project;
mod recorded;
mod recording;
mod replay;
mod restore;
mod selection;
mod settings;
mod upstream;
mod view;
mod warning;

pub use bill::Unread;
pub use configured::ConfiguredProject;
pub(crate) use freshness::runtimes;
pub use freshness::{NoLarderLock, OutdatedLock};
pub use git_builds::GitBuild;
pub(crate) use lock_rows::{LockedRows, NewContent, NewRow, RowFailure, RowProblem, RowsRequest, UnknownAddresses};
pub(crate) use locked::Locked;
pub use open::{OpenError, Session, SessionOptions};
pub use own_downloads::UnlockedDownload;
pub use project::{ReadError, ReadProject};
pub(crate) use project::{larder_lock, readings};
pub(crate) use recorded::{RecordedRows, TwoRecordings};
pub(crate) use recording::{Askers, Judged, NotRecorded, Recording, judge};
pub(crate) use replay::{Replay, TwoAnswers};
pub(crate) use restore::{RestoreError, RestoredFrom};
pub use selection::{SelectionOptions, UnknownPlatform, default_platforms, host_platforms};
pub use settings::FetchOptions;
pub(crate) use settings::{client_settings, jobs_or_default, threads, unplanned_fetcher};
pub(crate) use upstream::PullThrough;
pub use view::{NpmViewError, npm_cache_of};
pub use warning::Warning;
