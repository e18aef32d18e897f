//! The rows of `larder.lock` for packages that download files themselves: worked out, and told.

use std::sync::Arc;

use larder_store::Store;
use serde::Serialize;

use crate::{
    cli,
    commands::{context::Context, error::CommandError, options::selection_options, outcome::Outcome},
    config::{package_manager::NpmConfig, project::Project},
    core::error_chain::chain,
    fetcher::{Fault, FirstFetchError},
    lockfile::{
        EntryKind, Reading,
        larder_lock::{LarderLock, RecordedAbsence, RecordedDownload},
    },
    npm::own_downloads::is_in_table,
    session::{
        ConfiguredProject, FetchOptions, LockedRows, NewContent, NewRow, ReadProject, RowFailure, RowProblem,
        RowsRequest, Session, UnknownAddresses, Warning, default_platforms,
    },
    ui::{progress, remarks, report, units},
};

/// The rows, and what is to be told of them.
pub(super) struct Rows {
    pub(super) downloads: Vec<RecordedDownload>,
    pub(super) absent: Vec<RecordedAbsence>,
    /// `None` where no package downloads files itself.
    told: Option<LockedRows>,
}

/// What `--json` says of it.
#[derive(Default, Serialize)]
pub(super) struct DownloadsDocument {
    packages: usize,
    rows: usize,
    absent: usize,
    new: Vec<NewDocument>,
    gone: Vec<String>,
    unknown: Vec<UnknownDocument>,
    failures: Vec<FailureDocument>,
}

#[derive(Serialize)]
struct NewDocument {
    url: String,
    by: String,
    size: Option<u64>,
    trust: Option<&'static str>,
    status: Option<u16>,
}

#[derive(Serialize)]
struct UnknownDocument {
    package: String,
    why: Vec<String>,
}

#[derive(Serialize)]
struct FailureDocument {
    url: String,
    by: String,
    causes: Vec<String>,
}

/// Whether a project may have such rows: a lockfile names a package of the table, or a library that downloads for others, or there is a row of such a package.
pub(super) fn are_there(readings: &[Reading], before: &LarderLock) -> bool {
    let by = before.downloads.iter().flat_map(|row| &row.by).chain(before.absent.iter().flat_map(|row| &row.by));
    let mut entries = readings.iter().flat_map(|reading| &reading.entries);
    entries.any(|entry| match &entry.kind {
        EntryKind::Artifact(artifact) => is_in_table(artifact.name.as_str()),
        _ => false,
    }) || by.into_iter().any(|by| by.package().is_some_and(is_in_table))
}

/// Works them out.
pub(super) fn lock(
    project: Project,
    readings: &[Reading],
    before: &LarderLock,
    (npm, arguments): (&NpmConfig, &cli::Lock),
    store: &Store,
    context: &Context<'_>,
) -> Result<Rows, CommandError> {
    if project.lockfiles.is_empty() {
        return Ok(Rows::unchanged(before));
    }
    let read = ReadProject::without_larder_lock(project, readings)?;
    let selection = read.selection(&selection_options(&arguments.selecting), default_platforms())?;
    let mut warn = |warning: Warning| {
        // What is said of the folder's own files was said before.
        let is_told = matches!(&warning, Warning::Configuration(warning) if npm.warnings().contains(warning));
        if !is_told {
            remarks::warning(context.printer, &warning);
        }
    };
    let options = FetchOptions { trusts_project: arguments.trust_project_config, ..FetchOptions::default() };
    let configured = ConfiguredProject::new(read, context.environment, options.trusts_project, &mut warn)?;
    let session = Session::of(Arc::new(configured), store.clone(), &options, context.now);
    let (environment, is_check) = (context.environment, arguments.check);
    let request = RowsRequest { before, selection: &selection, environment, is_check };
    let rows = session.lock_rows(request, &|| progress::watcher(context.printer))?;
    Ok(Rows { downloads: rows.downloads.clone(), absent: rows.absent.clone(), told: Some(rows) })
}

impl Rows {
    /// Those that are there.
    pub(super) fn unchanged(before: &LarderLock) -> Self {
        Self { downloads: before.downloads.clone(), absent: before.absent.clone(), told: None }
    }

    /// Whether they were worked out.
    pub(super) fn are_worked_out(&self) -> bool {
        self.told.is_some()
    }

    /// Whether rows would come that a check does not fetch.
    pub(super) fn would_change(&self, is_check: bool) -> bool {
        is_check && self.told.as_ref().is_some_and(|told| !told.new.is_empty())
    }

    /// How the command ends, as far as it is about rows.
    pub(super) fn outcome(&self) -> Outcome {
        let told = self.told.iter();
        let faults = told.flat_map(|told| {
            let rows = told.failures.iter().map(|failure| failure.problem.fault());
            rows.chain(told.packages_failed.iter().map(|failure| failure.kind.fault()))
        });
        faults.max().map_or(Outcome::Done, Outcome::from)
    }

    /// Says what came, what went and what could not be had.
    pub(super) fn tell(&self, context: &Context<'_>) {
        let Some(told) = &self.told else { return };
        let printer = context.printer;
        if told.packages > 0 {
            printer.line(&format!(
                "{} + {}; {}",
                units::plural(self.downloads.len(), "download", "downloads"),
                units::plural(self.absent.len(), "absence", "absences"),
                units::plural(
                    told.packages,
                    "package that downloads by itself",
                    "packages that download by themselves"
                ),
            ));
        }
        told.gone.iter().for_each(|url| printer.line(&format!("- {url}")));
        told.new.iter().for_each(|row| printer.line(&line(row)));
        told.unknown.iter().for_each(|unknown| printer.warning(&unknown_line(unknown)));
        let mut hints: Vec<&str> = told.unknown.iter().map(|unknown| unknown.hint.as_str()).collect();
        hints.dedup();
        printer.hints(&hints);
        report::failures(printer, &told.packages_failed, report::Listed::Nowhere);
        for RowFailure { url, by, problem } in &told.failures {
            let (causes, hint) = failure(problem);
            let causes: Vec<String> = causes.iter().map(|cause| format!("caused by: {cause}")).collect();
            printer.error(&format!("{}: {url}", named(by)), &causes, hint);
        }
    }

    pub(super) fn document(&self) -> DownloadsDocument {
        let (rows, absent) = (self.downloads.len(), self.absent.len());
        let Some(told) = &self.told else { return DownloadsDocument { rows, absent, ..DownloadsDocument::default() } };
        let unknown = |it: &UnknownAddresses| UnknownDocument { package: it.package.clone(), why: it.why.clone() };
        let failed = |it: &RowFailure| FailureDocument {
            url: it.url.to_string(),
            by: it.by.clone(),
            causes: failure(&it.problem).0,
        };
        DownloadsDocument {
            packages: told.packages,
            rows,
            absent,
            new: told.new.iter().map(new_document).collect(),
            gone: told.gone.iter().map(ToString::to_string).collect(),
            unknown: told.unknown.iter().map(unknown).collect(),
            failures: told.failures.iter().map(failed).collect(),
        }
    }
}

fn new_document(row: &NewRow) -> NewDocument {
    let (size, trust, status) = match row.came {
        Some(NewContent::Bytes { size, trust }) => (Some(size), Some(trust.name()), None),
        Some(NewContent::Absent(status)) => (None, None, Some(status.code())),
        None => (None, None, None),
    };
    NewDocument { url: row.url.to_string(), by: row.by.clone(), size, trust, status }
}

/// `+ https://… for cypress 13.17.0: 214.1 MB, first-use`.
fn line(row: &NewRow) -> String {
    let NewRow { url, by, came } = row;
    let what = match came {
        Some(NewContent::Bytes { size, trust }) => format!(": {}, {}", units::bytes(*size), trust.name()),
        Some(NewContent::Absent(status)) => format!(": not there ({})", status.code()),
        None => String::new(),
    };
    format!("+ {url} for {}{what}", named(by))
}

/// `cypress 13.17.0` of `cypress@13.17.0`.
fn named(by: &str) -> String {
    by.rsplit_once('@').map_or_else(|| by.to_owned(), |(name, version)| format!("{name} {version}"))
}

fn unknown_line(unknown: &UnknownAddresses) -> String {
    format!("{} downloads files that larder.lock does not have: {}", unknown.package, unknown.why.join("; "))
}

/// The causes of a failure, and the way out.
fn failure(problem: &RowProblem) -> (Vec<String>, Option<&'static str>) {
    match problem {
        RowProblem::Disagrees(disagreement) => (
            vec![format!(
                "larder.lock has sha256 {}, and the package states {}",
                disagreement.row.to_hex(),
                disagreement.stated.to_hex()
            )],
            Some(
                "take its [[download]] out of larder.lock and lock again, if you did not change it yourself; ask who did",
            ),
        ),
        RowProblem::New(error @ FirstFetchError::Mismatch { .. }) => (
            chain(error),
            Some(
                "the file is not the one that its package, or the list beside it, states: nothing of it was kept; ask whoever publishes it",
            ),
        ),
        RowProblem::Known(error @ FirstFetchError::Mismatch { .. }) => (
            chain(error),
            Some(
                "the server has other bytes there than when it was recorded: if you trust them, take its [[download]] out of larder.lock and lock again; else ask whoever publishes it",
            ),
        ),
        RowProblem::New(error @ FirstFetchError::Page) | RowProblem::Known(error @ FirstFetchError::Page) => {
            (chain(error), Some("this usually means a sign-in page of a network or a proxy: nothing of it was kept"))
        }
        RowProblem::New(error) | RowProblem::Known(error) => {
            let again = "run it again: what was locked stays, and the rest is asked for";
            (chain(error), (error.fault() == Fault::Network).then_some(again))
        }
    }
}
