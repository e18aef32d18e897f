//! [`Fetcher`]: downloads what a plan names and the store lacks. It joins the plan, the configuration, the store and the HTTP client, lives as long as its session, and
//! serves many threads at once.
//!
//! ```text
//! 1 downloads.rs     plan + selection → one download for each file
//! 2 fetch.rs         looks all of them up in the store: present │ missing
//! 3 planned.rs       missing download + configuration → job.rs: addresses, keys, what the bytes must be (refetch.rs: from a receipt)
//! 4 schedule.rs      runs the jobs of one call, several at once; batch.rs: what they share
//! 5 flights.rs       single flight: one download of a file at a time in this process
//! 6 download_job.rs  one job: digest (packuments.rs), download lock, address, bytes → sink.rs → the store's committer, which all calls share
//! 7 completed.rs     reads the blobs that were there before, and compares them with the lockfile's digests
//!   report.rs        the result; failure.rs, not_found.rs, gone.rs: its failures; watch.rs: events on the way
//! ```
//!
//! - Sources other than HTTP: `local.rs` (a file of this machine), `archive.rs` (a release archive, by `pipe_sink.rs` and `extracted.rs`).
//! - Files whose digest nobody states yet, for `larder.lock`: `first_fetch.rs`.
//! - Trust on first use: where nobody states a digest, `first_bytes.rs` checks that the bytes are a package, and the store records their digest.
//! - The canonical tar of a git commit: `first_bytes/repack.rs` writes it, since a forge's archive of a commit changes from time to time.
//!
//! The HTTP client and the committer are made for the first missing file and then kept (engine.rs). A failed download does not stop the others, unless the store itself
//! cannot go on. No printing: a [`Watcher`] gets events.

mod archive;
mod batch;
mod blocking;
mod checked_files;
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
mod first_fetch;
mod flights;
mod gone;
mod job;
mod local;
mod manager_hints;
mod nameless_sink;
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

pub(crate) use checked_files::CheckedFiles;
pub use completed::{Completed, Reader, Repaired, Stored};
pub(crate) use credentials::{credential, identity_of};
pub use downloads::{Download, Downloads, LeftOut, Optional};
pub use error::FetchError;
pub use failure::{Failure, FailureKind, Fault, HELD};
pub use fetch::Fetcher;
pub use first_fetch::{Came, FirstFetch, FirstFetchError, FirstFetched};
pub use gone::Gone;
pub use report::FetchReport;
pub use settings::FetchSettings;
pub use watch::{Unwatched, WatchEvent, Watcher};
