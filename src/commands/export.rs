//! `larder export`: one archive of a plan's files.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use larder_store::{Store, StoreError, digest::BlobId, key::Wanted, stats::Tally};
use serde_json::json;

use super::{
    import::NotImported,
    options::or_here,
    seed::{Asked, Seeded, seed},
};
use crate::{
    cli::{self, share::is_standard},
    commands::{
        context::Context,
        error::{CommandError, EndsCommand, SignalsError},
        outcome::Outcome,
        provision,
    },
    core::{interrupt::Interrupt, layout::Layout},
    fetcher::Reader,
    plan::selection::Selection,
    session::{ConfiguredProject, default_platforms},
    share::archive::{Archive, ArchiveError, WriteError, write},
    ui::units,
};

/// Written at once, bytes.
const BUFFER: usize = 1 << 20;

/// Why no archive was written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    /// Standard output is a terminal.
    #[error("an archive is nothing for a terminal")]
    Terminal,
    /// It cannot be written there.
    #[error("cannot write {}", file.display())]
    Target {
        /// The archive.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A blob is not what it should be.
    #[error(transparent)]
    Store(StoreError),
    /// It was stopped.
    #[error("stopped")]
    Interrupted,
}

impl EndsCommand for ExportError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Store(error) => error.outcome(),
            Self::Interrupted => Outcome::Interrupted,
            Self::Terminal | Self::Target { .. } => Outcome::Wrong,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Terminal => {
                Some("name a file, or send it on: larder export - | ssh builder larder import -".to_owned())
            }
            Self::Store(StoreError::DamagedBlob { .. }) => {
                Some("`larder verify --repair` fetches damaged blobs again".to_owned())
            }
            Self::Store(error) => EndsCommand::hint(error),
            Self::Target { .. } | Self::Interrupted => None,
        }
    }
}

pub(super) fn run(arguments: &cli::Export, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let is_stopped = || interrupt.came();
    let is_standard = is_standard(&arguments.file);
    if is_standard && io::stdout().is_terminal() {
        return Err(ExportError::Terminal.into());
    }
    let start = Instant::now();
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let projects = provision::read_all(&or_here(&arguments.projects), trusts_project, context)?;
    let since = Since::read(&arguments.since, trusts_project, context)?;
    let asked = Asked {
        projects: &projects,
        completing: &arguments.completing,
        platforms: &default_platforms(),
        reader: Reader::Fetcher,
    };
    let seeded = seed(&asked, |_| Ok(()), |_| String::new(), context)?;
    let Seeded { store, layout, .. } = match seeded {
        Ok(seeded) => seeded,
        Err(fault) => return Ok(fault.into()),
    };
    let known = since.known(&store, context)?;
    let written = if is_standard {
        let mut target = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        write(&store, &layout, &known, &mut target, &is_stopped).map_err(|error| of_write(error, &arguments.file))?
    } else {
        write_file(&store, (&layout, &known), &arguments.file, &is_stopped)?
    };
    print(arguments, written, start, context);
    Ok(Outcome::Done)
}

fn print(arguments: &cli::Export, written: Tally, start: Instant, context: &Context<'_>) {
    let what = format!("{}, {}", units::plural(written.count, "blob", "blobs"), units::bytes(written.bytes));
    let elapsed = start.elapsed();
    if is_standard(&arguments.file) {
        context.printer.note(&format!("{what} in {}", units::duration(elapsed)));
        return;
    }
    let file = arguments.file.display().to_string();
    context.printer.line(&format!("{file}: {what} in {}", units::duration(elapsed)));
    context.printer.json(&json!({
        "file": file,
        "blobs": written.count,
        "bytes": written.bytes,
        "seconds": elapsed.as_secs_f64(),
    }));
}

/// Writes beside the file, and renames: nobody finds half an archive.
fn write_file(
    store: &Store,
    (layout, known): (&Layout, &HashSet<BlobId>),
    file: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Tally, ExportError> {
    let failed = |source| ExportError::Target { file: file.to_owned(), source };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if file.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let made = tempfile::Builder::new().prefix(".larder-export-").permissions(permissions()).tempfile_in(folder);
    let mut made = made.map_err(failed)?;
    let mut target = BufWriter::with_capacity(BUFFER, made.as_file_mut());
    let written = write(store, layout, known, &mut target, is_stopped).map_err(|error| of_write(error, file))?;
    target.flush().map_err(failed)?;
    drop(target);
    made.as_file().sync_data().map_err(failed)?;
    made.persist(file).map_err(|error| failed(error.error))?;
    Ok(written)
}

/// An archive is nobody's secret: the user's mask decides.
fn permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

fn of_write(error: WriteError, file: &Path) -> ExportError {
    match error {
        WriteError::Store(error) => ExportError::Store(error),
        WriteError::Target(source) => ExportError::Target { file: file.to_owned(), source },
        WriteError::Interrupted => ExportError::Interrupted,
    }
}

/// What is left out.
#[derive(Default)]
struct Since {
    /// What archives have.
    blobs: HashSet<BlobId>,
    /// What these name.
    projects: Vec<Arc<ConfiguredProject>>,
}

impl Since {
    fn read(paths: &[PathBuf], trusts_project: bool, context: &Context<'_>) -> Result<Self, CommandError> {
        let mut since = Self::default();
        for path in paths {
            let not_read = |source| NotImported { file: path.clone(), source };
            let archive = if path.is_dir() {
                Err(ArchiveError::NotAnArchive)
            } else {
                let file = File::open(path).map_err(|error| not_read(ArchiveError::Unread(error)))?;
                Archive::open(file)
            };
            match archive {
                Ok(archive) => since.blobs.extend(archive.offered.iter().flatten().map(|receipt| receipt.blob)),
                Err(ArchiveError::NotAnArchive) => {
                    since.projects.extend(provision::read_all(std::slice::from_ref(path), trusts_project, context)?);
                }
                Err(error) => return Err(not_read(error).into()),
            }
        }
        Ok(since)
    }

    /// The blobs that are known there. What is named there and is not here is in no archive.
    fn known(self, store: &Store, context: &Context<'_>) -> Result<HashSet<BlobId>, CommandError> {
        let mut known = self.blobs;
        for project in &self.projects {
            let (downloads, _) = project.downloads(&Selection::all());
            let wanted: Vec<Wanted> = downloads.all.into_iter().map(|download| download.wanted).collect();
            let lookup = store.lookup(&wanted, context.now)?;
            known.extend(wanted.iter().filter_map(|wanted| Some(lookup.find(wanted)?.blob)));
        }
        Ok(known)
    }
}
