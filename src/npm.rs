//! What npm has to be given of a plan: package metadata, packuments, and what stands in a tarball.

pub mod metadata;
mod package_version;
pub mod packument;
pub mod tarball;

pub use package_version::PackageVersion;
