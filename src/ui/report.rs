//! Failures of a fetch, all of them, each with its way out.

use std::collections::HashSet;

use super::{printer::Printer, units};
use crate::fill::{Failure, chain};

/// Lockfile entries that are named for one package.
const ENTRIES: usize = 3;

/// Prints every failure: one whose reason was told before in one line; and then each hint once.
pub fn failures(printer: Printer, failures: &[Failure]) {
    let mut hints: Vec<&str> = Vec::new();
    let mut told: HashSet<Vec<String>> = HashSet::new();
    for failure in failures {
        let lockfile = &failure.entries[0].lockfile;
        let what = format!("{}: {}", failure.package, failure.kind.sentence(lockfile));
        let causes = failure.kind.causes();
        let wanted = format!("wanted by {}", entries(failure));
        if !causes.is_empty() && !told.insert(causes.iter().map(|cause| without_address(cause)).collect()) {
            printer.error(&format!("{what}, for the same reason; {wanted}"), &[], None);
        } else {
            let mut lines: Vec<String> = causes.iter().map(|cause| caused_by(cause)).collect();
            lines.push(wanted);
            printer.error(&what, &lines, None);
        }
        hints.extend(failure.hint().filter(|hint| !hints.contains(hint)));
    }
    printer.hints(&hints);
}

/// `https://…: 404 Not Found` → `404 Not Found`.
fn without_address(cause: &str) -> String {
    let rest = if cause.starts_with("http") { cause.split_once(": ").map(|(_, rest)| rest) } else { None };
    rest.unwrap_or(cause).to_owned()
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
