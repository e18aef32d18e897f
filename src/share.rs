//! Sharing what a store has: with a machine that has no network, and with the next one that starts empty. Nothing that comes from elsewhere is believed.
//!
//! ```text
//! archive.rs     a seed in a tar: `larder export`, `larder import`
//! ```

pub(crate) mod archive;
