//! Warnings in groups: the first lines of each kind, and how many more there are.

use super::{
    printer::{Mode, Printer},
    units,
};
use crate::{
    fetcher::{Failure, Gone},
    session::Warning,
};

/// Lines of one kind.
const LINES: usize = 10;

/// Warns of each of these, up to a bound.
pub fn warnings(printer: Printer, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(LINES);
    lines.take(LINES).for_each(|line| printer.warning(&line));
    if more > 0 {
        printer.warning(&format!("and {} more like that", units::count(more)));
    }
}

/// Tells a session's warning, with its ways out.
pub fn warning(printer: Printer, warning: &Warning) {
    if warning.is_note() {
        printer.note(&warning.to_string());
    } else {
        warnings(printer, warning.lines().into_iter());
    }
    // Without its warning, a hint says nothing.
    if printer.mode != Mode::Quiet {
        let hints = warning.hints();
        let shown: Vec<&str> = hints.iter().take(LINES).map(String::as_str).collect();
        printer.hints(&shown);
    }
}

/// Says which optional packages are gone, and who wants them.
pub fn gone(printer: Printer, gone: &[Gone]) {
    let line = |failure: &Failure| {
        let mut causes = failure.kind.causes();
        if causes.is_empty() {
            causes.push(failure.kind.sentence(&failure.entries[0].lockfile));
        }
        let why = causes.join(": ");
        format!(
            "{} is optional and gone, so it is left out: {why}\n  wanted by {}",
            failure.package,
            wanted_by(failure)
        )
    };
    let failures: Vec<&Failure> = gone.iter().flat_map(|gone| &gone.packages).collect();
    warnings(printer, failures.into_iter().map(line));
}

/// Says which packages the command has to get by itself.
pub fn left_to_command(printer: Printer, failures: &[Failure]) {
    let line = |failure: &Failure| {
        let why = failure.kind.causes().join(": ");
        let package = &failure.package;
        format!(
            "{package} cannot be fetched by larder: {why}; the command may get it itself\n  wanted by {}",
            wanted_by(failure)
        )
    };
    warnings(printer, failures.iter().map(line));
}

fn wanted_by(failure: &Failure) -> String {
    let more = failure.entries.len() - 1;
    let rest = if more == 0 { String::new() } else { format!(" and {} more", units::count(more)) };
    format!("{}{rest}", failure.entries[0])
}
