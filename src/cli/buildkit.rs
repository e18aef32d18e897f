//! What can be typed after `larder buildkit`. Types only.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Completing, Selecting};
use crate::buildkit::mount::{CacheMount, MountId, Sharing};

/// `larder buildkit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder buildkit seed              fill the mount with the files of ./package-lock.json
  larder buildkit harvest           copy what a build has fetched into the store

The mount is that of `RUN --mount=type=cache,id=larder,target=/root/.cache/larder`. larder starts a
build that runs larder itself on it. So the program must be a static binary, or --binary names one.")]
pub struct Buildkit {
    /// Into it or out of it.
    #[command(subcommand)]
    pub job: BuildkitJob,
}

/// Into a mount or out of it.
#[derive(Debug, Subcommand)]
pub enum BuildkitJob {
    /// Fill a builder's cache mount with the files of lockfiles
    Seed(Seed),
    /// Copy what a builder's cache mount has into the store
    Harvest(Harvest),
    /// What runs inside the build
    #[command(hide = true)]
    Inside(Inside),
}

/// `larder buildkit seed`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder buildkit seed                          for a builder on Linux of the binary's processor
  larder buildkit seed web --omit dev --builder ci
  larder buildkit seed --all                    the whole store
  larder buildkit seed --id npm-cache           for RUN --mount=type=cache,id=npm-cache,…
  larder buildkit seed --uid 1000 --gid 1000    for a mount with uid=1000,gid=1000

Only blobs that the mount lacks are transferred, and each is verified before it enters. What the store
lacks is fetched first, unless --offline forbids it.")]
pub struct Seed {
    /// Folders with a lockfile, or lockfiles [default: the current folder]
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// Transfer the whole store, whatever lockfiles name
    #[arg(long, conflicts_with_all = ["projects", "platforms", "all_platforms", "omit", "offline", "require_integrity", "jobs"])]
    pub all: bool,
    /// What the store must hold.
    #[command(flatten)]
    pub completing: Completing,
    /// Which mount.
    #[command(flatten)]
    pub mount: BuilderMount,
}

/// `larder buildkit harvest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder buildkit harvest                       every blob of the mount that the store lacks
  larder buildkit harvest web admin             of those, the files of two projects' lockfiles
  larder buildkit harvest --builder ci --id npm-cache

Each blob is verified before it enters the store. Nothing is removed from the mount.")]
pub struct Harvest {
    /// Copy only the files of these projects' lockfiles: folders with a lockfile, or lockfiles
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// Which part of it.
    #[command(flatten)]
    pub selecting: Selecting,
    /// Which mount.
    #[command(flatten)]
    pub mount: BuilderMount,
}

/// Which mount of which builder, and what runs there.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Mount")]
pub struct BuilderMount {
    /// The builder, as `docker buildx ls` names it [default: docker's current one]
    #[arg(long, value_name = "NAME")]
    pub builder: Option<String>,
    /// The mount's id; one without id= in the Dockerfile has its target as id
    #[arg(long, value_name = "ID", default_value = "larder")]
    pub id: MountId,
    /// The mount's sharing=, if the Dockerfile gives one
    #[arg(long, value_name = "HOW", default_value = "shared", hide_possible_values = true, hide_default_value = true)]
    pub sharing: SharingChoice,
    /// The mount's uid=, if the Dockerfile gives one: it makes another mount
    #[arg(long, value_name = "N")]
    pub uid: Option<u32>,
    /// The mount's gid=, likewise
    #[arg(long, value_name = "N")]
    pub gid: Option<u32>,
    /// The mount's mode=, likewise
    #[arg(long, value_name = "OCTAL", value_parser = mode)]
    pub mode: Option<u32>,
    /// A static larder of the builder's platform [default: this program]
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// How a mount is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SharingChoice {
    /// By all.
    Shared,
    /// One after the other.
    Locked,
}

/// What runs inside the build.
#[derive(Debug, Args)]
pub struct Inside {
    /// What to do
    #[arg(value_enum)]
    pub job: InsideJob,
    /// The folder with what the host gives
    pub request: PathBuf,
    /// The folder for what it gets
    pub answer: PathBuf,
}

/// What is done inside the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InsideJob {
    /// Say what is lacking.
    Ask,
    /// Take in what the host gives.
    TakeIn,
    /// Give what the host lacks.
    HandOut,
}

impl BuilderMount {
    /// The mount as a Dockerfile names it.
    pub fn cache_mount(&self) -> CacheMount {
        let sharing = match self.sharing {
            SharingChoice::Shared => Sharing::Shared,
            SharingChoice::Locked => Sharing::Locked,
        };
        CacheMount { id: self.id.clone(), sharing, uid: self.uid, gid: self.gid, mode: self.mode }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| "not a file mode, as 0755 is one".to_owned())
}
