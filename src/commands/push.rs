//! `larder push`: shares plans' files in a registry or an object store.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use larder_store::{
    StoreError,
    receipt::Receipt,
    seed::{Member, member},
    stats::Tally,
};
use serde_json::json;

use super::{
    options::or_here,
    program::Program,
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
    fetcher::{Fault, Reader},
    http::ClientSettings,
    plan::{
        PlanDigest,
        selection::{Platforms, Selection},
    },
    session::{ConfiguredProject, client_settings, default_platforms},
    share::{
        object::{ObjectReference, ObjectRemote, ObjectSettings, PushOptions, Pushed},
        oci::{
            client::Access,
            image::Platform as ImagePlatform,
            remote::{OciRemote, push::PushedImage},
        },
        reference::{Reference, ReferenceError},
        remote::RemoteError,
    },
    ui::units,
    view::context::{SeedPart, context as context_of},
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

/// What was pushed to one place.
struct Done {
    /// Blobs, or the layers of an image.
    unit: (&'static str, &'static str),
    sent: Tally,
    already_there: u64,
    is_written: bool,
    /// The image by its digest.
    image: Option<String>,
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
    let is_stopped = || interrupt.came();
    let options = PushOptions { is_repair: arguments.repair, is_stopped: &is_stopped };
    let mut documents = Vec::new();
    let push = Push { arguments, projects: &projects, plan: plan_of(&projects), options, context };
    for place in &to {
        let start = Instant::now();
        let outcome = match place {
            Reference::Object(reference) => push.objects(reference)?,
            Reference::Image(text) => push.image(text)?,
        };
        let done = match outcome {
            Ok(done) => done,
            Err(fault) => return Ok(fault.into()),
        };
        print(place, done.as_ref(), start, context);
        documents.push(json!({
            "to": place.to_string(),
            "plan": push.plan,
            "sent": done.as_ref().map_or(0, |done| done.sent.count),
            "already_there": done.as_ref().map(|done| done.already_there),
            "bytes": done.as_ref().map_or(0, |done| done.sent.bytes),
            "is_written": done.as_ref().is_some_and(|done| done.is_written),
            "is_read_only": done.is_none(),
            "image": done.as_ref().and_then(|done| done.image.as_deref()),
            "seconds": start.elapsed().as_secs_f64(),
        }));
    }
    context.printer.json(&json!({ "places": documents }));
    Ok(Outcome::Done)
}

/// What is the same for every place.
struct Push<'a> {
    arguments: &'a cli::Push,
    projects: &'a [Arc<ConfiguredProject>],
    plan: String,
    options: PushOptions<'a>,
    context: &'a Context<'a>,
}

/// What was done, nothing if the credentials can read and not write; or whose fault it is that the plan is not complete.
type Outcomes = Result<Result<Option<Done>, Fault>, CommandError>;

impl Push<'_> {
    fn client(&self) -> ClientSettings {
        let project = &self.projects[0];
        client_settings(project.configurations[0].network(), &project.read.project.settings)
    }

    fn seed(
        &self,
        platforms: &Platforms,
        check: impl Fn(&Selection) -> Result<(), CommandError>,
    ) -> Result<Result<Seeded, Fault>, CommandError> {
        let Self { arguments, projects, context, .. } = *self;
        // What is sent is compared on its way.
        let asked = Asked { projects, completing: &arguments.completing, platforms, reader: Reader::Caller };
        seed(&asked, check, |part| format!("{}/", part.folder()), context)
    }

    fn objects(&self, reference: &ObjectReference) -> Outcomes {
        let seeded = match self.seed(&default_platforms(), |_| Ok(()))? {
            Ok(seeded) => seeded,
            Err(fault) => return Ok(Err(fault)),
        };
        let client = self.client();
        let settings = ObjectSettings { environment: self.context.environment, client: &client, is_to_write: true };
        let remote = ObjectRemote::open(reference, &settings).map_err(RemoteError::from)?;
        let pushed = remote.push(&self.plan, &receipts_of(&seeded.layout), &seeded.store, self.options);
        let done = self.unless_denied(pushed.map_err(RemoteError::from), || remote.can_read())?;
        Ok(Ok(done.map(|Pushed { sent, already_there, is_written }| Done {
            unit: ("blob", "blobs"),
            sent,
            already_there,
            is_written,
            image: None,
        })))
    }

    fn image(&self, text: &str) -> Outcomes {
        let files = &self.arguments.binary;
        let programs = if files.is_empty() {
            vec![Program::read(None, self.context)?]
        } else {
            files.iter().map(|file| Program::read(Some(file), self.context)).collect::<Result<_, _>>()?
        };
        let platforms = programs.iter().map(|program| program.executable.platform()).collect();
        let check = |selection: &Selection| Ok(programs.iter().try_for_each(|it| it.check(&selection.platforms))?);
        let seeded = match self.seed(&Platforms::Only(platforms), check)? {
            Ok(seeded) => seeded,
            Err(fault) => return Ok(Err(fault)),
        };
        let image = |program: &Program| {
            let layout = context_of(program.bytes.clone(), seeded.layout.clone());
            (ImagePlatform::of(program.executable.platform()), layout)
        };
        let images: Vec<_> = programs.iter().map(image).collect();
        let remote = OciRemote::open(text, self.context.environment, &self.client(), Access::Push)?;
        let pushed = remote.push(&self.plan, &images, &seeded.store, self.options);
        let done = self.unless_denied(pushed, || remote.can_read(&self.plan))?;
        if let Some(PushedImage { digested, .. }) = &done {
            tracing::debug!(layers = digested.count, bytes = digested.bytes, "read for their digests");
        }
        Ok(Ok(done.map(|PushedImage { sent, already_there, is_written, image, .. }| Done {
            unit: ("layer", "layers"),
            sent,
            already_there,
            is_written,
            image: Some(image),
        })))
    }

    /// As in the pull request of a fork: what can be read is used, and nothing is written.
    fn unless_denied<T>(
        &self,
        pushed: Result<T, RemoteError>,
        can_read: impl FnOnce() -> bool,
    ) -> Result<Option<T>, RemoteError> {
        match pushed {
            Ok(pushed) => Ok(Some(pushed)),
            Err(error) if error.is_denied() && can_read() => {
                let why = chain(&error).join(": ");
                let printer = self.context.printer;
                printer.warning(&format!("nothing was pushed: these credentials can only read: {why}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn print(place: &Reference, done: Option<&Done>, start: Instant, context: &Context<'_>) {
    let Some(Done { unit, sent, already_there, is_written, image }) = done else { return };
    let elapsed = units::duration(start.elapsed());
    let all = units::plural(sent.count + already_there, unit.0, unit.1);
    let sums = format!("{} sent + {} already there", units::count(sent.count), units::count(*already_there));
    let written = if *is_written { "" } else { "; nothing is new" };
    context.printer.line(&format!("{place}: {all} = {sums}{written}"));
    context.printer.line(&format!("{} in {elapsed}", units::bytes(sent.bytes)));
    if let Some(image) = image {
        context.printer.line(&format!("docker build --build-arg LARDER_IMAGE={image} ."));
    }
}

/// What several projects are found by together.
fn plan_of(projects: &[Arc<ConfiguredProject>]) -> String {
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

/// The receipts among a seed's files, those of each part.
fn receipts_of(seed: &Layout) -> Vec<Receipt> {
    let is_receipt = |path: &str| {
        let in_part = SeedPart::ALL.iter().find_map(|part| path.strip_prefix(part.folder())?.strip_prefix('/'));
        matches!(in_part.and_then(member), Some(Member::Receipt(_)))
    };
    let files = seed.files().filter(|(path, _)| is_receipt(path));
    let bytes = files.filter_map(|(_, content)| if let Content::Bytes(bytes) = content { Some(bytes) } else { None });
    bytes.map(|bytes| Receipt::from_json(bytes).expect("it was written as one")).collect()
}
