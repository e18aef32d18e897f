//! A build context as an OCI image in a registry: a build mounts it without a network, and a store takes from it what it lacks.
//!
//! ```text
//! Layout ──layers──▶ a few uncompressed tars ──digest──▶ descriptors ──image──▶ config, manifest, index ──client──▶ registry
//!                                                                                                                    │
//! blobs that a store lacks ◀──Range── offsets, from receipts alone ◀──seed── the layer with receipts ◀──image── manifest
//! ```
//!
//! ```text
//! digest        `sha256:…`, and a writer that computes it
//! tar_form      the bytes of a tar around its files
//! layers        which file is in which layer, and where: a rule that pusher and puller share
//! store_blobs   blobs of a store, verified while they are read
//! seed          what a puller reads of layers: receipts and rows, or a layer that is not as the rule says
//! image         config, manifest and index: written, and read
//! reference     `oci://host/repository:tag`
//! credentials   Docker's and Podman's files and helpers
//! client        the registry's API
//! remote        a repository as a place that plans are shared in: push, and what a store takes from it
//! ```
//!
//! Layers, documents and references are pure. Same input, same bytes: who pushes what a registry has transfers nothing but questions.

pub mod client;
pub mod credentials;
pub mod digest;
pub mod error;
pub mod image;
pub mod layers;
#[cfg(test)]
mod mock;
pub mod reference;
pub(crate) mod remote;
pub mod seed;
pub mod store_blobs;
mod tar_form;
