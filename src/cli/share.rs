//! What can be typed after `larder export` and `larder import`. Types only.

use std::path::{Path, PathBuf};

use clap::Args;

use super::common::Completing;

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

/// Whether a file is standard input or output.
pub fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}
