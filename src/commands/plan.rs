//! `larder plan`: prints the artifacts that the lockfiles name, and the plan's digest.

use serde::Serialize;

use super::{
    provision::{policy_of_lockfile, tell},
    sums::{silence_line, sum_line},
};
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    core::{
        artifact::{Conditions, Source},
        file_host::FilePlace,
        redacted::redact,
    },
    plan::{PlanDigest, Planned, Sum},
    session::{ReadProject, SelectionOptions, Warning, default_platforms},
    ui::remarks,
};

/// Several projects, as `fetch` prints them. A project alone is a document by itself.
#[derive(Serialize)]
struct Documents<'a> {
    projects: Vec<ProjectDocument<'a>>,
}

#[derive(Serialize)]
struct ProjectDocument<'a> {
    project: String,
    #[serde(flatten)]
    document: Document<'a>,
}

#[derive(Serialize)]
struct Document<'a> {
    digest: PlanDigest,
    lockfiles: Vec<&'a str>,
    entries: Sum,
    artifacts: Vec<ArtifactRow<'a>>,
    unfetchable: Vec<UnfetchableRow>,
}

#[derive(Serialize)]
struct ArtifactRow<'a> {
    ecosystem: &'static str,
    name: &'a str,
    version: &'a str,
    /// The lockfile's address, if it states one.
    address: Option<String>,
    integrity: Option<String>,
    #[serde(flatten)]
    conditions: &'a Conditions,
    entries: Vec<String>,
}

#[derive(Serialize)]
struct UnfetchableRow {
    entry: String,
    name: String,
    reason: String,
}

pub(super) fn run(arguments: &cli::Plan, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let read = |path| ReadProject::read(path).map(|read| (read.plan.digest(), read));
    let projects = arguments.projects.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    for (path, (digest, read)) in arguments.projects.iter().zip(&projects) {
        if arguments.digest {
            tell(read.warnings(), context);
            context.printer.value(&digest.to_string());
            continue;
        }
        if projects.len() > 1 {
            context.printer.line(&format!("{}:", path.display()));
        }
        print(read, *digest, context);
    }
    if arguments.digest {
        return Ok(Outcome::Done);
    }
    let several = arguments.projects.iter().zip(&projects);
    match projects.as_slice() {
        [(digest, read)] => context.printer.json(&document(read, *digest)),
        _ => context.printer.json(&Documents {
            projects: several
                .map(|(path, (digest, read))| ProjectDocument {
                    project: path.display().to_string(),
                    document: document(read, *digest),
                })
                .collect(),
        }),
    }
    Ok(Outcome::Done)
}

fn print(read: &ReadProject, digest: PlanDigest, context: &Context<'_>) {
    tell(read.warnings(), context);
    tell(own_downloads(read, context), context);
    context.printer.line(&sum_line(read));
    if let Some(line) = silence_line(read) {
        context.printer.line(&line);
    }
    context.printer.line(&format!("plan digest {digest}"));
    let unfetchable = read.plan.unfetchable().iter();
    remarks::warnings(context.printer, unfetchable.map(|entry| format!("{}: {}", entry.entry, entry.unfetchable)));
}

/// Warns of what packages download themselves on the platforms that a fetch would be for.
fn own_downloads(read: &ReadProject, context: &Context<'_>) -> Option<Warning> {
    let selection = read.selection(&SelectionOptions::default(), default_platforms()).ok()?;
    read.own_downloads(&selection, context.environment, &policy_of_lockfile)
}

fn document(read: &ReadProject, digest: PlanDigest) -> Document<'_> {
    Document {
        digest,
        lockfiles: read.lockfiles().map(|lockfile| lockfile.name.as_str()).collect(),
        entries: read.plan.sum(),
        artifacts: read.plan.artifacts().iter().map(row).collect(),
        unfetchable: read
            .plan
            .unfetchable()
            .iter()
            .map(|entry| UnfetchableRow {
                entry: entry.entry.to_string(),
                name: entry.unfetchable.name.clone(),
                reason: entry.unfetchable.reason.to_string(),
            })
            .collect(),
    }
}

fn row(planned: &Planned) -> ArtifactRow<'_> {
    let artifact = &planned.artifact;
    let address = match &artifact.source {
        Source::Registry { resolved } => resolved.as_ref().map(redact),
        Source::Named { registry } => Some(format!("the registry named {registry}")),
        Source::Remote { url } | Source::Index { place: FilePlace::Url(url) } => Some(redact(url)),
        Source::Index { place: FilePlace::Hosted(path) } => Some(path.to_string()),
        Source::Distribution { release, file_name } => Some(format!("pyodide {release} {file_name}")),
        // It has no secret, and its query tells files apart.
        Source::Recorded { url } => Some(url.to_string()),
        Source::Git { forge, repository, commit } => Some(format!("git {} {repository}#{commit}", forge.name())),
    };
    ArtifactRow {
        ecosystem: artifact.ecosystem.name(),
        name: artifact.name.as_str(),
        version: artifact.version.as_str(),
        address,
        integrity: artifact.integrity.as_ref().map(ToString::to_string),
        conditions: &artifact.conditions,
        entries: planned.entries.iter().map(ToString::to_string).collect(),
    }
}
