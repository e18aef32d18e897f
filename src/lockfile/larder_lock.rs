//! `larder.lock`: what a project needs and no package manager's lockfile names: every file of its Pyodide, and what its packages and scripts download.
//! Each with its digest and why it is there. Read and written; made for review in a diff.
//!
//! ```toml
//! version = 1
//! requested = ["black"]
//!
//! [runtime]
//! version = "0.28.3"
//! python = "3.13.2"
//! abi_version = "2025_0"
//! platform = "emscripten_4_0_9"
//! integrity = "sha512-…"
//!
//! [base]
//! file_name = "pyodide-lock.json"
//! sha256 = "…"
//!
//! [[package]]
//! name = "black"
//! version = "26.5.1"
//! source = "index"
//! file_name = "black-26.5.1-py3-none-any.whl"
//! path = "packages/…/black-26.5.1-py3-none-any.whl"
//! sha256 = "…"
//! size = 206123
//! depends = ["click"]
//! why = ["larder.toml"]
//! ```
//!
//! With what was recorded, `version` is 2, and there are besides, or alone:
//!
//! ```toml
//! [[download]]
//! url = "https://files.registry.example/v1.2.3/program-linux-x64.zip"
//! sha256 = "…"
//! size = 41943040
//! content_type = "application/zip"
//! os = "linux"
//! cpu = "x64"
//! by = ["program@1.2.3"]
//! trust = "first-use"
//!
//! [[absent]]
//! url = "https://files.registry.example/v1.2.3/program-linux-x64.zip.sha256"
//! status = 404
//! by = ["program@1.2.3"]
//! ```
//!
//! Invariants: packages are sorted by name, each name once; `depends` is normalised, sorted, and names packages of the file; downloads and absences are sorted
//! by address, each address once; the same value is the same bytes. No time, no secret and nothing of the machine is in it.

mod download;
#[cfg(test)]
mod download_tests;
mod entries;
mod error;
mod lock;
mod read;
mod read_rows;
#[cfg(test)]
mod tests;
mod write;
mod write_rows;

pub use download::{
    AbsentStatus, InlineBody, LONGEST_INLINE, MediaType, PlatformWord, RecordedAbsence, RecordedContent,
    RecordedDownload, RecordedLibc, RecordedPlatform, Requester, ScriptName, Trust,
};
pub use entries::RUNTIME_PACKAGE;
pub(super) use entries::entries;
pub use error::LockFileError;
pub use lock::{Asker, LarderLock, LockedBase, LockedPackage, LockedRuntime, LockedSource, MOST_ROWS, PyodideLock};

/// The file's name, beside `larder.toml`.
pub const LARDER_LOCK: &str = "larder.lock";
