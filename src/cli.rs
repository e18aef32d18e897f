//! What can be typed. Types only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{pyodide::name::ProjectName, selection::Platform};

/// Downloads every file that lockfiles name, once and verified, into a store for every build.
#[derive(Debug, Parser)]
#[command(name = "larder", version, max_term_width = 100, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  larder fetch                      fetch what ./package-lock.json names
  larder fetch web admin            the same for two projects
  larder fetch --offline            make no request: say whether everything is here
  larder status                     what the store holds

Exit codes: 0 done, 1 wrong input or data, 2 usage, 3 network, 4 store, 130 stopped.")]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The store's folder [default: $LARDER_STORE, else larder in the cache folder, ~/.cache]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub color: ColorChoice,
    /// Say more; twice: everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what a project's lockfiles name, and the digest of it
    Plan(Plan),
    /// Download what lockfiles name and the store does not have
    Fetch(Fetch),
    /// Choose the files of the project's Pyodide and write them down in larder.lock
    Lock(Lock),
    /// Write a larder.toml for a project
    Init(Init),
    /// Print what the store holds
    Status,
    /// Read every blob of the store and compare it with its name
    Verify(Verify),
    /// Lay out what the store has for one kind of consumer
    View(View),
}

/// `larder plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder plan                       the sum of ./package-lock.json and its digest
  larder plan web --digest          the digest alone, as a cache key for CI
  larder plan --json                every artifact

The digest depends on the lockfiles' bytes and larder.toml alone: the same on every machine.")]
pub struct Plan {
    /// A folder with a lockfile, or a lockfile
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Print the digest alone
    #[arg(long, conflicts_with = "json")]
    pub digest: bool,
}

/// `larder fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder fetch                          this machine, and Linux on its CPU
  larder fetch --platform linux/arm64   for an image of another CPU
  larder fetch --all-platforms          everything that is named
  larder fetch --omit dev               what runs in production
  larder fetch --offline                is everything here?

Registries, tokens, certificates and proxies are those of .npmrc and
npm_config_*, as npm reads them.")]
pub struct Fetch {
    /// Folders with a lockfile, or lockfiles
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub projects: Vec<PathBuf>,
    /// Fetch optional packages of this platform, as Docker spells it (linux/arm64); can be repeated
    #[arg(long = "platform", value_name = "OS/CPU", conflicts_with = "all_platforms")]
    pub platforms: Vec<Platform>,
    /// Fetch optional packages of all platforms
    #[arg(long)]
    pub all_platforms: bool,
    /// Leave a group out: dev, optional or peer; can be repeated
    #[arg(long, value_name = "GROUP", value_enum, hide_possible_values = true)]
    pub omit: Vec<Group>,
    /// Make no request; name what is missing
    #[arg(long)]
    pub offline: bool,
    /// Refuse what the lockfile states no digest of
    #[arg(long)]
    pub require_integrity: bool,
    /// Downloads at once [default: that of larder.toml, npm's maxsockets, or 50]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub jobs: Option<u32>,
}

/// `larder lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder lock                       choose what is new, keep what was locked
  larder lock --upgrade             choose everything anew
  larder lock --upgrade black       choose black anew
  larder lock --check               for CI: fail if larder.lock would change

What to choose stands in larder.toml, below [pyodide]; `larder init` writes one.")]
pub struct Lock {
    /// A folder with a larder.toml
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Choose these packages anew, or all if none is named
    #[arg(long, value_name = "NAME", num_args = 0.., value_parser = project_name)]
    pub upgrade: Option<Vec<ProjectName>>,
    /// Write nothing; fail if larder.lock is not what would be written
    #[arg(long)]
    pub check: bool,
}

/// `larder init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder init                       write ./larder.toml, with what is found there")]
pub struct Init {
    /// A folder with a lockfile, or with projects below it
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
}

fn project_name(text: &str) -> Result<ProjectName, String> {
    ProjectName::parse(text).map_err(str::to_owned)
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

/// `larder verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder verify                     damaged blobs are named and set aside, in damaged/
  larder verify --repair            and fetched again, and the index is made anew")]
pub struct Verify {
    /// Fetch again what is damaged or gone, from where it came; make the index anew
    #[arg(long)]
    pub repair: bool,
}

/// `larder view`.
#[derive(Debug, Args)]
pub struct View {
    /// For whom.
    #[command(subcommand)]
    pub kind: ViewKind,
}

/// For whom a view is.
#[derive(Debug, Subcommand)]
pub enum ViewKind {
    /// A folder that Pyodide loads from offline, in browsers and in node
    Pyodide(ViewPyodide),
    /// A wheelhouse with an index, for pip and micropip
    Wheels(ViewWheels),
}

/// `larder view pyodide`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view pyodide static/pyodide             the runtime, the packages of larder.lock, and their lock
  larder view pyodide static/pyodide --strict    fail where packages need each other in a circle

The folder is built beside its place and then swapped with what is there.")]
pub struct ViewPyodide {
    /// The folder; what a view left there is replaced
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// A folder with a larder.lock
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Keep the rest of the distribution in the lock, with addresses at the public CDN
    #[arg(long)]
    pub full_lock: bool,
    /// Refuse dependency cycles instead of breaking them
    #[arg(long)]
    pub strict: bool,
}

/// `larder view wheels`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view wheels wheelhouse
  pip install --no-index --find-links wheelhouse black
  pip install --index-url file://$PWD/wheelhouse/simple black")]
pub struct ViewWheels {
    /// The folder; what a view left there is replaced
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// A folder with a larder.lock
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
}
