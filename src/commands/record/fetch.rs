//! Downloads what is to be recorded: larder asks each address itself, without the command's headers and credentials, and the bytes have to be the same, and those that a package
//! states.

use std::{collections::BTreeMap, sync::Arc};

use larder_store::digest::Digest;

use crate::{
    cli,
    commands::{context::Context, error::CommandError, options::fetch_options, outcome::Outcome},
    core::{error_chain::chain, recorded_url::RecordedUrl},
    fetcher::{Fault, FirstFetch, FirstFetchError, WatchEvent},
    lockfile::larder_lock::{RecordedContent, RecordedDownload, Trust},
    session::{ConfiguredProject, Session},
    ui::progress,
};

/// The rows whose bytes larder got, too, and how the command ends if others did not come or were others. Small texts that are in the lock itself are not asked again.
pub(super) fn compare(
    rows: Vec<RecordedDownload>,
    project: &Arc<ConfiguredProject>,
    arguments: &cli::Record,
    context: &Context<'_>,
) -> Result<(Vec<RecordedDownload>, Option<Outcome>), CommandError> {
    let (asked, inline): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| matches!(row.content, RecordedContent::Stored { .. }));
    if asked.is_empty() {
        return Ok((inline, None));
    }
    let options = fetch_options(&arguments.completing.fetching);
    let store = context.open_store([&project.read.project.settings])?;
    let session = Session::of(Arc::clone(project), store, &options, context.now);
    let watcher = progress::watcher(context.printer);
    let requests: Vec<FirstFetch> = asked.iter().map(request).collect();
    let came = session.first_fetch(&requests, &watcher);
    watcher.event(WatchEvent::Over);
    let mut faults = Vec::new();
    let mut kept = Vec::new();
    for (row, came) in asked.into_iter().zip(came?) {
        match came {
            Ok(_) => kept.push(row),
            Err(error) => {
                let causes: Vec<String> = chain(&error).iter().map(|cause| format!("caused by: {cause}")).collect();
                context.printer.error(&said_of(&row), &causes, Some(hint(&error)));
                faults.push(error.fault());
            }
        }
    }
    let stated = session.stated_digests(context.environment, &watcher)?;
    for Contradicted { row, stated } in contradicted(&mut kept, &stated) {
        let (actual, stated) = (row.content.sha256().to_hex(), stated.to_hex());
        let causes = [format!("caused by: its server has sha256 {actual}, and the package states {stated}")];
        context.printer.error(&said_of(&row), &causes, Some(FALSE));
        faults.push(Fault::Data);
    }
    kept.extend(inline);
    kept.sort_by(|a, b| a.url.cmp(&b.url));
    Ok((kept, faults.into_iter().max().map(Outcome::from)))
}

fn request(row: &RecordedDownload) -> FirstFetch {
    let by = row.by.first().map(ToString::to_string).unwrap_or_default();
    FirstFetch {
        url: row.url.clone(),
        package: (by, String::new()),
        expected: Some(row.content.sha256()),
        has_row: false,
        is_named_by_command: true,
        longest_answer: None,
    }
}

/// `script:curl: https://…`
fn said_of(row: &RecordedDownload) -> String {
    let by: Vec<String> = row.by.iter().map(ToString::to_string).collect();
    format!("{}: {}", by.join(", "), row.url)
}

/// The way out where larder does not get what the command got.
fn hint(error: &FirstFetchError) -> &'static str {
    match error {
        FirstFetchError::Mismatch { .. } => {
            "larder got other bytes than the command: the file changes, or who asks decides what comes; nothing of it is recorded"
        }
        error if error.fault() == Fault::Network => "run it again: nothing of it is recorded yet",
        _ => {
            "larder asks without the command's headers and credentials, and only public servers: what nobody else gets is not recorded"
        }
    }
}

/// What is said where a file is not the one that its package states.
const FALSE: &str = "nothing of it is recorded: ask whoever publishes it";

/// A row whose package states another digest of its file.
struct Contradicted {
    row: RecordedDownload,
    stated: Digest,
}

/// Takes out the files of which their packages state other digests, and notes of the others that theirs agrees. Pure.
fn contradicted(rows: &mut Vec<RecordedDownload>, stated: &BTreeMap<RecordedUrl, Digest>) -> Vec<Contradicted> {
    let of = |row: &RecordedDownload| stated.get(&row.url).copied();
    let (sound, false_): (Vec<_>, Vec<_>) =
        rows.drain(..).partition(|row| of(row).is_none_or(|stated| stated == row.content.sha256()));
    let trusted = |row: RecordedDownload| RecordedDownload {
        trust: if stated.contains_key(&row.url) { Trust::Package } else { row.trust },
        ..row
    };
    *rows = sound.into_iter().map(trusted).collect();
    false_.into_iter().filter_map(|row| Some(Contradicted { stated: of(&row)?, row })).collect()
}
