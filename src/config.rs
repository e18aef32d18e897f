//! Whatever configures a fetch: the package managers' files and npm's variables, `larder.toml`, where the project is, and the addresses that follow from all that.
//!
//! ```text
//! project           finds the project and its lockfiles
//! larder_toml       larder.toml
//! package_manager   what npm, yarn, pnpm and bun are configured with, joined: [`package_manager::NpmConfig`]
//!   npmrc yarnrc pnpm_workspace bunfig      one file format each, read into npm's keys (settings)
//!   sources                                 which files count, in which order → layers
//!   registries credentials network npm_client      what the layers say
//! address           artifact + configuration → addresses
//! ```

pub mod address;
pub mod authorization;
mod bunfig;
pub mod client_identity;
mod credential_place;
mod credentials;
mod document;
pub mod error;
mod expand;
pub mod larder_toml;
mod layers;
pub mod network;
pub mod npm_client;
pub mod npmrc;
pub mod package_manager;
mod pnpm_workspace;
pub mod precedence;
pub mod project;
pub mod registries;
mod settings;
pub mod sources;
mod yarnrc;
