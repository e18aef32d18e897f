//! What can be typed after `larder view`. Types only.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{Completing, Fetching};

/// `larder view`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view npm-cache build/npm-cache       then: npm ci --offline --cache build/npm-cache
  larder view tarballs build/tarballs --platform linux/amd64
  larder view npm-cache cache web admin       for two projects

A view is built beside its folder and then swapped with it. You can delete it at any time.")]
pub struct View {
    /// Its consumer.
    #[command(subcommand)]
    pub kind: ViewKind,
}

/// The consumer of a view.
#[derive(Debug, Subcommand)]
pub enum ViewKind {
    /// A cache for npm: `npm ci --offline --cache DIR`
    #[command(after_help = "\
Examples:
  larder view npm-cache build/npm-cache
  npm ci --offline --cache build/npm-cache")]
    NpmCache(ViewFolder),
    /// A folder of tarballs with npm's names, or an offline mirror for yarn 1
    Tarballs(ViewTarballs),
    /// A folder that Pyodide loads from offline, in browsers and in node
    Pyodide(ViewPyodide),
    /// A wheelhouse with an index, for pip and micropip
    Wheels(ViewWheels),
    /// A folder for `docker build --build-context larder=DIR`: larder and the files of lockfiles
    Context(ViewContext),
}

/// Where a view goes, and of what.
#[derive(Debug, Args)]
pub struct ViewFolder {
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Folders with a lockfile, or lockfiles [default: the current folder]
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// What the store must hold.
    #[command(flatten)]
    pub completing: Completing,
}

/// `larder view context`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view context build/larder
  docker buildx build --build-context larder=build/larder .
  larder view context build/larder web --platform linux/arm64 --binary larder-arm64

The folder holds bin/larder, a static binary, store/ with the files of the package managers'
lockfiles, and pyodide/ with those of larder.lock. Nothing in it depends on the machine or the time:
steps that mount it stay cached until a lockfile changes, and need no network.")]
pub struct ViewContext {
    /// Where, and of what: for Linux on the binary's processor, unless a platform is named.
    #[command(flatten)]
    pub view: ViewFolder,
    /// The static larder for Linux to put into it [default: this program]
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// `larder view tarballs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view tarballs dist/npm                  <scope>-<name>-<version>.tgz
  larder view tarballs mirror --for yarn         @<scope>-<name>-<version>.tgz
  npm_config_yarn_offline_mirror=$PWD/mirror yarn install --frozen-lockfile")]
pub struct ViewTarballs {
    /// Where it goes, and of what.
    #[command(flatten)]
    pub view: ViewFolder,
    /// Name the files for npm, or for an offline mirror of yarn 1
    #[arg(long = "for", value_name = "MANAGER", value_enum, default_value = "npm")]
    pub names: TarballNames,
}

/// Whose names tarballs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TarballNames {
    /// npm's.
    Npm,
    /// Those of yarn 1.
    Yarn,
}

/// `larder view pyodide`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder view pyodide static/pyodide             the runtime, the packages of larder.lock, and their lock
  larder view pyodide static/pyodide --strict    fail where packages need each other in a circle

The folder is built beside its place and then swapped with it.")]
pub struct ViewPyodide {
    /// The folder to make; an older view there is replaced [default: that of larder.toml]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// A folder with a larder.lock
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// How what is missing is fetched.
    #[command(flatten)]
    pub fetching: Fetching,
    /// Keep the rest of the distribution in the lock, with the addresses of the first source
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
    /// The folder to make; an older view there is replaced
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// A folder with a larder.lock
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// How what is missing is fetched.
    #[command(flatten)]
    pub fetching: Fetching,
}
