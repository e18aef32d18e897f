//! `larder record`: runs a command behind the proxy, and writes what it downloaded beyond its lockfiles into `larder.lock`.

mod error;
mod fetch;
mod rows;

use std::{collections::BTreeSet, ffi::OsStr, path::Path, slice, sync::Arc};

use serde::Serialize;

use self::{error::RecordError, rows::merged};
use super::{
    lock::{can_write, write_whole},
    provision,
    run::{Executed, Purpose, execute},
};
use crate::{
    cli,
    commands::{
        context::Context,
        error::{CommandError, SignalsError},
        outcome::Outcome,
    },
    core::{interrupt::Interrupt, recorded_url::RecordedUrl},
    lockfile::larder_lock::{LARDER_LOCK, LarderLock, MOST_ROWS, RecordedContent, RecordedDownload, RecordedPlatform},
    plan::selection::Platforms,
    run::{child::Ended, invocation::package_managers},
    session::{Askers, Judged, NotRecorded, Recording, host_platforms, judge},
    ui::{ask, units},
};

/// What became no row and is listed.
const LISTED: usize = 50;

#[derive(Serialize)]
struct Document {
    lockfile: String,
    is_changed: bool,
    recorded: Vec<String>,
    absent: Vec<String>,
    not_recorded: Vec<NotRecordedDocument>,
}

#[derive(Serialize)]
struct NotRecordedDocument {
    what: String,
    why: String,
}

pub(super) fn run(arguments: &cli::Record, context: &Context<'_>) -> Result<Outcome, CommandError> {
    let interrupt = Interrupt::watch().map_err(SignalsError)?;
    let recording = Arc::new(Recording::default());
    let running = cli::Run {
        projects: vec![arguments.project.clone()],
        completing: arguments.completing.clone(),
        isolate: false,
        allow_refused: false,
        command: arguments.command.clone(),
    };
    if arguments.completing.fetching.offline {
        return Err(RecordError::Offline.into());
    }
    if !arguments.check {
        refuse_unwritable(&arguments.project)?;
    }
    let purpose = Purpose::Recorded(Arc::clone(&recording) as _);
    match execute(&running, purpose, None, &interrupt, context)? {
        Executed::Not(outcome) => return Ok(outcome),
        Executed::Ended(Ended::Code(0), refused) if refused.is_empty() => {}
        Executed::Ended(Ended::Code(0), _) => return Err(RecordError::Refused.into()),
        Executed::Ended(ended, _) => {
            context.printer.error("the command failed, so nothing is recorded", &[], None);
            return Ok(Outcome::Child(ended.exit_code()));
        }
    }
    let seen = recording.take();
    if seen.more > 0 {
        return Err(RecordError::TooMany.into());
    }
    let called = package_managers(&arguments.command);
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let projects = provision::read_all_for(slice::from_ref(&arguments.project), &called, trusts_project, context)?;
    let project = &projects[0];
    let command = arguments.command.first().map(|program| Path::new(program).file_name().unwrap_or(program));
    let command = command.map(OsStr::to_string_lossy).unwrap_or_default();
    let askers = Askers { plan: &project.read.plan, command: &command };
    let platform = match host_platforms() {
        Platforms::Only(platforms) => platforms.first().copied(),
        Platforms::All => None,
    };
    let before = project.read.larder_lock.clone().unwrap_or_default();
    let Judged { downloads, absent, not_recorded } = judge(&seen, &before, &askers, platform);
    tell_not_recorded(&not_recorded, context);
    if before.downloads.len() + before.absent.len() + downloads.len() + absent.len() > MOST_ROWS {
        return Err(RecordError::TooMany.into());
    }
    let path = project.read.project.folder.join(LARDER_LOCK);
    if !arguments.check {
        let hosts = new_hosts(&before, downloads.iter().map(|row| &row.url).chain(absent.iter().map(|row| &row.url)));
        confirm(&hosts, arguments.yes, context)?;
    }
    let (downloads, failed) =
        if arguments.check { (downloads, None) } else { fetch::compare(downloads, project, arguments, context)? };
    let is_changed = !downloads.is_empty() || !absent.is_empty();
    let recorded: Vec<String> = downloads.iter().map(shown).collect();
    let missing: Vec<String> =
        absent.iter().map(|row| format!("{} is not there ({})", row.url, row.status.code())).collect();
    // Standard output is the command's.
    let new: Vec<String> = recorded.iter().chain(&missing).cloned().collect();
    if !arguments.check {
        for row in &new {
            context.printer.note(&format!("+ {row}"));
        }
    }
    let unreplayable = not_recorded.iter().filter(|it| it.is_download).map(|it| it.what.clone()).collect::<Vec<_>>();
    let after = merged(before, downloads, absent);
    if is_changed && !arguments.check {
        let text = after.to_text();
        // What is written is read again by each command.
        LarderLock::parse(LARDER_LOCK, text.as_bytes())?;
        write_whole(&path, text.as_bytes()).map_err(|source| RecordError::Write { path: path.clone(), source })?;
    }
    context.printer.note(match (is_changed, arguments.check) {
        (false, _) if failed.is_some() => "nothing is recorded",
        (false, _) if !not_recorded.is_empty() => {
            "larder.lock has everything that larder saw the command download and that can be recorded"
        }
        (false, _) => "larder.lock has everything that larder saw the command download",
        (true, false) => "larder.lock is written: read the new rows, and commit it",
        (true, true) => "larder.lock lacks rows",
    });
    let not_recorded = not_recorded.into_iter().map(|NotRecorded { what, why, .. }| NotRecordedDocument { what, why });
    context.printer.json(&Document {
        lockfile: path.display().to_string(),
        is_changed,
        recorded,
        absent: missing,
        not_recorded: not_recorded.collect(),
    });
    match failed {
        Some(outcome) => Ok(outcome),
        None if is_changed && arguments.check => Err(RecordError::Lacking { path, rows: new }.into()),
        None if arguments.check && !unreplayable.is_empty() => Err(RecordError::Unreplayable { unreplayable }.into()),
        None => Ok(Outcome::Done),
    }
}

/// A command may run for minutes: that its rows cannot be written is said before.
fn refuse_unwritable(project: &Path) -> Result<(), RecordError> {
    let folder = if project.is_dir() { project } else { project.parent().unwrap_or(Path::new("")) };
    let path = folder.join(LARDER_LOCK);
    can_write(&path).map_err(|source| RecordError::Write { path, source })
}

/// The hosts that no row had before.
fn new_hosts<'a>(before: &LarderLock, urls: impl Iterator<Item = &'a RecordedUrl>) -> BTreeSet<&'a str> {
    let known = before.downloads.iter().map(|row| &row.url).chain(before.absent.iter().map(|row| &row.url));
    let known: BTreeSet<&str> = known.map(RecordedUrl::host).collect();
    urls.map(RecordedUrl::host).filter(|host| !known.contains(host)).collect()
}

/// Asks whether these hosts may be in the lock: everybody who has it will ask them.
fn confirm(hosts: &BTreeSet<&str>, is_agreed: bool, context: &Context<'_>) -> Result<(), RecordError> {
    if hosts.is_empty() {
        return Ok(());
    }
    let hosts = hosts.iter().copied().collect::<Vec<_>>().join(", ");
    context.printer.note(&format!("new hosts, which everybody with this larder.lock will ask: {hosts}"));
    if is_agreed {
        return Ok(());
    }
    match ask::yes_or_no(context.printer, "record them?") {
        Some(true) => Ok(()),
        Some(false) => Err(RecordError::NotAgreed),
        None => Err(RecordError::NobodyToAsk { hosts }),
    }
}

fn tell_not_recorded(not_recorded: &[NotRecorded], context: &Context<'_>) {
    for NotRecorded { what, why, .. } in not_recorded.iter().take(LISTED) {
        context.printer.warning(&format!("not recorded: {what}: {why}"));
    }
    if let Some(more) = not_recorded.len().checked_sub(LISTED).filter(|more| *more > 0) {
        context.printer.warning(&format!("and {more} more are not recorded"));
    }
}

/// One row, in a line.
fn shown(row: &RecordedDownload) -> String {
    let RecordedPlatform { os, cpu, libc, abi } = &row.platform;
    let words = [os.as_ref().map(ToString::to_string), cpu.as_ref().map(ToString::to_string)];
    let words = words.into_iter().chain([libc.map(|libc| libc.name().to_owned()), abi.map(|abi| format!("ABI {abi}"))]);
    let platform = words.flatten().fold(String::new(), |text, word| text + ", " + &word);
    let place = if matches!(row.content, RecordedContent::Inline(_)) { " in the lock itself" } else { "" };
    let by: Vec<String> = row.by.iter().map(ToString::to_string).collect();
    format!(
        "{} {}{place}{platform}, {}, by {}",
        row.url,
        units::bytes(row.content.size()),
        row.trust.name(),
        by.join(", ")
    )
}
