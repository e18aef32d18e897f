//! The seed of projects: what `view context`, `export` and `push` begin with. All of it is fetched, read and sound, or the command ends.

use std::{collections::BTreeSet, sync::Arc};

use larder_store::{Store, digest::BlobId, key::Wanted};

use crate::{
    cli,
    commands::{
        context::Context,
        error::CommandError,
        options::selection_options,
        provision::{self, Unfetchable, shortfall},
    },
    core::layout::Layout,
    fetcher::{Completed, Fault, Reader},
    plan::{
        Planned,
        selection::{Platforms, Selection},
    },
    session::{ConfiguredProject, RecordedRows, Session},
    view::context::{SeedEntry, SeedNotes, SeedPart, seed_of},
};

/// Of which projects, and which part.
pub(super) struct Asked<'a> {
    pub(super) projects: &'a [Arc<ConfiguredProject>],
    pub(super) completing: &'a cli::Completing,
    /// The platforms where nobody names one.
    pub(super) platforms: &'a Platforms,
    /// Who reads the blobs and compares them.
    pub(super) reader: Reader,
}

/// A seed.
pub(super) struct Seeded {
    /// Where its blobs are.
    pub(super) store: Store,
    pub(super) layout: Layout,
    /// Bytes of its blobs.
    pub(super) bytes: u64,
}

/// The projects' seed, each part's files below its `place`; or whose fault it is that something is missing. `check` is asked of each selection before the store is opened.
pub(super) fn seed(
    asked: &Asked<'_>,
    check: impl Fn(&Selection) -> Result<(), CommandError>,
    place: impl Fn(SeedPart) -> String,
    context: &Context<'_>,
) -> Result<Result<Seeded, Fault>, CommandError> {
    let Asked { projects, completing, platforms, reader } = *asked;
    let mut rows = RecordedRows::default();
    for project in projects {
        let selection = project.read.selection(&selection_options(&completing.selecting), platforms.clone())?;
        check(&selection)?;
        rows.add(&project.read, &selection)?;
        let own_downloads = project.read.own_downloads(&selection, context.environment, &provision::policy_of_lockfile);
        provision::tell(own_downloads, context);
    }
    let store = context.open_store(provision::settings(projects))?;
    let (mut entries, mut notes, mut worst) = (Vec::new(), SeedNotes::default(), None);
    let sessions = provision::sessions(projects, &store, &completing.fetching, context);
    for session in &sessions {
        let completed =
            provision::complete_for(session, (None, reader), completing, (platforms, Unfetchable::Fail), context)?;
        worst = worst.max(shortfall(&completed));
        entries.extend(entries_of(session, &completed));
        notes.gone.extend(completed.report.gone.into_iter().map(|gone| (gone.wanted, gone.address)));
    }
    if let Some(fault) = worst {
        return Ok(Err(fault));
    }
    notes.rows.extend(rows.texts().filter_map(|(lockfile, text)| Some((lockfile, text?))));
    let blobs: BTreeSet<(BlobId, u64)> = entries.iter().map(|entry| (entry.found.blob, entry.found.size)).collect();
    let bytes = blobs.iter().map(|(_, size)| size).sum();
    let layout = seed_of(&entries, &notes, |blob| store.receipt(blob), place)?;
    Ok(Ok(Seeded { store, layout, bytes }))
}

fn entries_of<'a>(session: &'a Session, completed: &Completed<'a>) -> Vec<SeedEntry<'a>> {
    let wanted = |planned: &'a Planned| {
        if let Some(integrity) = &planned.artifact.integrity {
            return Some(Wanted::Integrity(integrity.clone()));
        }
        let downloads = session.project.downloads_of([planned]);
        downloads.all.first().map(|download| download.wanted.clone())
    };
    let items = completed.items.iter();
    items
        .filter_map(|item| {
            let (part, artifact) = (SeedPart::of(item.planned), &item.planned.artifact);
            Some(SeedEntry { part, artifact, wanted: wanted(item.planned)?, found: item.found })
        })
        .collect()
}
