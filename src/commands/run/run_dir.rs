//! The folder of one run: npm's cache of links, yarn 1's mirror, other managers' caches, and npm's logs.
//!
//! It is locked as long as it is used, the lock is inherited by the command, and whoever makes the next one removes those that nobody has locked: after `kill -9` a folder
//! stays for no longer than that.

use std::{
    io,
    path::{Path, PathBuf},
};

use larder_store::Store;

use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, ScratchError},
        view::mirror_of_yarn,
    },
    core::{
        artifact::{Artifact, Source},
        interrupt::Interrupt,
        layout::Layout,
        path_error::PathError,
        scratch::Scratch,
    },
    lockfile::YarnLock,
    npm::metadata::Metadata,
    run::client_env::Mode,
    view::{
        error::ViewError,
        folder::write_links,
        npm_cache::{Index, npm_cache},
    },
};

/// What the folders of runs are called.
const PREFIX: &str = "larder-run-";

/// Where Linux has a filesystem in memory for everybody.
const IN_MEMORY: &str = "/dev/shm";

/// `f_type` of that filesystem, from Linux's `magic.h`.
#[cfg(target_os = "linux")]
const TMPFS: u64 = 0x0102_1994;

/// A laid-out folder, which goes with this value.
#[derive(Debug)]
pub(super) struct RunDir {
    pub(super) cache: PathBuf,
    pub(super) logs: PathBuf,
    /// Where other package managers than npm cache what they were told.
    pub(super) caches: PathBuf,
    /// The mirror of yarn 1, if there is such a lockfile.
    pub(super) yarn_mirror: Option<PathBuf>,
    scratch: Scratch,
}

impl RunDir {
    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Makes the folder, in memory if that is allowed and there is room: a cache is thousands of links and small files, and removing and making so many on ext4 again
    /// and again took seconds of system time (it looks for inodes that were not in use just before), in memory 0.2 s.
    pub(super) fn lay_out(
        store: &Store,
        catalog: &Metadata,
        (mode, yarns, is_recorded): (Mode, &[YarnLock], bool),
        arguments: &cli::Run,
        context: &Context<'_>,
        interrupt: &Interrupt,
    ) -> Result<Self, CommandError> {
        let packuments = match mode {
            Mode::Cache => catalog.packuments(),
            // The registry has them.
            Mode::Registry => Vec::new(),
        };
        let npm = npm_cache(catalog.versions(), packuments, Index::Needed);
        let mirror = yarns.contains(&YarnLock::Classic).then(|| mirror_of_yarn(catalog, context));
        let layouts = Layouts { npm, mirror };
        let named = context.environment.variable_os("TMPDIR").filter(|folder| !folder.is_empty());
        // What is recorded finds empty caches there.
        let is_for_memory = named.is_none() && mode == Mode::Cache && stays_small(arguments) && !is_recorded;
        if is_for_memory && room_in_memory().is_some_and(|room| room > written_again(catalog)) {
            match Self::new(store, &layouts, Path::new(IN_MEMORY), interrupt) {
                Ok(run_dir) => return Ok(run_dir),
                Err(error) if interrupt.came() => return Err(error),
                Err(error) => tracing::debug!(%error, "the run's folder is made on the disk"),
            }
        }
        let folder = context.environment.current_dir().join(named.unwrap_or("/tmp".as_ref()));
        Self::new(store, &layouts, &folder, interrupt)
    }

    fn new(store: &Store, layouts: &Layouts, folder: &Path, interrupt: &Interrupt) -> Result<Self, CommandError> {
        let unusable = |source| ScratchError { folder: folder.to_owned(), source };
        let scratch = Scratch::new(folder, PREFIX).map_err(unusable)?;
        scratch.share_with_children().map_err(unusable)?;
        let (cache, logs) = (scratch.path().join("npm"), scratch.path().join("logs"));
        let link = |layout: &Layout, at: &Path| -> Result<(), CommandError> {
            std::fs::create_dir(at).map_err(unusable)?;
            write_links(store, layout, at, &|| interrupt.came()).map_err(|error| match error {
                ViewError::Path(PathError { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {
                    unusable(source).into()
                }
                error => error.into(),
            })
        };
        link(&layouts.npm, &cache)?;
        let yarn_mirror = layouts.mirror.as_ref().map(|_| scratch.path().join("yarn-mirror"));
        if let (Some(layout), Some(at)) = (&layouts.mirror, &yarn_mirror) {
            link(layout, at)?;
        }
        let caches = scratch.path().join("caches");
        Ok(Self { cache, logs, caches, yarn_mirror, scratch })
    }
}

/// What a run's folder holds.
struct Layouts {
    npm: Layout,
    mirror: Option<Layout>,
}

/// Whether npm will put nothing large into its cache: without a network, and with `npm ci`, which installs the lockfile and nothing else.
fn stays_small(arguments: &cli::Run) -> bool {
    arguments.completing.fetching.offline || arguments.command.get(1).is_some_and(|word| word == "ci")
}

/// The bytes that npm writes into its cache once more, at worst all at one time: it finds a tarball by its digest only if the lockfile has its address, too. In a container, the
/// filesystem in memory usually has 64 MB.
fn written_again(catalog: &Metadata) -> u64 {
    let is_found_by_digest = |artifact: &Artifact| {
        artifact.integrity.is_some() && !matches!(artifact.source, Source::Registry { resolved: None })
    };
    let rest = catalog.versions().iter().filter(|version| !is_found_by_digest(&version.artifact));
    rest.filter_map(|version| version.found).map(|found| found.size).sum()
}

/// The room in the filesystem in memory, if there is one.
#[cfg(target_os = "linux")]
fn room_in_memory() -> Option<u64> {
    let kind = rustix::fs::statfs(IN_MEMORY).ok()?.f_type;
    let room = rustix::fs::statvfs(IN_MEMORY).ok().filter(|_| u64::try_from(kind) == Ok(TMPFS))?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(not(target_os = "linux"))]
const fn room_in_memory() -> Option<u64> {
    None
}
