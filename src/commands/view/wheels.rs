//! `larder view wheels`: a wheelhouse with an index for pip and micropip.

use serde_json::json;

use super::{larder_lock, pyodide::files, store, threads};
use crate::{
    cli,
    commands::{CommandError, Context, Outcome},
    ui::units,
    view::{folder::publish, stock, wheelhouse::wheelhouse},
};

/// What the marker in the folder says.
const KIND: &str = "wheels";

pub(in crate::commands) fn run(arguments: &cli::ViewWheels, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let lock = larder_lock(&arguments.project)?;
    let store = store(context)?;
    let stock = stock::take(&store, &lock, false, context.now, threads())?;
    let wheels = lock.packages.iter().filter(|package| package.file_name.is_wheel()).count();
    let published = publish(&store, wheelhouse(&lock, &stock.files), KIND, &arguments.folder)?;
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
