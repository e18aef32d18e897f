//! Pyodide: which files a project's browser needs, pinned and verified, without running Python.
//!
//! Values and pure functions; what is read from disk or network is given to them. [`index::client`] alone asks the network.
//!
//! ```text
//! requirements ─┐
//! base lock ────┼─ resolve ─▶ larder.lock ─▶ plan ─▶ fetch ─▶ store ─▶ folder that loads offline
//! index ────────┘
//! ```

pub mod check;
pub mod compose;
pub mod core;
pub mod cycles;
pub mod distribution;
pub mod folder;
pub mod index;
pub mod pruned;
pub mod resolve;
#[cfg(test)]
pub(crate) mod testing;
pub mod wheel;
