//! What can be typed. Types only.

pub mod buildkit;
mod common;
pub mod forget;
mod sbom;
pub mod share;
mod version;
mod view;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    common::{Completing, Fetching, Group, Selecting},
    forget::Forget,
    sbom::{Sbom, SbomFormat},
    share::{Export, Import, Pull, Push, Target},
    view::{TarballNames, View, ViewContext, ViewFolder, ViewKind, ViewPyodide, ViewTarballs, ViewWheels},
};
use crate::python::name::ProjectName;

/// Downloads every file that lockfiles name, once and verified, into a store for all builds.
#[derive(Debug, Parser)]
#[command(name = "larder", version = version::version(), max_term_width = 100, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  larder fetch                      download every file that ./package-lock.json names
  larder fetch web admin            the same for two projects
  larder fetch --offline            make no request; name what the store lacks
  larder run --offline -- npm ci    install from the store; larder makes no request
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
    /// A base store that is only read, below that one [default: $LARDER_OVER, else that of larder.toml]
    #[arg(long, global = true, value_name = "DIR")]
    pub over: Option<PathBuf>,
    /// Print errors only
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
    /// Run a command and record in larder.lock what it downloads beyond its lockfiles
    Record(Record),
    /// Serve the packages of lockfiles as a registry on 127.0.0.1
    Serve(Serve),
    /// Make a folder of a plan's files for a package manager, Pyodide or a build
    View(View),
    /// Write a plan's files into one archive
    Export(Export),
    /// Take in the files of an archive
    Import(Import),
    /// Share a plan's files in a registry or an object store
    Push(Push),
    /// Take a plan's files from a registry or an object store
    Pull(Pull),
    /// Transfer the store into a builder's cache mount, or out of it
    Buildkit(buildkit::Buildkit),
    /// Pin the project's Python packages, and what packages download themselves, in larder.lock
    Lock(Lock),
    /// Write a larder.toml for a project
    Init(Init),
    /// Write a software bill of materials of a project's plan
    Sbom(Sbom),
    /// Print what the store holds
    #[command(after_help = "\
Examples:
  larder status                     blobs, bytes, and what else lies in the store's folder
  larder status --store DIR --json
  larder status --over /mnt/larder  the same, and what a base store has")]
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

/// `larder run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder run -- npm ci                        fetch what is missing, then install from the store
  larder run --offline -- npm ci              make no request: install, or fail before npm starts
  larder run --project web -- npm --prefix web ci
  larder run --offline -- sh -c 'npm ci && npm run build'
  larder run --offline -- yarn install --immutable
  larder run --offline --isolate -- npm test  the same in a network of its own (Linux)

npm reads a temporary cache whose files are links into the store. Any other command gets a registry
on 127.0.0.1 that serves the plan and nothing else (npm_config_registry, YARN_NPM_REGISTRY_SERVER).
yarn 1 reads an offline mirror (npm_config_yarn_offline_mirror).
A proxy on 127.0.0.1 answers packages at addresses of their own and what larder.lock recorded; with
--offline it refuses the rest, and a download that it refuses makes the exit code 1. It runs where
there is something for it. --isolate refuses in every project what is not in the store.
Terminal, signals and exit code are the command's own, and no process or folder is left behind.")]
pub struct Run {
    /// The project: a folder with a lockfile, or a lockfile [default: the current folder]; can be repeated
    #[arg(long = "project", value_name = "PROJECT")]
    pub projects: Vec<PathBuf>,
    /// What the store must hold: for this machine, unless a platform is named.
    #[command(flatten)]
    pub completing: Completing,
    /// Run the command in a network of its own, where every name leads to larder and there is no way out
    /// (Linux with user namespaces); needs --offline
    #[arg(long, requires = "offline")]
    pub isolate: bool,
    /// Do not fail because larder refused what the command asked for
    #[arg(long)]
    pub allow_refused: bool,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// `larder record`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder record -- npm ci                     what install scripts download
  larder record -- npm run fetch-pyodide      what a script of the project downloads
  larder record web --yes -- npx playwright install chromium
  larder record --check -- npm ci             for CI: fail if larder.lock lacks what npm ci downloads

The command runs with empty caches, behind a proxy on 127.0.0.1. larder then downloads each address
itself, without the command's headers, and writes a row for it if the bytes are the same. Rows that
are there stay. `larder run --offline -- npm ci` installs with them.")]
pub struct Record {
    /// A folder with a lockfile, or a lockfile
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// What the store must hold: for this machine, unless a platform is named.
    #[command(flatten)]
    pub completing: Completing,
    /// Record new hosts without asking
    #[arg(long)]
    pub yes: bool,
    /// Write nothing; fail if rows would be added
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, last = true)]
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

/// `larder lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  larder lock                       resolve what is new, keep what was locked
  larder lock --upgrade             resolve everything anew
  larder lock --upgrade black       resolve black anew
  larder lock --check               for CI: fail if larder.lock would change
  larder lock --platform linux/amd64    lock what packages download for that platform

The requirements stand in larder.toml below [pyodide]; `larder init` writes one.
Of packages that are known to download files themselves (cypress, electron, puppeteer, addons), it
works out the addresses, fetches each file once and pins it; nothing of the packages is run.")]
pub struct Lock {
    /// A folder with a lockfile or a larder.toml
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Resolve these packages anew, or all if none is named
    #[arg(long, value_name = "NAME", num_args = 0.., value_parser = project_name)]
    pub upgrade: Option<Vec<ProjectName>>,
    /// Write nothing; fail if larder.lock would change
    #[arg(long)]
    pub check: bool,
    /// For which platforms packages' own downloads are locked.
    #[command(flatten)]
    pub selecting: Selecting,

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
  larder init --docker              show how Dockerfile, .dockerignore and package.json change
  larder init --docker --write      change them
  larder init --docker=docker/Dockerfile.web
                                    a Dockerfile elsewhere, whose build context is this folder

It takes over the Python packages that a script or a pyodide-lock.json of the project names, and
prints which lines of its Dockerfiles make a build download again. With --docker, what it is not
sure of stays as it is, and is named with its line.")]
pub struct Init {
    /// A folder with a lockfile, or with projects below it
    #[arg(value_name = "PROJECT", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Show the changes with which the project's Dockerfiles, or FILE alone, take their downloads from larder
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub docker: Option<Option<PathBuf>>,
    /// Make these changes
    #[arg(long, requires = "docker")]
    pub write: bool,
}

fn project_name(text: &str) -> Result<ProjectName, String> {
    ProjectName::parse(text).map_err(str::to_owned)
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
