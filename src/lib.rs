//! larder: a content-addressed pre-build fetch cache for npm and Pyodide.
//!
//! Lockfiles are read into artifacts, artifacts into a plan; a plan is fetched into a store. `docs/architecture.md` says how.

pub mod artifact;
pub mod fetch;
