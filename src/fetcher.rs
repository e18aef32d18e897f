//! [`Fetcher`]: sees to it that the store has what a plan names. Joins the plan, the configuration, the store and the HTTP client; lives as long as its session, and
//! serves many threads at once.
//!
//! ```text
//! plan + selection ─▶ downloads (downloads.rs), one for each file ─▶ store's look-up ─▶ here │ missing
//! missing + configuration ─▶ jobs ─▶ schedule.rs: some at once ─▶ download_job.rs: one ─▶ PartSink ─▶ committer, which all share
//! ```
//!
//! What costs time to make is made when the first file is missing, and kept (engine.rs). However many ask for one file at once, it is downloaded once
//! (flights.rs). Whatever happens to one download does not stop the others, unless the store itself cannot go on. No printing: a [`Watcher`] is told.

mod archive;
mod batch;
mod blocking;
mod completed;
mod credentials;
mod download_job;
mod downloads;
mod engine;
mod error;
mod extracted;
mod failure;
mod fetch;
mod first_bytes;
mod flights;
mod gone;
mod job;
mod local;
mod manager_hints;
mod not_found;
mod packuments;
mod pipe_sink;
mod planned;
mod refetch;
mod report;
mod schedule;
mod settings;
mod sink;
mod watch;

pub use completed::{Completed, Reader, Repaired, Stored};
pub(crate) use credentials::{credential, identity_of};
pub use downloads::{Download, Downloads, LeftOut, Optional};
pub use error::FetchError;
pub use failure::{Failure, FailureKind, Fault, HELD};
pub use fetch::Fetcher;
pub use gone::Gone;
pub use report::FetchReport;
pub use settings::FetchSettings;
pub use watch::{Unwatched, WatchEvent, Watcher};
