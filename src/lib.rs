//! larder: a content-addressed pre-build fetch cache for npm and Pyodide.
//!
//! Lockfiles are read into artifacts, artifacts into a plan; a plan is fetched into a store, and the store feeds builds. Each module is one room; a room imports
//! only from rooms that stand below it here, which `tests/boundaries.rs` checks. `docs/architecture.md` says how they fit.

#[cfg(any(test, fuzzing))]
pub mod properties;

pub mod commands;

pub mod cli;

pub mod ui;

pub mod session;

pub mod share;

pub(crate) mod buildkit;

pub(crate) mod run;

pub(crate) mod isolation;

pub(crate) mod proxy;

pub(crate) mod registry;

pub(crate) mod loopback;

pub mod view;

pub mod fetcher;

pub mod npm;

pub mod pyodide;

pub mod http;

pub mod config;

pub mod sbom;

pub mod plan;

pub mod lockfile;

pub mod python;

pub mod archive;

pub(crate) mod adoption;
mod dockerfile;

pub mod core;
