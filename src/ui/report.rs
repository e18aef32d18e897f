//! Failures of a fetch, all of them, each with its way out.

use super::{printer::Printer, units};
use crate::fill::{Failure, chain};

/// Lockfile entries that are named for one package.
const ENTRIES: usize = 3;

/// Prints every failure, and each hint once, after the last that it is for.
pub fn failures(printer: Printer, failures: &[Failure]) {
    let mut hints: Vec<&str> = Vec::new();
    for failure in failures {
        let lockfile = &failure.entries[0].lockfile;
        let what = format!("{}: {}", failure.package, failure.kind.sentence(lockfile));
        let mut causes: Vec<String> = failure.kind.causes().iter().map(|cause| caused_by(cause)).collect();
        causes.push(format!("wanted by {}", entries(failure)));
        printer.error(&what, &causes, None);
        if let Some(hint) = failure.kind.hint()
            && !hints.contains(&hint)
        {
            hints.push(hint);
        }
    }
    if !hints.is_empty() {
        printer.hints(&hints);
    }
}

/// Prints what stopped a command.
pub fn error(printer: Printer, error: &(dyn std::error::Error + 'static), hint: Option<&str>) {
    let mut texts = chain(error).into_iter();
    let what = texts.next().unwrap_or_default();
    let causes: Vec<String> = texts.map(|cause| caused_by(&cause)).collect();
    printer.error(&what, &causes, hint);
}

/// A line that says why.
pub fn caused_by(cause: &str) -> String {
    format!("caused by: {cause}")
}

fn entries(failure: &Failure) -> String {
    let named: Vec<String> = failure.entries.iter().take(ENTRIES).map(ToString::to_string).collect();
    let more = failure.entries.len().saturating_sub(ENTRIES);
    let rest = if more == 0 { String::new() } else { format!(" and {} more", units::count(more)) };
    format!("{}{rest}", named.join(", "))
}
