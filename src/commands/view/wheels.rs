//! `larder view wheels`: a wheelhouse with an index for pip and micropip.

use serde_json::json;

use super::{summary::files, target::check_target};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, larder_lock, options::fetch_options, outcome::Outcome},
    session::Session,
    ui::units,
    view::{folder::publish, wheelhouse::wheelhouse},
};

/// What the marker in the folder says.
const KIND: &str = "wheels";

pub(in crate::commands) fn run(
    arguments: &cli::ViewWheels,
    context: &Context<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Outcome, CommandError> {
    let project = larder_lock::read_locked(&arguments.project, arguments.fetching.trust_project_config, context)?;
    check_target(&arguments.folder, std::slice::from_ref(&project), context)?;
    let store = context.open_store([&project.read.project.settings])?;
    let session = Session::of(project, store.clone(), &fetch_options(&arguments.fetching), context.now);
    let lock = session.project.read.require_pyodide_lock()?;
    let loaded = match larder_lock::load(&session, lock, false, context)? {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let wheels = lock.packages.iter().filter(|package| package.file_name.is_wheel()).count();
    let published = publish(&store, wheelhouse(lock, &loaded.files), KIND, &arguments.folder, is_stopped)?;
    context.printer.line(&format!(
        "{}: {} and their index; {}",
        arguments.folder.display(),
        units::plural(wheels, "wheel", "wheels"),
        files(published)
    ));
    context.printer.json(&json!({
        "folder": arguments.folder.display().to_string(),
        "wheels": wheels,
        "files": published.files,
        "kept": published.kept,
        "shared": published.shared,
        "written": published.written,
    }));
    Ok(Outcome::Done)
}
