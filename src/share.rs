//! Sharing what a store has: with a machine that has no network, and with the next one that starts empty. Nothing that comes from elsewhere is believed.
//!
//! ```text
//! archive.rs     a seed in a tar: `larder export`, `larder import`
//! oci.rs         a build context as an OCI image in a registry
//! object.rs      a plan's blobs in an object store
//! reference.rs   where: `s3://…` and its like
//! remote.rs      what both have in common
//! restore.rs     what a store lacks, from a remote
//! ```

pub(crate) mod archive;
pub mod object;
pub mod oci;
pub mod reference;
pub(crate) mod remote;
pub(crate) mod restore;
