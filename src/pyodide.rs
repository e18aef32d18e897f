//! Pyodide: which files a project's browser needs, pinned and verified, without running Python.
//!
//! Values and pure functions; what is read from disk or network is given to them. [`index::client`] alone asks the network.
//!
//! ```text
//! requirements ─┐
//! base lock ────┼─ resolve ─▶ larder.lock ─▶ plan ─▶ fetch ─▶ store ─▶ folder that loads offline
//! index ────────┘
//! ```

pub mod cycles;
pub mod distribution;
pub mod folder;
mod folder_lock;
pub mod from_resolution;
pub mod index;
pub mod lint;
pub mod resolve;
pub mod runtime_files;
#[cfg(test)]
pub(crate) mod testing;
pub mod wheel;
