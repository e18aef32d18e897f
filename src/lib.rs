//! larder: a content-addressed pre-build fetch cache for npm and Pyodide.
//!
//! Lockfiles are read into artifacts, artifacts into a plan; a plan is fetched into a store, and the store feeds builds. `docs/architecture.md` says how.

pub mod address;
pub mod artifact;
pub mod bounded_tar;
pub mod buildkit;
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod endpoints;
pub mod environment;
pub mod executable;
pub mod fetch;
pub mod fill;
pub mod interrupt;
pub mod larder_toml;
pub mod lockfile;
pub mod manifest;
pub mod npmrc;
pub mod open_files;
pub mod packument;
pub mod plan;
pub mod project;
pub mod pyodide;
pub mod redacted;
pub mod registry;
pub mod run;
pub mod scratch;
pub mod selection;
pub mod shown;
pub mod supply;
pub mod tarball;
pub mod ui;
pub mod view;
