//! `larder fetch`: what lockfiles name, into the store.

use std::time::Instant;

use larder_store::index::IndexState;
use serde::Serialize;

use super::{
    options::{fetch_options, selection_options},
    provision::{configured, policy_of_lockfile, tell},
    restore::restore,
    sums::{silence_line, sum_line},
};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    fetcher::{Failure, FailureKind, Fault, FetchReport, LeftOut},
    plan::{
        Plan, PlanDigest, Sum,
        selection::{Platforms, Selection},
    },
    session::{ReadProject, Session, default_platforms},
    ui::{progress, remarks, report, units},
};

#[derive(Serialize)]
struct Document {
    projects: Vec<ProjectDocument>,
}

#[derive(Serialize)]
struct ProjectDocument {
    project: String,
    digest: PlanDigest,
    entries: Sum,
    artifacts: usize,
    left_out: LeftOut,
    already_here: usize,
    fetched: usize,
    failed: usize,
    gone: usize,
    unfetchable: usize,
    integrity_from_registry: usize,
    recorded: usize,
    requests: u64,
    bytes: u64,
    seconds: f64,
    barrier_seconds: f64,
    failures: Vec<FailureRow>,
}

#[derive(Serialize)]
struct FailureRow {
    package: String,
    kind: &'static str,
    entries: Vec<String>,
    causes: Vec<String>,
}

pub(super) fn run(arguments: &cli::Fetch, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let mut document = Document { projects: Vec::new() };
    let mut worst: Option<Fault> = None;
    // Every lockfile is read before anything is downloaded: a typing error in the last path should not cost minutes.
    let projects = arguments.projects.iter().map(|path| ReadProject::read(path)).collect::<Result<Vec<_>, _>>()?;
    tell(projects.iter().flat_map(ReadProject::warnings), context);
    let store = context.open_store(projects.iter().map(|read| &read.project.settings))?;
    for (path, read) in arguments.projects.iter().zip(projects) {
        if arguments.projects.len() > 1 {
            context.printer.line(&format!("{}:", path.display()));
        }
        tell(read.lock_warnings(), context);
        let selection = read.selection(&selection_options(&arguments.selecting), default_platforms())?;
        tell(read.own_downloads(&selection, context.environment, &policy_of_lockfile), context);
        let project = configured(read, arguments.fetching.trust_project_config, context)?;
        let session = Session::of(project, store.clone(), &fetch_options(&arguments.fetching), context.now);
        let one = fetch(&session, &selection, context)?;
        worst = worst.max(one.report.failures.iter().map(|failure| failure.kind.fault()).max());
        document.projects.push(one.document(path.display().to_string(), session.plan()));
    }
    context.printer.json(&document);
    Ok(worst.map_or(Outcome::Done, Outcome::from))
}

struct Fetched {
    report: FetchReport,
    selected: usize,
    unfetchable: usize,
    left_out: LeftOut,
    elapsed: std::time::Duration,
}

fn fetch(session: &Session, selection: &Selection, context: &Context<'_>) -> Result<Fetched, CommandError> {
    let (downloads, left_out) = session.downloads(selection);
    let selected = downloads.artifacts();
    restore(session, &downloads, context)?;
    let start = Instant::now();
    let report = session.fetch(&downloads, &progress::watcher(context.printer));
    if let Ok(report) = &report {
        let files = downloads.all.iter().zip(&report.found);
        let here = files.filter_map(|(download, found)| Some((download, (*found)?)));
        tell(
            session
                .git_builds(here.flat_map(|(download, found)| download.planned().iter().map(move |one| (*one, found)))),
            context,
        );
    }
    let report = report?;
    let unfetchable =
        report.failures.iter().filter(|failure| matches!(failure.kind, FailureKind::Unfetchable(_))).count();
    let selected = selected - unfetchable;
    let fetched = Fetched { report, selected, unfetchable, left_out, elapsed: start.elapsed() };
    fetched.print(context, &session.project.read, selection);
    remarks::gone(context.printer, &fetched.report.gone);
    report::failures(context.printer, &fetched.report.failures, report::Listed::InDocument);
    Ok(fetched)
}

impl Fetched {
    fn print(&self, context: &Context<'_>, read: &ReadProject, selection: &Selection) {
        let printer = context.printer;
        let report = &self.report;
        printer.line(&sum_line(read));
        if let Some(line) = silence_line(read) {
            printer.line(&line);
        }
        if let Some(line) = self.left_out_line(selection) {
            printer.line(&line);
        }
        let gone = match report.gone_artifacts() {
            0 => String::new(),
            gone => format!(" + {} optional and gone", units::count(gone)),
        };
        printer.line(&format!(
            "{} = {} already here + {} fetched + {} failed{gone}",
            units::plural(self.selected, "artifact", "artifacts"),
            units::count(report.already_here),
            units::count(report.fetched),
            units::count(report.failures.len() - self.unfetchable),
        ));
        if report.integrity_from_registry > 0 {
            printer.line(&format!(
                "{} without integrity in the lockfile: the registry's was taken",
                units::plural(report.integrity_from_registry, "artifact", "artifacts")
            ));
        }
        if report.recorded > 0 {
            printer.line(&format!(
                "{} without integrity anywhere: what came was recorded, and is expected from now on",
                units::plural(report.recorded, "artifact", "artifacts")
            ));
        }
        let barrier = if report.barrier.as_millis() > 0 {
            format!(", {} of it waiting for the disk", units::duration(report.barrier))
        } else {
            String::new()
        };
        printer.line(&format!(
            "{}, {} in {}{barrier}",
            units::plural(report.requests, "request", "requests"),
            units::bytes(report.received),
            units::duration(self.elapsed)
        ));
        if let Some(IndexState::Rebuilt(why)) = &report.index
            && why != "there was none"
        {
            printer.warning("the store's index was damaged and has been made again from the receipts; nothing is lost");
        }
    }

    fn left_out_line(&self, selection: &Selection) -> Option<String> {
        let LeftOut { other_platforms, omitted } = self.left_out;
        let mut parts = Vec::new();
        if other_platforms > 0
            && let Platforms::Only(platforms) = &selection.platforms
        {
            let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
            parts.push(format!("{} for other platforms than {}", units::count(other_platforms), names.join(", ")));
        }
        if omitted > 0 {
            parts.push(format!("{} of omitted groups", units::count(omitted)));
        }
        (!parts.is_empty()).then(|| format!("left out: {}", parts.join("; ")))
    }

    fn document(&self, project: String, plan: &Plan) -> ProjectDocument {
        let report = &self.report;
        ProjectDocument {
            project,
            digest: plan.digest(),
            entries: plan.sum(),
            artifacts: self.selected,
            left_out: self.left_out,
            already_here: report.already_here,
            fetched: report.fetched,
            failed: report.failures.len() - self.unfetchable,
            gone: report.gone_artifacts(),
            unfetchable: self.unfetchable,
            integrity_from_registry: report.integrity_from_registry,
            recorded: report.recorded,
            requests: report.requests,
            bytes: report.received,
            seconds: self.elapsed.as_secs_f64(),
            barrier_seconds: report.barrier.as_secs_f64(),
            failures: report.failures.iter().map(failure_row).collect(),
        }
    }
}

fn failure_row(failure: &Failure) -> FailureRow {
    FailureRow {
        package: failure.package.to_string(),
        kind: failure.kind.name(),
        entries: failure.entries.iter().map(ToString::to_string).collect(),
        causes: failure.kind.causes(),
    }
}
