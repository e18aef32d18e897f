//! Options that several commands share. Types only.

use clap::{Args, ValueEnum};

use crate::{plan::selection::Platform, share::reference::Reference};

/// Which part of a plan is wanted.
#[derive(Clone, Debug, Default, Args)]
pub struct Selecting {
    /// Take optional packages of this platform, as Docker spells it (linux/arm64); can be repeated
    #[arg(long = "platform", value_name = "OS/CPU", conflicts_with = "all_platforms")]
    pub platforms: Vec<Platform>,
    /// Take optional packages of all platforms
    #[arg(long)]
    pub all_platforms: bool,
    /// Leave out a group: dev, optional or peer; can be repeated
    #[arg(long, value_name = "GROUP", value_enum, hide_possible_values = true)]
    pub omit: Vec<Group>,
}

/// How what is missing is fetched.
#[derive(Clone, Debug, Default, Args)]
pub struct Fetching {
    /// Make no request; name what the store lacks
    #[arg(long)]
    pub offline: bool,
    /// Refuse entries without a digest in the lockfile
    #[arg(long)]
    pub require_integrity: bool,
    /// Downloads at once [default: that of larder.toml, npm's maxsockets, or 50]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub jobs: Option<u32>,

    /// Ask this place before the registries: oci://, s3://, gs://, az:// or file://; can be repeated
    /// [default: `share.from` in larder.toml]
    #[arg(long, value_name = "REF", conflicts_with = "offline")]
    pub from: Vec<Reference>,

    /// Send your credentials through the project's own proxy, to servers that it alone trusts, and
    /// without encryption, where its configuration says so
    #[arg(long)]
    pub trust_project_config: bool,
}

/// What a plan needs to be complete.
#[derive(Clone, Debug, Default, Args)]
pub struct Completing {
    /// Which part of it.
    #[command(flatten)]
    pub selecting: Selecting,
    /// How it is fetched.
    #[command(flatten)]
    pub fetching: Fetching,
}

/// A group of dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Development dependencies.
    Dev,
    /// Optional dependencies.
    Optional,
    /// Peer dependencies.
    Peer,
}
