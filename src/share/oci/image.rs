//! The documents of an image: config, manifest, index. Pure.
//!
//! Their form is that of the OCI image specification 1.1. A document depends on what it names alone: no time, no host, members in a fixed order. So the same layers have the
//! same manifest, and a registry that has it is sent nothing.

mod descriptor;
mod read;
mod write;

pub use descriptor::{
    Annotations, CONFIG, DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, INDEX, MANIFEST, PLAN_ANNOTATION, Packing,
    Platform, PlatformError, TAR,
};
pub use read::{Document, DocumentError, Index, MOST_DOCUMENT_BYTES, Manifest};
pub use write::{config, index, manifest};

#[cfg(test)]
mod tests;
