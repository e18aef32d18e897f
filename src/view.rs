//! Views: a plan's files laid out for one kind of consumer. Derived, and never the truth.
//!
//! ```text
//! offers ──npm_cache│tarballs─────────────────────┬─▶ layout, a value ──folder──▶ files on disk
//! larder.lock ──stock──▶ wheelhouse│pyodide::folder ┤
//! supply ──context────────────────────────────────┘
//! ```

pub(crate) mod carry;
pub mod context;
pub mod error;
pub mod folder;
pub mod guard;
pub mod inspect;
pub mod npm_cache;
pub mod stock;
pub mod tarballs;
pub mod wheelhouse;
pub mod yarn_mirror;
