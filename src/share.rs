//! Sharing what a store has: with a machine that has no network, and with the next one that starts empty. Nothing that comes from elsewhere is believed.
//!
//! ```text
//! archive.rs     a seed in a tar: `larder export`, `larder import`
//! oci.rs         a build context as an OCI image in a registry
//! ```

pub(crate) mod archive;
pub mod oci;
