//! `larder view context`: larder and what lockfiles name, as a context for a build.

use super::{summary::print, target::check_target};
use crate::{
    cli,
    commands::{
        context::Context,
        error::CommandError,
        options::or_here,
        outcome::Outcome,
        program::Program,
        provision,
        seed::{Asked, Seeded, seed},
    },
    fetcher::Reader,
    plan::selection::Selection,
    ui::units,
    view::{
        context::{SeedPart, context as layout_of},
        folder::publish,
    },
};

/// What the marker in the folder says.
const KIND: &str = "context";

pub(in crate::commands) fn run(
    arguments: &cli::ViewContext,
    context: &Context<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Outcome, CommandError> {
    let view = &arguments.view;
    let program = Program::read(arguments.binary.as_deref(), context)?;
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
