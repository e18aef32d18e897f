//! What npm has to be given of a plan: package metadata, packuments, and what stands in a tarball.

pub mod metadata;
pub mod packument;
pub mod tarball;
