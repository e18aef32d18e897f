//! `larder push`: shares plans' files in a registry or an object store.

use std::{collections::BTreeSet, time::Instant};

use larder_store::{
    StoreError,
    receipt::Receipt,
    seed::{Member, member},
};
use serde_json::json;

use super::{
    options::or_here,
    provision,
    pull::NoPlace,
    seed::{Asked, Seeded, seed},
};
use crate::{
    cli::{self, Target},
    commands::{
        context::Context,
        error::{CommandError, EndsCommand, SignalsError},
        outcome::Outcome,
    },
    core::{
        error_chain::chain,
        interrupt::Interrupt,
        layout::{Content, Layout},
    },
    fetcher::Reader,
    plan::PlanDigest,
    session::{ConfiguredProject, client_settings, default_platforms},
    share::{
        object::{ObjectRemote, ObjectSettings, PushOptions, Pushed},
        reference::{Reference, ReferenceError},
        remote::RemoteError,
    },
    ui::units,
};

impl EndsCommand for ReferenceError {
    fn hint(&self) -> Option<String> {
        Some("name one such as s3://bucket/larder, oci://registry.example/web:{plan} or file:///mnt/larder".to_owned())
    }
}

impl EndsCommand for RemoteError {
    fn outcome(&self) -> Outcome {
        if self.is_interrupted() { Outcome::Interrupted } else { self.fault().into() }
    }

    fn hint(&self) -> Option<String> {
        match self.of_store()? {
            StoreError::DamagedBlob { .. } => Some("`larder verify --repair` fetches damaged blobs again".to_owned()),
            error => EndsCommand::hint(error),
        }
    }
}

pub(super) fn run(arguments: &cli::Push, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let (mut to, paths) = Target::split(&arguments.targets);
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let projects = provision::read_all(&or_here(&paths), trusts_project, context)?;
    if to.is_empty() {
        let stated: BTreeSet<&String> =
            projects.iter().filter_map(|project| project.read.project.settings.share.to.as_ref()).collect();
        to = stated.into_iter().map(|text| text.parse()).collect::<Result<_, ReferenceError>>()?;
    }
    if to.is_empty() {
        return Err(NoPlace { verb: "push to", key: "to" }.into());
    }
    if arguments.read_only {
        context.printer.line("nothing was pushed: --read-only");
        return Ok(Outcome::Done);
    }
    let completing = &arguments.completing;
    // What is sent is compared on its way.
    let asked = Asked { projects: &projects, completing, platforms: &default_platforms(), reader: Reader::Caller };
    let seeded = match seed(&asked, |_| Ok(()), |_| String::new(), context)? {
        Ok(seeded) => seeded,
        Err(fault) => return Ok(fault.into()),
    };
    let is_stopped = || interrupt.came();
    let options = PushOptions { is_repair: arguments.repair, is_stopped: &is_stopped };
    let (mut documents, plan) = (Vec::new(), plan_of(&projects));
    for place in &to {
        let start = Instant::now();
        let pushed = push(place, &plan, &seeded, &projects[0], options, context)?;
        let (count, bytes) = pushed.as_ref().map_or((0, 0), |pushed| (pushed.sent.count, pushed.sent.bytes));
        print(place, pushed.as_ref(), start, context);
        documents.push(json!({
            "to": place.to_string(),
            "plan": plan,
            "sent": count,
            "already_there": pushed.as_ref().map(|pushed| pushed.already_there),
            "bytes": bytes,
            "is_written": pushed.as_ref().is_some_and(|pushed| pushed.is_written),
            "is_read_only": pushed.is_none(),
            "seconds": start.elapsed().as_secs_f64(),
        }));
    }
    context.printer.json(&json!({ "places": documents }));
    Ok(Outcome::Done)
}

/// Shares in one place; `None` if the credentials can read there and not write.
fn push(
    place: &Reference,
    plan: &str,
    seeded: &Seeded,
    project: &ConfiguredProject,
    options: PushOptions<'_>,
    context: &Context<'_>,
) -> Result<Option<Pushed>, RemoteError> {
    let client = client_settings(project.configurations[0].network(), &project.read.project.settings);
    let settings = ObjectSettings { environment: context.environment, client: &client, is_to_write: true };
    let Reference::Object(reference) = place;
    let remote = ObjectRemote::open(reference, &settings)?;
    let pushed = remote.push(plan, &receipts_of(&seeded.layout), &seeded.store, options);
    match pushed {
        Ok(pushed) => Ok(Some(pushed)),
        // As in the pull request of a fork: what can be read is used, and nothing is written.
        Err(error) if error.is_denied() && remote.can_read() => {
            let why = chain(&error).join(": ");
            context.printer.warning(&format!("nothing was pushed: these credentials can only read: {why}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn print(place: &Reference, pushed: Option<&Pushed>, start: Instant, context: &Context<'_>) {
    let Some(Pushed { sent, already_there, is_written }) = pushed else { return };
    let elapsed = units::duration(start.elapsed());
    let blobs = units::plural(sent.count + already_there, "blob", "blobs");
    let sums = format!("{} sent + {} already there", units::count(sent.count), units::count(*already_there));
    let written = if *is_written { "" } else { "; nothing is new" };
    context.printer.line(&format!("{place}: {blobs} = {sums}{written}"));
    context.printer.line(&format!("{} in {elapsed}", units::bytes(sent.bytes)));
}

/// What several projects are found by together.
fn plan_of(projects: &[std::sync::Arc<ConfiguredProject>]) -> String {
    let digests: BTreeSet<PlanDigest> = projects.iter().map(|project| project.read.plan.digest()).collect();
    let mut digests = digests.iter();
    match (digests.next(), digests.len()) {
        (Some(only), 0) => only.hex(),
        (first, _) => {
            let mut hasher = blake3::Hasher::new();
            for digest in first.into_iter().chain(digests) {
                hasher.update(digest.as_bytes());
            }
            hasher.finalize().to_hex().to_string()
        }
    }
}

/// The receipts among a seed's files.
fn receipts_of(seed: &Layout) -> Vec<Receipt> {
    let files = seed.files().filter(|(path, _)| matches!(member(path), Some(Member::Receipt(_))));
    let bytes = files.filter_map(|(_, content)| if let Content::Bytes(bytes) = content { Some(bytes) } else { None });
    bytes.map(|bytes| Receipt::from_json(bytes).expect("it was written as one")).collect()
}
