//! `larder.lock`: every file that a project's Pyodide needs, with its digest and why it is there. Read and written; made for review in a diff.
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
//! Invariants: packages are sorted by name, each name once; `depends` is normalised, sorted, and names packages of the file; the same value is the same
//! bytes. No time, no secret and nothing of the machine is in it.

mod entries;
mod error;
mod lock;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use entries::RUNTIME_PACKAGE;
pub(super) use entries::entries;
pub use error::LockFileError;
pub use lock::{Asker, LarderLock, LockedBase, LockedPackage, LockedRuntime, LockedSource};

/// The file's name, beside `larder.toml`.
pub const LARDER_LOCK: &str = "larder.lock";
