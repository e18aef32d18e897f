//! `larder view pyodide`: a folder that Pyodide loads from with the network cut.

use serde_json::{Value, json};
use url::Url;

use super::{larder_lock, store, threads};
use crate::{
    cli,
    commands::{CommandError, Context, Outcome},
    endpoints::PYODIDE_CDN,
    pyodide::{
        cycles::{BackEdge, Loss},
        folder::{Folder, Ingredients},
        lock_file::LarderLock,
        name::ProjectName,
    },
    ui::{printer::Printer, units},
    view::{
        folder::{Published, publish},
        stock,
    },
};

/// What the marker in the folder says.
const KIND: &str = "pyodide";

pub(in crate::commands) fn run(arguments: &cli::ViewPyodide, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let lock = larder_lock(&arguments.project)?;
    let store = store(context)?;
    let stock = stock::take(&store, &lock, true, context.now, threads())?;
    let ingredients = Ingredients {
        lock: &lock,
        core: stock.core.expect("it was asked for, and its absence is an error"),
        files: stock.files,
        wheels: stock.wheels,
        elsewhere: arguments.full_lock.then(|| elsewhere(&lock)),
    };
    let Folder { layout, cut, losses } = ingredients.lay_out()?;
    if arguments.strict && !cut.is_empty() {
        return Err(CommandError::Cycles { cycles: cut.iter().map(cycle).collect() });
    }
    let published = publish(&store, layout, KIND, &arguments.folder)?;
    let printer = context.printer;
    warn(printer, &cut, &losses);
    printer.line(&format!(
        "{}: pyodide {} with {}; {}",
        arguments.folder.display(),
        lock.runtime.release.version(),
        units::plural(lock.packages.len(), "package", "packages"),
        files(published),
    ));
    if arguments.full_lock {
        printer.note("the other packages of the distribution stay in its lock with their addresses; node cannot load those, browsers can");
    }
    printer.json(&document(arguments, &lock, &cut, &losses, published));
    Ok(Outcome::Done)
}

/// Where the distribution's files are for browsers.
fn elsewhere(lock: &LarderLock) -> Url {
    let address = format!("{PYODIDE_CDN}{}/full/", lock.runtime.release.version().folder());
    address.parse().expect("a public address and a version that was checked")
}

/// `58 files, of them 53 as before and 5 written`.
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

/// `testtools → fixtures → testtools`.
fn cycle(edge: &BackEdge) -> String {
    let names: Vec<&str> = edge.cycle.iter().chain([&edge.to]).map(ProjectName::as_str).collect();
    names.join(" → ")
}

fn warn(printer: Printer, cut: &[BackEdge], losses: &[Loss]) {
    for edge in cut {
        printer.warning(&format!(
            "{} is a cycle, for which Pyodide's loader would wait forever: the lock leaves out that {} needs {}",
            cycle(edge),
            edge.from,
            edge.to
        ));
    }
    for Loss { root, lost } in losses {
        let lost: Vec<&str> = lost.iter().map(ProjectName::as_str).collect();
        printer.warning(&format!("so {root} alone does not load {}: load it beside {root}", lost.join(", ")));
    }
}

fn document(
    arguments: &cli::ViewPyodide,
    lock: &LarderLock,
    cut: &[BackEdge],
    losses: &[Loss],
    published: Published,
) -> Value {
    json!({
        "folder": arguments.folder.display().to_string(),
        "runtime": lock.runtime.release.version().as_str(),
        "packages": lock.packages.len(),
        "files": published.files,
        "kept": published.kept,
        "shared": published.shared,
        "written": published.written,
        "cycles": cut.iter().map(|edge| json!({
            "cycle": edge.cycle.iter().map(ProjectName::as_str).collect::<Vec<_>>(),
            "left_out": [edge.from.as_str(), edge.to.as_str()],
        })).collect::<Vec<_>>(),
        "losses": losses.iter().map(|loss| json!({
            "package": loss.root.as_str(),
            "without": loss.lost.iter().map(ProjectName::as_str).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
