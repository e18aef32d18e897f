//! Configuration of a fetch: the package managers' files and variables, `larder.toml`, the project's folder, and the addresses that follow from them.
//!
//! ```text
//! question                                        decided in
//! where the project and its lockfiles are         project
//! what larder.toml says                           larder_toml
//! which files and variables count, in what order  sources → layers (precedence: the levels, which are levels of trust too)
//! how one file is read into npm's keys            npmrc yarnrc pnpm_workspace bunfig → settings (document: YAML; expand: ${VARIABLE})
//! which registry a package comes from             registries
//! which secret is for which addresses             credentials (credential_place: the scope of a secret; client_identity: mTLS)
//! which request gets which credentials            package_manager; applied in fetcher/credentials.rs; carried in authorization
//! how servers are reached and trusted             network
//! what the npm command itself does                npm_client
//! which versions of node a project runs on         node_versions
//! which addresses an artifact has                 address (asked_addresses: where package managers ask themselves)
//! ```

pub mod address;
pub mod asked_addresses;
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
pub mod node_versions;
pub mod npm_client;
pub mod npmrc;
pub mod package_manager;
mod pnpm_workspace;
pub mod precedence;
pub mod project;
pub mod registries;
pub mod script_settings;
mod settings;
pub mod sources;
mod yarnrc;
