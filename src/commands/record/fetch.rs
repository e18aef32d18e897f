//! Downloads what is to be recorded: larder asks each address itself, without the command's headers and credentials, and the bytes have to be the same.

use std::{collections::HashSet, sync::Arc};

use super::rows::merged;
use crate::{
    cli,
    commands::{context::Context, error::CommandError, options::fetch_options, outcome::Outcome, provision},
    core::artifact::Source,
    fetcher::Reader,
    lockfile::larder_lock::{LarderLock, RecordedContent, RecordedDownload},
    run::invocation::package_managers,
    session::{ConfiguredProject, ReadProject, Session, Warning},
    ui::remarks,
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
    let kept = rows.into_iter().filter(|row| !lost.contains(row.url.as_str())).collect();
    Ok((kept, failed))
}
