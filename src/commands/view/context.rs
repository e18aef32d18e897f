//! `larder view context`: larder and what lockfiles name, as a context for a build.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use larder_store::key::Wanted;

use super::{summary::print, target::check_target};
use crate::{
    buildkit::executable::{Executable, ExecutableError},
    cli,
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
        options::{or_here, selection_options},
        outcome::Outcome,
        provision::{self, Unfetchable, shortfall},
    },
    fetcher::Completed,
    plan::{
        Planned,
        selection::{Os, Platform, Platforms},
    },
    session::{RecordedRows, Session},
    ui::units,
    view::{
        context::{SeedEntry, SeedPart, add_gone, add_rows, context as layout_of},
        folder::publish,
    },
};

/// What the marker in the folder says.
const KIND: &str = "context";

/// Why a binary is not for a context.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ContextError {
    /// Where larder's own file is cannot be told.
    #[error("cannot find larder's own program file")]
    Nowhere,
    /// It is none, or it needs a loader.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// It runs on no platform that the context is for.
    #[error("{} runs on {runs_on}, and the context is for {}", path.display(), list(platforms))]
    OtherPlatform {
        /// The binary.
        path: PathBuf,
        /// Its platform.
        runs_on: Platform,
        /// Those of the context.
        platforms: BTreeSet<Platform>,
    },
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The binary.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn list(platforms: &BTreeSet<Platform>) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl EndsCommand for ContextError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OtherPlatform { .. } => {
                "name the static larder of that platform with --binary, or other platforms with --platform"
            }
            _ => "name a static larder for Linux with --binary: docker/static.sh in larder's source builds one",
        };
        Some(hint.to_owned())
    }
}

/// The binary that goes into the context.
struct Program {
    path: PathBuf,
    executable: Executable,
    bytes: Vec<u8>,
}

impl Program {
    fn read(arguments: &cli::ViewContext, context: &Context<'_>) -> Result<Self, ContextError> {
        let own = || context.environment.executable().map(Path::to_owned);
        let path = arguments.binary.clone().or_else(own).ok_or(ContextError::Nowhere)?;
        let executable = Executable::read_static(&path)?;
        let read = std::fs::read(&path);
        let bytes = read.map_err(|source| ContextError::Unreadable { path: path.clone(), source })?;
        Ok(Self { path, executable, bytes })
    }

    /// Without other words, the context is for the system that the binary runs on.
    fn platforms(&self) -> Platforms {
        Platforms::Only(BTreeSet::from([self.executable.platform()]))
    }

    fn check(&self, platforms: &Platforms) -> Result<(), ContextError> {
        let runs_on = self.executable.platform();
        let is_it = |platform: &Platform| platform.os == Os::Linux && platform.cpu == runs_on.cpu;
        match platforms {
            Platforms::Only(only) if !only.iter().any(is_it) => {
                Err(ContextError::OtherPlatform { path: self.path.clone(), runs_on, platforms: only.clone() })
            }
            _ => Ok(()),
        }
    }
}

pub(in crate::commands) fn run(
    arguments: &cli::ViewContext,
    context: &Context<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Outcome, CommandError> {
    let view = &arguments.view;
    let program = Program::read(arguments, context)?;
    let projects =
        provision::read_all(&or_here(&view.projects), view.completing.fetching.trust_project_config, context)?;
    check_target(&view.folder, &projects, context)?;
    let mut rows = RecordedRows::default();
    for project in &projects {
        let selection = project.read.selection(&selection_options(&view.completing.selecting), program.platforms())?;
        program.check(&selection.platforms)?;
        rows.add(&project.read, &selection)?;
        let own_downloads = project.read.own_downloads(&selection, context.environment, &provision::policy_of_lockfile);
        provision::tell(own_downloads, context);
    }
    let store = context.open_store()?;
    let (mut seeded, mut gone, mut worst) = (Vec::new(), Vec::new(), None);
    let sessions = provision::sessions(&projects, &store, &view.completing.fetching, context);
    let wanted = (&program.platforms(), Unfetchable::Fail);
    for session in &sessions {
        let supply = provision::complete(session, None, &view.completing, wanted, context)?;
        worst = worst.max(shortfall(&supply));
        seeded.extend(seeded_by(session, &supply));
        gone.extend(supply.report.gone);
    }
    if let Some(fault) = worst {
        return Ok(fault.into());
    }
    let bytes: u64 = seeded
        .iter()
        .map(|seeded| (seeded.found.blob, seeded.found.size))
        .collect::<BTreeSet<_>>()
        .iter()
        .map(|(_, size)| size)
        .sum();
    let mut layout = layout_of(program.bytes, &seeded, |blob| store.receipt(blob))?;
    for gone in &gone {
        add_gone(&mut layout, &gone.wanted, &gone.address);
    }
    for (lockfile, text) in rows.texts() {
        if let Some(text) = text {
            add_rows(&mut layout, &lockfile, &text);
        }
    }
    let published = publish(&store, layout, KIND, &view.folder, is_stopped)?;
    print(context, KIND, view, published);
    context.printer.note(&format!(
        "larder for {} and {} of what the lockfiles name: docker buildx build --build-context larder={} …",
        program.executable.platform(),
        units::bytes(bytes),
        view.folder.display()
    ));
    Ok(Outcome::Done)
}

fn seeded_by<'a>(session: &'a Session, supply: &Completed<'a>) -> Vec<SeedEntry<'a>> {
    let wanted = |planned: &'a Planned| {
        if let Some(integrity) = &planned.artifact.integrity {
            return Some(Wanted::Integrity(integrity.clone()));
        }
        let downloads = session.project.downloads_of([planned]);
        downloads.all.first().map(|download| download.wanted.clone())
    };
    let items = supply.items.iter();
    items
        .filter_map(|item| {
            let (part, artifact) = (SeedPart::of(item.planned), &item.planned.artifact);
            Some(SeedEntry { part, artifact, wanted: wanted(item.planned)?, found: item.found })
        })
        .collect()
}
