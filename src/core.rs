//! The values that every room shares, and the small tools that hold no knowledge of a lockfile, a manager or a server.

pub mod artifact;
pub mod endpoints;
pub mod environment;
pub mod error_chain;
pub mod escape;
pub mod file_host;
pub mod file_name;
pub mod interrupt;
pub mod layout;
pub(crate) mod local_name;
pub mod manifest;
pub mod open_files;
pub mod path_error;
pub(crate) mod private_address;
pub mod recorded_url;
pub mod redacted;
pub mod runtime_version;
pub mod scratch;
pub mod view_marker;
