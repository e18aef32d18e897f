//! `larder verify --pyodide`: a folder that Pyodide is to load from, against its own lock.

use std::{path::Path, time::Instant};

use serde_json::{Value, json};

use crate::{
    commands::{context::Context, error::CommandError, outcome::Outcome},
    pyodide::lint::{Problem, lint},
    session::threads,
    ui::units,
    view::pyodide_contents::read_contents,
};

pub(super) fn run(folder: &Path, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let start = Instant::now();
    let (contents, bytes) = read_contents(folder, threads())?;
    let problems = lint(&contents);
    let printer = context.printer;
    printer.line(&format!(
        "{} read, {} in {}",
        units::plural(contents.files.len(), "file", "files"),
        units::bytes(bytes),
        units::duration(start.elapsed())
    ));
    for problem in &problems {
        printer.error(&problem.to_string(), &[], None);
    }
    printer.line(&match problems.len() {
        0 => format!("{} loads offline: its lock is closed, and every file is what the lock says", folder.display()),
        number => format!("{}: {}", folder.display(), units::plural(number, "problem", "problems")),
    });
    printer.json(&json!({
        "folder": folder.display().to_string(),
        "files": contents.files.len(),
        "bytes": bytes,
        "problems": problems.iter().map(row).collect::<Vec<_>>(),
    }));
    Ok(if problems.is_empty() { Outcome::Done } else { Outcome::Wrong })
}

fn row(problem: &Problem) -> Value {
    json!({"kind": problem.kind.name(), "package": problem.package, "problem": problem.kind.to_string()})
}
