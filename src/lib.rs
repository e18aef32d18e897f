//! larder: a content-addressed pre-build fetch cache for npm and Pyodide.
//!
//! Lockfiles are read into artifacts, artifacts into a plan; a plan is fetched into a store. `docs/architecture.md` says how.

pub mod address;
pub mod artifact;
pub mod cli;
pub mod commands;
pub mod endpoints;
pub mod environment;
pub mod fetch;
pub mod fill;
pub mod larder_toml;
pub mod lockfile;
pub mod npmrc;
pub mod plan;
pub mod project;
pub mod pyodide;
pub mod redacted;
pub mod selection;
pub mod ui;
pub mod view;
