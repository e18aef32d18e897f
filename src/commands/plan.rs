//! `larder plan`: prints the artifacts that the lockfiles name, and the plan's digest.

use serde::Serialize;

use super::input::Input;
use crate::{
    cli,
    commands::{context::Context, error::CommandError, outcome::Outcome},
    core::{
        artifact::{Conditions, Source},
        file_host::FilePlace,
        redacted::redact,
    },
    plan::{PlanDigest, Planned, Sum},
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
    let read = |path| Input::read(path).map(|input| (input.plan.digest(), input));
    let inputs = arguments.projects.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    for (path, (digest, input)) in arguments.projects.iter().zip(&inputs) {
        if arguments.digest {
            input.tell(context);
            context.printer.value(&digest.to_string());
            continue;
        }
        if inputs.len() > 1 {
            context.printer.line(&format!("{}:", path.display()));
        }
        print(input, *digest, context);
    }
    if arguments.digest {
        return Ok(Outcome::Done);
    }
    let several = arguments.projects.iter().zip(&inputs);
    match inputs.as_slice() {
        [(digest, input)] => context.printer.json(&document(input, *digest)),
        _ => context.printer.json(&Documents {
            projects: several
                .map(|(path, (digest, input))| ProjectDocument {
                    project: path.display().to_string(),
                    document: document(input, *digest),
                })
                .collect(),
        }),
    }
    Ok(Outcome::Done)
}

fn print(input: &Input, digest: PlanDigest, context: &Context<'_>) {
    input.tell(context);
    context.printer.line(&input.sum_line());
    if let Some(line) = input.silence_line() {
        context.printer.line(&line);
    }
    context.printer.line(&format!("plan digest {digest}"));
    let unfetchable = input.plan.unfetchable().iter();
    remarks::warnings(context.printer, unfetchable.map(|entry| format!("{}: {}", entry.entry, entry.unfetchable)));
}

fn document(input: &Input, digest: PlanDigest) -> Document<'_> {
    Document {
        digest,
        lockfiles: input.lockfiles().map(|lockfile| lockfile.name.as_str()).collect(),
        entries: input.plan.sum(),
        artifacts: input.plan.artifacts().iter().map(row).collect(),
        unfetchable: input
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
