//! Failures of a fetch, all of them or the first of many, each reason with its way out.

use std::collections::{HashMap, hash_map::Entry};

use super::{printer::Printer, units};
use crate::{core::error_chain::chain, fetcher::Failure};

/// Lockfile entries that are named for one package.
const ENTRIES: usize = 3;
/// Packages that are named for one reason: a registry that lost thousands must not scroll everything else away.
const PACKAGES: usize = 10;
/// Reasons that are told.
const REASONS: usize = 30;

/// Failures for one reason.
struct Group<'a> {
    sentence: String,
    /// Without addresses.
    causes: Vec<String>,
    failures: Vec<&'a Failure>,
}

/// Where all failures can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// In the command's JSON document.
    InDocument,
    /// Nowhere else.
    Nowhere,
}

/// Prints the failures, those for one reason together, and then each hint once.
pub fn failures(printer: Printer, failures: &[Failure], listed: Listed) {
    let groups = groups(failures);
    for group in groups.iter().take(REASONS) {
        match group.failures.as_slice() {
            [failure] => one(printer, failure, &group.sentence),
            _ => several(printer, group),
        }
    }
    let untold: usize = groups.iter().skip(REASONS).map(|group| group.failures.len()).sum();
    if untold > 0 {
        printer.error(&more(untold, listed), &[], None);
    }
    let mut hints: Vec<&str> = Vec::new();
    for failure in groups.iter().flat_map(|group| &group.failures) {
        hints.extend(failure.hint().filter(|hint| !hints.contains(hint)));
    }
    printer.hints(&hints);
}

fn more(untold: usize, listed: Listed) -> String {
    let all = if listed == Listed::InDocument { ": `--json` lists them all" } else { "" };
    format!("and {} more, for other reasons{all}", units::count(untold))
}

/// In the order of each group's first failure.
fn groups(failures: &[Failure]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<(String, Vec<String>), usize> = HashMap::new();
    for failure in failures {
        let sentence = failure.kind.sentence(&failure.entries[0].lockfile);
        let causes: Vec<String> = failure.kind.causes().iter().map(|cause| apart(cause).1.to_owned()).collect();
        match places.entry((sentence.clone(), causes.clone())) {
            Entry::Occupied(at) => groups[*at.get()].failures.push(failure),
            Entry::Vacant(at) => {
                at.insert(groups.len());
                groups.push(Group { sentence, causes, failures: vec![failure] });
            }
        }
    }
    groups
}

fn one(printer: Printer, failure: &Failure, sentence: &str) {
    let mut lines: Vec<String> = failure.kind.causes().iter().map(|cause| caused_by(cause)).collect();
    lines.push(format!("wanted by {}", entries(failure)));
    printer.error(&format!("{}: {sentence}", failure.package), &lines, None);
}

fn several(printer: Printer, group: &Group<'_>) {
    let mut lines: Vec<String> = group.causes.iter().map(|cause| caused_by(cause)).collect();
    lines.extend(group.failures.iter().take(PACKAGES).map(|failure| {
        let causes = failure.kind.causes();
        let address = causes.iter().find_map(|cause| apart(cause).0);
        let asked = address.map(|address| format!("{address}, ")).unwrap_or_default();
        format!("{}: {asked}wanted by {}", failure.package, entries(failure))
    }));
    let more = group.failures.len().saturating_sub(PACKAGES);
    if more > 0 {
        lines.push(format!("and {} more", units::count(more)));
    }
    let count = units::count(group.failures.len());
    printer.error(&format!("{count} packages: {}", group.sentence), &lines, None);
}

/// `https://…: 404 Not Found` → the address and `404 Not Found`.
fn apart(cause: &str) -> (Option<&str>, &str) {
    match cause.split_once(": ") {
        Some((address, rest)) if address.starts_with("http") => (Some(address), rest),
        _ => (None, cause),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        core::{artifact::Ecosystem, redacted::RedactedUrl},
        fetcher::FailureKind,
        http::DownloadError,
        plan::EntryName,
    };

    fn failure(package: &str, error: DownloadError) -> Failure {
        Failure {
            package: package.into(),
            ecosystem: Ecosystem::Npm,
            entries: vec![EntryName { lockfile: "package-lock.json".into(), path: package.into() }],
            kind: FailureKind::Download(Arc::new(error)),
        }
    }

    fn url(package: &str) -> RedactedUrl {
        RedactedUrl::new(&format!("https://registry.example/{package}.tgz").parse().unwrap())
    }

    #[test]
    fn only_a_document_that_lists_failures_is_named() {
        assert_eq!(more(7, Listed::InDocument), "and 7 more, for other reasons: `--json` lists them all");
        assert_eq!(more(7, Listed::Nowhere), "and 7 more, for other reasons");
    }

    #[test]
    fn failures_are_grouped_by_their_own_reason_whatever_stands_between_them() {
        let redirects = |package: &str| failure(package, DownloadError::RedirectTarget { url: url(package) });
        let scheme = |package: &str| failure(package, DownloadError::Scheme { url: url(package) });
        let failures = [redirects("a"), scheme("b"), redirects("c")];
        let groups = groups(&failures);
        let told: Vec<(Vec<&str>, &[String])> = groups
            .iter()
            .map(|group| (group.failures.iter().map(|failure| &*failure.package).collect(), &*group.causes))
            .collect();
        assert_eq!(
            told,
            [
                (vec!["a", "c"], &["redirects to an address that cannot be fetched".to_owned()][..]),
                (vec!["b"], &["only http and https can be fetched".to_owned()][..]),
            ]
        );
    }
}
