//! What can be typed. Types only.

pub mod buildkit;
pub mod forget;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::forget::Forget;
use crate::{plan::selection::Platform, python::name::ProjectName};

/// Downloads every file that lockfiles name, once and verified, into a store for all builds.
#[derive(Debug, Parser)]
#[command(name = "larder", version, max_term_width = 100, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  larder fetch                      download every file that ./package-lock.json names
  larder fetch web admin            the same for two projects
  larder fetch --offline            make no request; name what the store lacks
  larder run --offline -- npm ci    install from the store, with the network cut
  larder run -- pnpm install --frozen-lockfile
  larder status                     what the store holds

Exit codes: 0 done, 1 wrong input or data, 2 usage, 3 network, 4 store, 130 stopped.")]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The store's folder [default: $LARDER_STORE, else larder in the cache folder, ~/.cache]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Print errors alone
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub color: ColorChoice,
    /// Log more; twice: everything
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
    /// Count a project's artifacts and print their digest
    Plan(Plan),
    /// Download the files of lockfiles that the store lacks
    Fetch(Fetch),
    /// Run a command whose package manager installs from the store
    Run(Run),
    /// Serve the packages of lockfiles as a registry on 127.0.0.1
    Serve(Serve),
    /// Make a folder of a plan's files for a package manager, Pyodide or a build
    View(View),
    /// Transfer the store into a builder's cache mount, or out of it
    Buildkit(buildkit::Buildkit),
    /// Resolve the project's Python packages for Pyodide and pin them in larder.lock
    Lock(Lock),
    /// Write a larder.toml for a project
    Init(Init),
    /// Print what the store holds
    #[command(after_help = "\
Examples:
  larder status                     blobs, bytes, and what else lies in the store's folder
  larder status --store DIR --json")]
    Status,
    /// Read every blob of the store and compare it with its digests
    Verify(Verify),
    /// Remove packages from the store, so that they are fetched and recorded anew
    Forget(Forget),
}

/// `larder plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder plan                       the artifacts of ./package-lock.json, counted, and their digest
  larder plan web --digest          the digest alone, as a cache key for CI
  larder plan web admin             two projects
  larder plan --json                every artifact

The digest depends on the lockfiles' bytes and larder.toml alone: it is the same on every machine.
If a folder has lockfiles of several package managers, `packageManager` in package.json chooses.")]
pub struct Plan {
    /// Folders with a lockfile, or lockfiles
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub projects: Vec<PathBuf>,
    /// Print the digest alone, of several projects one a line
    #[arg(long, conflicts_with = "json")]
    pub digest: bool,
}

/// `larder fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder fetch                          this machine, and Linux on its CPU
  larder fetch --platform linux/arm64   for an image of another CPU
  larder fetch --all-platforms          every file that the lockfile names
  larder fetch --omit dev               what runs in production
  larder fetch --offline                name what the store lacks

Registries, tokens, certificates and proxies are those of .npmrc and
npm_config_*, as npm reads them.")]
pub struct Fetch {
    /// Folders with a lockfile, or lockfiles
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub projects: Vec<PathBuf>,
    /// Which part of the plan.
    #[command(flatten)]
    pub selecting: Selecting,
    /// How.
    #[command(flatten)]
    pub fetching: Fetching,
}

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

/// `larder run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder run -- npm ci                        fetch what is missing, then install from the store
  larder run --offline -- npm ci              make no request: install, or fail before npm starts
  larder run --project web -- npm --prefix web ci
  larder run --offline -- sh -c 'npm ci && npm run build'
  larder run --offline -- yarn install --immutable

npm reads a temporary cache whose files are links into the store. Any other command gets a registry
on 127.0.0.1 that serves the plan and nothing else (npm_config_registry, YARN_NPM_REGISTRY_SERVER).
yarn 1 reads an offline mirror (npm_config_yarn_offline_mirror).
Terminal, signals and exit code are the command's own, and no process or folder is left behind.")]
pub struct Run {
    /// The project: a folder with a lockfile, or a lockfile [default: the current folder]; can be repeated
    #[arg(long = "project", value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// What the store must hold: for this machine, unless a platform is named.
    #[command(flatten)]
    pub completing: Completing,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// `larder serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder serve                                a registry for ./package-lock.json, on a free port
  larder serve web admin --port 4873          for two projects
  npm_config_registry=http://127.0.0.1:4873/ npm install

The first line of the output is its address. It listens on 127.0.0.1 alone, serves the packages of
the lockfiles and nothing else, and fetches what the store lacks on demand.")]
pub struct Serve {
    /// Folders with a lockfile, or lockfiles [default: the current folder]
    #[arg(value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// The port; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// How what is missing is fetched.
    #[command(flatten)]
    pub fetching: Fetching,
}

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

/// `larder lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder lock                       resolve what is new, keep what was locked
  larder lock --upgrade             resolve everything anew
  larder lock --upgrade black       resolve black anew
  larder lock --check               for CI: fail if larder.lock would change

The requirements stand in larder.toml below [pyodide]; `larder init` writes one.")]
pub struct Lock {
    /// A folder with a larder.toml
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Resolve these packages anew, or all if none is named
    #[arg(long, value_name = "NAME", num_args = 0.., value_parser = project_name)]
    pub upgrade: Option<Vec<ProjectName>>,
    /// Write nothing; fail if larder.lock would change
    #[arg(long)]
    pub check: bool,

    /// Send your credentials through the project's own proxy, to servers that it alone trusts, and
    /// without encryption, where its configuration says so
    #[arg(long)]
    pub trust_project_config: bool,
}

/// `larder init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder init                       write ./larder.toml
  larder init web                   the same in another folder

It takes over the Python packages that a script or a pyodide-lock.json of the project names, and
prints which lines of its Dockerfiles make a build download again.")]
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
  larder verify                     name damaged blobs and move them to damaged/; name false receipts
  larder verify --fast              compare each blob with its name alone
  larder verify --repair            fetch damaged blobs again, correct receipts, rebuild the index
  larder verify --pyodide static/pyodide    check a folder for Pyodide, whoever made it")]
pub struct Verify {
    /// Fetch damaged and missing blobs again from their address; correct receipts; rebuild the index
    #[arg(long)]
    pub repair: bool,
    /// Compare each blob with its name (blake3) alone, not with the digests of its receipt
    #[arg(long, conflicts_with = "pyodide")]
    pub fast: bool,
    /// With --repair: send your credentials through the current folder's own proxy, to servers that it
    /// alone trusts, and without encryption, where its .npmrc says so
    #[arg(long, requires = "repair")]
    pub trust_project_config: bool,
    /// Check this folder against its own pyodide-lock.json instead: closure, digests, cycles, names, ABI
    #[arg(long, value_name = "DIR", conflicts_with = "repair")]
    pub pyodide: Option<PathBuf>,
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
