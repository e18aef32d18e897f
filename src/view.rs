//! Views: a plan's files laid out for one kind of consumer. Derived, and never the truth.
//!
//! ```text
//! package versions ──npm_cache│tarballs│yarn_mirror──────┬─▶ layout, a value ──folder──▶ files on disk
//! larder.lock ──locked_files──▶ wheelhouse│pyodide::folder ┤
//! a completed plan ──context─────────────────────────────┘
//! ```

pub mod context;
pub mod error;
pub mod folder;
pub mod locked_files;
pub mod npm_cache;
pub mod protected;
pub mod pyodide_contents;
mod script_downloads;
pub mod tarballs;
pub mod wheelhouse;
pub mod yarn_mirror;
