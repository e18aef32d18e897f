//! One file a command: arguments → library → printer.

mod buildkit;
mod fetch;
mod forget;
mod freshness;
mod init;
mod input;
mod larder_lock;
mod lock;
mod plan;
mod prepared;
mod provision;
mod run;
mod serve;
mod settings;
mod status;
mod through;
mod verify;
mod verify_pyodide;
mod view;

pub use self::{buildkit::BuildkitError, init::InitError, lock::LockError, view::ContextError};

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use jiff::Timestamp;
use larder_store::{Store, StoreError, wait};

use crate::{
    cli::{Cli, Command},
    config::{
        error::ConfigError,
        project::{DecidedBy, ProjectError, Several},
    },
    core::{environment::Environment, path_error::PathError},
    fetcher::{Fault, FetchError, HELD},
    lockfile::{LockfileError, larder_lock::LockFileError},
    npm::metadata::MetadataError,
    plan::{PlanError, selection::PlatformError},
    pyodide::folder::FolderError,
    run::child::ChildError,
    ui::{printer::Printer, report, waits::Waits},
    view::{error::ViewError, locked_files::LockedFilesError},
};

/// What every command gets.
#[derive(Debug)]
pub struct Context<'a> {
    /// What `main` read of the environment.
    pub environment: &'a Environment,
    /// Where to print.
    pub printer: Printer,
    /// The store's folder.
    pub store: PathBuf,
    /// The parts of the store that is only read, below that one.
    pub below: Vec<PathBuf>,
    /// The time that is noted.
    pub now: Timestamp,
}

impl Context<'_> {
    /// Opens the store, making it if there is none.
    fn open_store(&self) -> Result<Store, StoreError> {
        // Links lead to the store, wherever a command changes its folder to.
        let root = self.environment.current_dir().join(&self.store);
        match self.below.split_first() {
            Some((below, others)) => over_others(Store::open_over(&root, below)?, others),
            None => Store::open(&root),
        }
    }

    /// Opens the store if there is one.
    fn open_store_if_present(&self) -> Result<Option<Store>, StoreError> {
        let Some((below, others)) = self.below.split_first() else { return Store::open_if_present(&self.store) };
        match Store::open_over_if_present(&self.store, below)? {
            Some(store) => over_others(store, others).map(Some),
            None => Ok(None),
        }
    }
}

fn over_others(store: Store, others: &[PathBuf]) -> Result<Store, StoreError> {
    others.iter().try_fold(store, |store, other| store.over_another(other))
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Done,
    /// The input or its data is wrong, or something is missing.
    Wrong,
    /// The network failed.
    Network,
    /// The store is damaged or cannot be used.
    Store,
    /// The user stopped it.
    Interrupted,
    /// The command that was run ended with this code, or, if a signal ended it, with 128 and its number.
    Child(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Wrong => 1,
            Outcome::Network => 3,
            Outcome::Store => 4,
            // As a shell reports a program that the interrupt signal ended.
            Outcome::Interrupted => 130,
            Outcome::Child(code) => code,
        })
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Data => Self::Wrong,
            Fault::Network => Self::Network,
            Fault::Store => Self::Store,
        }
    }
}

/// Why a command could not do anything.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A lockfile that is none.
    #[error("{}{problem}", below(folder))]
    Lockfile {
        /// The project's folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: LockfileError,
        /// The lockfiles of other package managers beside it.
        several: Option<Box<Several>>,
    },
    /// A `larder.lock` that was made for something else.
    #[error("{}larder.lock is out of date: {what}", below(folder))]
    Outdated {
        /// The project's folder.
        folder: PathBuf,
        /// What is asked for, and what the lock has.
        what: String,
    },
    /// Lockfiles that contradict each other.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A `.npmrc` that is wrong.
    #[error(transparent)]
    Npmrc(#[from] ConfigError),
    /// A platform in `larder.toml` that is none.
    #[error("{}: `platforms` names one that larder does not know", file.display())]
    Platform {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PlatformError,
    },
    /// `larder lock` could not choose or write.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// `larder init` could not write.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The store or the network.
    #[error(transparent)]
    Fill(#[from] FetchError),
    /// The store.
    #[error(transparent)]
    Store(#[from] larder_store::StoreError),
    /// What is here cannot be offered.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A view cannot be written.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The store cannot be carried.
    #[error(transparent)]
    Buildkit(#[from] BuildkitError),
    /// The command cannot be run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The system does not tell of signals.
    #[error("cannot install signal handlers")]
    Signals(#[source] std::io::Error),
    /// There is no place for a run's files.
    #[error("cannot make a folder in {}", folder.display())]
    Scratch {
        /// The folder for temporary files.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The registry cannot be started.
    #[error("cannot serve on port {port} of 127.0.0.1")]
    Registry {
        /// The port; 0 is any.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No folder for a view.
    #[error("there is no folder to lay Pyodide out in")]
    NoFolder,
    /// A project without `larder.lock`.
    #[error("{} does not exist", path.display())]
    NoLarderLock {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A `larder.lock` that is wrong.
    #[error(transparent)]
    LarderLock(#[from] LockFileError),
    /// What `larder.lock` names is not all there.
    #[error(transparent)]
    Stock(#[from] LockedFilesError),
    /// A Pyodide folder that cannot be.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A folder that cannot be read.
    #[error(transparent)]
    Inspect(#[from] PathError),
    /// A binary that is not for a build's context.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Packages that need each other, where that is refused.
    #[error("dependencies form cycles, for which Pyodide's loader waits forever:\n  {}", cycles.join("\n  "))]
    Cycles {
        /// Each of them, in words.
        cycles: Vec<String>,
    },
}

/// Runs a command and prints what it says.
pub fn run(cli: &Cli, context: &Context<'_>) -> Outcome {
    wait::observe(Arc::new(Waits { printer: context.printer }));
    let outcome = match &cli.command {
        Command::Plan(arguments) => plan::run(arguments, context),
        Command::Fetch(arguments) => fetch::run(arguments, context),
        Command::Run(arguments) => run::run(arguments, context),
        Command::Serve(arguments) => serve::run(arguments, context),
        Command::View(arguments) => view::run(arguments, context),
        Command::Buildkit(arguments) => buildkit::run(arguments, context),
        Command::Lock(arguments) => lock::run(arguments, context),
        Command::Init(arguments) => init::run(arguments, context),
        Command::Status => status::run(context),
        Command::Verify(arguments) => verify::run(arguments, context),
        Command::Forget(arguments) => forget::run(arguments, context),
    };
    outcome.unwrap_or_else(|error| {
        if error.outcome() == Outcome::Interrupted {
            context.printer.note(stopped(&cli.command));
        } else {
            report::error(context.printer, &error, error.hint().as_deref());
        }
        error.outcome()
    })
}

/// What a person who stopped a command wants to know: what is left of it, and what the next one finds.
const fn stopped(command: &Command) -> &'static str {
    match command {
        Command::Run(_) => {
            "stopped before the command started; what has arrived is kept, and the next run goes on from there"
        }
        Command::View(_) => {
            "stopped; the folder is as it was, what has arrived is kept, and the next view goes on from there"
        }
        Command::Lock(_) => "stopped; larder.lock is as it was",
        Command::Buildkit(_) => "stopped; what was taken in by then is kept, and the next run carries the rest",
        Command::Verify(_) => {
            "stopped; what has arrived is kept, and the next `larder verify --repair` goes on from there"
        }
        _ => "stopped; what has arrived is kept, and the next fetch goes on from there",
    }
}

/// A folder before a file in it, unless it is the current one.
fn below(folder: &Path) -> String {
    if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) }
}

impl CommandError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Fill(FetchError::Interrupted | FetchError::Store(StoreError::Interrupted))
            | Self::View(ViewError::Interrupted | ViewError::Store(StoreError::Interrupted))
            | Self::Stock(LockedFilesError::Store(StoreError::Interrupted))
            | Self::Store(StoreError::Interrupted) => Outcome::Interrupted,
            Self::Stock(error) if error.is_of_store() => Outcome::Store,
            Self::Lock(error) => error.outcome(),
            Self::Buildkit(error) => error.outcome(),
            Self::Store(_)
            | Self::Fill(FetchError::Store(_))
            | Self::View(ViewError::Store(_))
            | Self::Metadata(MetadataError::Store(_) | MetadataError::NoReceipt { .. }) => Outcome::Store,
            Self::Child(error) => Outcome::Child(error.exit_code()),
            _ => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Project(error) => return error.hint(),
            Self::Lockfile { several: Some(several), .. } if several.by == DecidedBy::Nothing => {
                return Some(several.cure());
            }
            Self::Lockfile { problem, .. } => return problem.hint(),
            Self::Lock(error) => return error.hint().map(str::to_owned),
            Self::Init(error) => return error.hint().map(str::to_owned),
            Self::Store(error) | Self::Fill(FetchError::Store(error)) | Self::View(ViewError::Store(error)) => {
                return of_store(error).map(str::to_owned);
            }
            Self::View(error) => return error.hint().map(str::to_owned),
            Self::Buildkit(error) => return error.hint().map(str::to_owned),
            Self::Stock(error) => return error.hint().map(str::to_owned),
            Self::Context(error) => error.hint(),
            Self::NoFolder => "name one, or give `folder` below `[pyodide]` in larder.toml",
            Self::NoLarderLock { .. } => "`larder lock` writes it from `[pyodide]` in larder.toml",
            Self::Cycles { .. } => "without --strict, each is broken and named",
            Self::Scratch { .. } => "name a folder that can be written with TMPDIR",
            Self::Registry { port: 1.., .. } => {
                "another program may have that port: without --port, a free one is taken"
            }
            Self::Metadata(MetadataError::NoReceipt { .. } | MetadataError::Tarball { .. }) => {
                "`larder verify --repair` looks at every blob of the store"
            }
            Self::Outdated { .. } => "`larder lock` makes it anew, and keeps the versions that still fit",
            Self::LarderLock(LockFileError::Newer { .. }) => "a newer larder wrote it: update this one",
            Self::LarderLock(_) => {
                "`git checkout` brings back the last one that was committed; without the file, `larder lock` makes it anew"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// The way out of an error of the store, if there is one to name.
const fn of_store(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::DiskFull { .. } => {
            "make room, or name another place with --store; what has arrived is kept and not fetched again"
        }
        StoreError::ReadOnly { .. } => {
            "it is on a read-only place or belongs to another user: name another one with --store or LARDER_STORE"
        }
        StoreError::NotAStore { .. } => "name an empty or new folder with --store or LARDER_STORE",
        StoreError::Unfit { .. } => "larder follows no link inside a store; the store's own folder may be one",
        StoreError::OtherUser { .. } => "give each user a store with --store or LARDER_STORE",
        StoreError::DamagedMeta { .. } => {
            "if the folder is a store, remove that file: it is written anew, and no blob is lost"
        }
        StoreError::InUse { .. } => "end the larders that use it, `larder serve` among them, and try again",
        StoreError::Held { .. } => HELD,
        _ => return None,
    })
}
