//! Downloads what is to be recorded: larder asks each address itself, without the command's headers and credentials, and the bytes have to be the same, and those that a package
//! states.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use larder_store::digest::Digest;

use super::rows::merged;
use crate::{
    cli,
    commands::{context::Context, error::CommandError, options::fetch_options, outcome::Outcome, provision},
    core::{artifact::Source, recorded_url::RecordedUrl},
    fetcher::Reader,
    lockfile::larder_lock::{LarderLock, RecordedContent, RecordedDownload, Trust},
    run::invocation::package_managers,
    session::{ConfiguredProject, ReadProject, Session, Warning},
    ui::{progress, remarks},
};

/// The rows whose bytes larder got, too, and how the command ends if others did not come or were others. Small texts that are in the lock itself are not asked again.
pub(super) fn compare(
    before: &LarderLock,
    rows: Vec<RecordedDownload>,
    arguments: &cli::Record,
    context: &Context<'_>,
) -> Result<(Vec<RecordedDownload>, Option<Outcome>), CommandError> {
    let is_stored = |row: &&RecordedDownload| matches!(row.content, RecordedContent::Stored { .. });
    let asked: HashSet<_> = rows.iter().filter(is_stored).map(|row| row.url.clone()).collect();
    if asked.is_empty() {
        return Ok((rows, None));
    }
    let called = package_managers(&arguments.command);
    let lock = merged(before.clone(), rows.clone(), Vec::new());
    let read = ReadProject::read_for(&arguments.project, &called)?.with_rows(&lock)?;
    let mut warn = |warning: Warning| remarks::warning(context.printer, &warning);
    let trusts_project = arguments.completing.fetching.trust_project_config;
    let project = ConfiguredProject::new(read, context.environment, trusts_project, &mut warn)?;
    let store = context.open_store()?;
    let session = Session::of(Arc::new(project), store, &fetch_options(&arguments.completing.fetching), context.now);
    let is_asked = |source: &Source| matches!(source, Source::Recorded { url } if asked.contains(url));
    let planned = session.plan().artifacts().iter().filter(|planned| is_asked(&planned.artifact.source));
    let downloads = session.project.downloads_of(planned);
    let completed = provision::ensure(&session, &downloads, Reader::Fetcher, context)?;
    let failed = provision::shortfall(&completed).map(Outcome::from);
    let lost: HashSet<&str> =
        completed.report.failures.iter().flat_map(|failure| &failure.entries).map(|entry| &*entry.path).collect();
    let mut kept: Vec<RecordedDownload> = rows.into_iter().filter(|row| !lost.contains(row.url.as_str())).collect();
    let stated = session.stated_digests(context.environment, &progress::watcher(context.printer))?;
    let contradicted = contradicted(&mut kept, &stated);
    for Contradicted { row, stated } in &contradicted {
        let causes = [format!("its server has {}, and the package states {stated}", row.content.sha256())];
        let by = row.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        context.printer.error(&format!("{by}: {}", row.url), &causes, Some(FALSE));
    }
    let failed = if contradicted.is_empty() { failed } else { Some(Outcome::Wrong) };
    Ok((kept, failed))
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
