//! The summary of a view, as lines and as JSON.

use serde::Serialize;

use crate::{cli, commands::context::Context, ui::units, view::folder::Published};

#[derive(Serialize)]
struct Document {
    view: &'static str,
    folder: String,
    files: usize,
    kept: usize,
    shared: usize,
    written: usize,
}

/// The summary of a view of npm packages.
pub(super) fn print(context: &Context<'_>, name: &'static str, view: &cli::ViewFolder, published: Published) {
    let Published { files, kept, shared, written } = published;
    context.printer.line(&format!(
        "{}: {} = {} kept + {} shared with the store + {} written",
        view.folder.display(),
        units::plural(files, "file", "files"),
        units::count(kept),
        units::count(shared),
        units::count(written),
    ));
    let folder = view.folder.display().to_string();
    context.printer.json(&Document { view: name, folder, files, kept, shared, written });
}

/// `58 files: 53 as before, 5 written`.
pub(super) fn files(published: Published) -> String {
    let Published { files, kept, shared, written } = published;
    let parts = [(kept, "as before"), (shared, "shared with the store"), (written, "written")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", units::count(number)))
        .collect();
    format!("{}: {}", units::plural(files, "file", "files"), parts.join(", "))
}
