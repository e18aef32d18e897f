//! Whatever configures a fetch: npm's and the other managers' files, `larder.toml`, where the project is, and the addresses that follow from all that.

pub mod address;
pub mod larder_toml;
pub mod npmrc;
pub mod project;
