//! `larder view context`: larder and what lockfiles name, as a context for a build.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{summary::print, target::check_target};
use crate::{
    buildkit::executable::{Executable, ExecutableError},
    cli,
    commands::{
        context::Context,
        error::{CommandError, EndsCommand},
        options::or_here,
        outcome::Outcome,
        provision,
        seed::{Asked, Seeded, seed},
    },
    fetcher::Reader,
    plan::selection::{Os, Platform, Platforms, Selection},
    ui::units,
    view::{
        context::{SeedPart, context as layout_of},
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
    let asked = Asked {
        projects: &projects,
        completing: &view.completing,
        platforms: &program.platforms(),
        reader: Reader::Fetcher,
    };
    let check = |selection: &Selection| Ok(program.check(&selection.platforms)?);
    let place = |part: SeedPart| format!("{}/", part.folder());
    let Seeded { store, layout, bytes } = match seed(&asked, check, place, context)? {
        Ok(seeded) => seeded,
        Err(fault) => return Ok(fault.into()),
    };
    let layout = layout_of(program.bytes, layout);
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
