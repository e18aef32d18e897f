//! What can be typed after `larder export`, `import`, `push` and `pull`. Types only.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use super::common::{Completing, Selecting};
use crate::{
    core::error_chain::chain,
    share::reference::{Reference, ReferenceError},
};

/// `larder export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder export front-end.tar               the files of ./package-lock.json, for a machine without a network
  larder export all.tar web admin --all-platforms
  larder export - | ssh builder larder import -
  larder export new.tar --since old.tar     only what that archive does not have
  larder export new.tar --since old/package-lock.json

The archive depends on the lockfiles and the selection alone: it is the same on every machine. It is a
tar of what a store is made of; blobs are compressed already. What the store lacks is fetched first.")]
pub struct Export {
    /// The archive to write; - is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folders with a lockfile, or lockfiles [default: the current folder]
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// Leave out what this archive has, or what this older lockfile or project names; can be repeated
    #[arg(long, value_name = "FILE|PROJECT")]
    pub since: Vec<PathBuf>,
    /// What the store must hold.
    #[command(flatten)]
    pub completing: Completing,
}

/// `larder import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder import front-end.tar               take in what `larder export` wrote
  gzip -dc front-end.tar.gz | larder import -
  larder import front-end.tar --trust       an archive of your own

Every byte is compared with its digests, and what is here is passed over. An archive that is cut off
gives what was whole in it. Of packages without a digest in any lockfile, nothing proves the bytes:
they are taken, but count as theirs only with --trust.")]
pub struct Import {
    /// The archive; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Believe the archive about what no digest proves: packages without integrity, optional packages
    /// that are gone, and what larder.lock recorded
    #[arg(long)]
    pub trust: bool,
}

/// `larder push`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder push s3://bucket/larder            share the files of ./package-lock.json
  larder push file:///mnt/larder web admin  in a folder that several machines have
  larder push oci://registry.example/web:{plan} --binary larder-linux-x64
                                            as an image: --build-arg LARDER_IMAGE=registry.example/web:latest
  larder push                               to `share.to` in larder.toml

What is there is not sent again, and where nothing is new nothing is written. Any number of machines
push to one place. With credentials that can only read, nothing is written and the exit code is 0.")]
pub struct Push {
    /// Where to (oci://, s3://, gs://, az://, file://), and folders with a lockfile, or lockfiles
    /// [default: `share.to` in larder.toml; the current folder]
    #[arg(value_name = "REF|PROJECT")]
    pub targets: Vec<Target>,
    /// Write nothing, whatever the credentials allow
    #[arg(long)]
    pub read_only: bool,
    /// Ask for each blob whether it is there, and send what was lost
    #[arg(long)]
    pub repair: bool,
    /// For an image: the static larder for Linux to put into it, one for each processor [default: this program]
    #[arg(long, value_name = "FILE")]
    pub binary: Vec<PathBuf>,
    /// What the store must hold.
    #[command(flatten)]
    pub completing: Completing,
}

/// `larder pull`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder pull s3://bucket/larder            what the store lacks of ./package-lock.json
  larder pull                               from `share.from` in larder.toml
  larder fetch --from s3://bucket/larder    the same, and the rest from the registries

A plan that nobody has shared takes what it has in common with those that were shared last. Every byte
is compared with the lockfile's digests. If something is not there, the exit code is 1.")]
pub struct Pull {
    /// Where from (oci://, s3://, gs://, az://, file://), and folders with a lockfile, or lockfiles
    /// [default: `share.from` in larder.toml; the current folder]
    #[arg(value_name = "REF|PROJECT")]
    pub targets: Vec<Target>,
    /// Which part of the plan.
    #[command(flatten)]
    pub selecting: Selecting,
    /// Send your credentials through the project's own proxy, to servers that it alone trusts, and
    /// without encryption, where its configuration says so
    #[arg(long)]
    pub trust_project_config: bool,
}

/// A place, or a project: a place has `://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A place.
    Place(Reference),
    /// A project.
    Project(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::Project(PathBuf::from(text)));
        }
        text.parse().map(Self::Place).map_err(|error: ReferenceError| chain(&error).join(": "))
    }
}

impl Target {
    /// The places and the projects.
    pub fn split(targets: &[Self]) -> (Vec<Reference>, Vec<PathBuf>) {
        let (mut places, mut projects) = (Vec::new(), Vec::new());
        for target in targets {
            match target {
                Self::Place(place) => places.push(place.clone()),
                Self::Project(project) => projects.push(project.clone()),
            }
        }
        (places, projects)
    }
}

/// Whether a file is standard input or output.
pub fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}
