//! `larder sbom`: a software bill of materials of the plan.

use std::{io, path::PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::{
    error::EndsCommand,
    lock::write_whole,
    options::selection_options,
    provision::{read_all, settings},
};
use crate::{
    cli::{self, SbomFormat},
    commands::{context::Context, error::CommandError, outcome::Outcome},
    core::escape::escaped_json,
    plan::selection::Platforms,
    sbom::{Bill, Tally, cyclonedx, spdx},
    ui::{remarks, units},
};

/// The variable of reproducible-builds.org that says which time documents are to state, in seconds since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
enum SbomError {
    /// The variable is no time.
    #[error("{EPOCH} is `{value}`, which is no number of seconds")]
    Epoch {
        /// What it is.
        value: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl EndsCommand for SbomError {}

pub(super) fn run(arguments: &cli::Sbom, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let made = stated_time(context)?;
    let projects = read_all(&arguments.projects, false, context)?;
    let store = context.open_store_to_read(settings(&projects))?;
    let options = selection_options(&arguments.selecting);
    let mut billed = Vec::new();
    let mut is_whole = true;
    for project in &projects {
        // As of `larder plan`: the same on every machine.
        let selection = project.read.selection(&options, Platforms::All)?;
        is_whole &= selection.platforms == Platforms::All;
        let (own, unread) = project.billed(&selection, store.as_ref(), context.now)?;
        remarks::warnings(context.printer, unread.iter().map(ToString::to_string));
        let unfetchable = project.read.plan.unfetchable().iter();
        remarks::warnings(context.printer, unfetchable.map(|entry| format!("{}: {}", entry.entry, entry.unfetchable)));
        billed.push(own);
    }
    let bill = Bill::new(&billed);
    let document = match arguments.format {
        SbomFormat::Cyclonedx => cyclonedx(&bill, made),
        SbomFormat::Spdx => spdx(&bill, made),
    };
    let text = serde_json::to_string_pretty(&document).expect("a document has string keys and finite numbers");
    // Names are whatever somebody put into a lockfile.
    let text = escaped_json(&text);
    let tally = bill.tally();
    if let Some(path) = &arguments.output {
        write_whole(path, format!("{text}\n").as_bytes())
            .map_err(|source| SbomError::Write { path: path.clone(), source })?;
        context.printer.line(&format!("{} is written: {}", path.display(), sum(tally)));
        context.printer.json(&json!({"file": path.display().to_string(), "components": tally}));
    } else {
        context.printer.value(&text);
        context.printer.note(&sum(tally));
    }
    if tally.not_in_store > 0 && !context.printer.is_quiet() {
        let options = if is_whole { " --all-platforms" } else { "" };
        context.printer.hints(&[&format!(
            "`larder fetch{options}` puts them into the store, where their own files say what their licences are"
        )]);
    }
    Ok(Outcome::Done)
}

fn stated_time(context: &Context<'_>) -> Result<Option<Timestamp>, SbomError> {
    let Some(value) = context.environment.variable("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    seconds.map(Some).ok_or_else(|| SbomError::Epoch { value: value.to_owned() })
}

/// `5 components = 3 with a licence + 1 not in the store + 1 that states none`.
fn sum(tally: Tally) -> String {
    let mut terms = vec![format!("{} with a licence", units::count(tally.with_licence))];
    let others = [(tally.not_in_store, "without one and not in the store"), (tally.silent, "that state none")];
    terms.extend(
        others
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", units::count(*number))),
    );
    format!("{} = {}", units::plural(tally.components, "component", "components"), terms.join(" + "))
}
