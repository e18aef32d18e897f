//! Rows of `larder.lock` that travel with a store: a build step has the lockfile that it installs from, and not `larder.lock`. They are found by that lockfile's bytes,
//! so that what one project recorded decides nothing for another.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use larder_store::{Rows, Store, digest::BlobId};

use super::{
    own_downloads::wanted_rows,
    project::{ReadError, ReadProject},
};
use crate::{
    config::project::LockfileBytes,
    core::{path_error::below, recorded_url::RecordedUrl, redacted::redact},
    lockfile::larder_lock::{LARDER_LOCK, LarderLock, RecordedContent, RecordedDownload},
    plan::selection::Selection,
};

/// Projects with the same lockfile recorded different things of one address, and a build step knows them by that lockfile alone.
#[derive(Debug, thiserror::Error)]
#[error(
    "{first}larder.lock and {second}larder.lock record different things of {address}, and their {lockfile} are equal: a build step cannot tell them apart"
)]
pub(crate) struct TwoRecordings {
    first: String,
    second: String,
    lockfile: String,
    address: String,
}

/// What projects recorded, by the lockfile that a build step has.
#[derive(Debug, Default)]
pub(crate) struct RecordedRows {
    by_lockfile: BTreeMap<BlobId, Recorded>,
}

#[derive(Debug)]
struct Recorded {
    folder: PathBuf,
    rows: LarderLock,
}

impl RecordedRows {
    /// Adds what a project recorded of files that are selected, of answers and of absences; nothing, if it recorded nothing.
    pub(crate) fn add(&mut self, project: &ReadProject, selection: &Selection) -> Result<(), TwoRecordings> {
        let rows = selected_rows(project, selection);
        for lockfile in &project.project.lockfiles {
            let new = || Recorded { folder: project.project.folder.clone(), rows: LarderLock::default() };
            let known = self.by_lockfile.entry(id(lockfile)).or_insert_with(new);
            merge(&mut known.rows, &rows).map_err(|address| TwoRecordings {
                first: below(&known.folder),
                second: below(&project.project.folder),
                lockfile: lockfile.name.clone(),
                address,
            })?;
        }
        Ok(())
    }

    /// Each lockfile's digest, and its rows as text, if it has any.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (BlobId, Option<String>)> {
        let text = |rows: &LarderLock| (!rows.is_empty()).then(|| rows.to_text());
        self.by_lockfile.iter().map(move |(lockfile, recorded)| (*lockfile, text(&recorded.rows)))
    }
}

/// What a store has recorded for a project.
#[derive(Debug, Default)]
pub(crate) struct StoredRows {
    /// The rows, if there are any.
    pub(crate) rows: Option<LarderLock>,
    /// Files that are none, and count for nothing.
    pub(crate) damaged: Vec<PathBuf>,
}

impl ReadProject {
    /// Whether the project has a lockfile, and nothing says what was recorded beside it.
    pub(crate) fn lacks_rows(&self) -> bool {
        let Self { project, larder_lock, .. } = self;
        // One that is there and not read was left out on purpose.
        larder_lock.is_none() && !project.lockfiles.is_empty() && !project.folder.join(LARDER_LOCK).exists()
    }

    /// What the store has recorded for the project's lockfiles.
    pub(crate) fn stored_rows(&self, store: &Store) -> StoredRows {
        let mut stored = StoredRows::default();
        for lockfile in &self.project.lockfiles {
            let rows = match store.rows(&id(lockfile)) {
                Rows::None => continue,
                Rows::Damaged(path) => Err(path),
                Rows::Text { path, text } => rows_of(&text).ok_or(path),
            };
            let all = stored.rows.get_or_insert_default();
            match rows.map(|rows| merge(all, &rows)) {
                Ok(Ok(())) => {}
                Ok(Err(address)) => tracing::debug!(address, "two lockfiles of one folder have different rows"),
                Err(path) => stored.damaged.push(path),
            }
        }
        stored.rows = stored.rows.filter(LarderLock::has_rows);
        stored
    }

    /// The same project, as if its `larder.lock` were this one.
    pub(crate) fn with_rows(mut self, lock: &LarderLock) -> Result<Self, ReadError> {
        let (path, bytes) = (self.project.folder.join(LARDER_LOCK), lock.to_text().into_bytes().into());
        self.project.larder_lock = Some(LockfileBytes { path, name: LARDER_LOCK.to_owned(), bytes });
        Self::of(self.project)
    }
}

fn id(lockfile: &LockfileBytes) -> BlobId {
    BlobId::of(&lockfile.bytes)
}

/// A file of rows alone: whatever else it says is not what larder wrote.
fn rows_of(text: &[u8]) -> Option<LarderLock> {
    LarderLock::parse(LARDER_LOCK, text).ok().filter(|lock| lock.pyodide.is_none())
}

fn selected_rows(project: &ReadProject, selection: &Selection) -> LarderLock {
    let Some(lock) = &project.larder_lock else { return LarderLock::default() };
    let wanted = wanted_rows(&lock.downloads, &project.plan, selection);
    let wanted: HashSet<&RecordedUrl> = wanted.iter().map(|row| &row.url).collect();
    let is_inline = |row: &RecordedDownload| matches!(row.content, RecordedContent::Inline(_));
    let downloads = lock.downloads.iter().filter(|row| is_inline(row) || wanted.contains(&row.url));
    LarderLock { pyodide: None, downloads: downloads.cloned().collect(), absent: lock.absent.clone() }
}

/// Adds rows; an address that has something else already is the error.
fn merge(into: &mut LarderLock, rows: &LarderLock) -> Result<(), String> {
    if into.is_empty() || into == rows {
        into.clone_from(rows);
        return Ok(());
    }
    for row in &rows.downloads {
        let same = into.downloads.iter().find(|known| known.url == row.url);
        match same {
            Some(known) if (&known.content, &known.content_type) == (&row.content, &row.content_type) => {}
            None if into.absent.iter().all(|known| known.url != row.url) => into.downloads.push(row.clone()),
            _ => return Err(redact(row.url.as_url())),
        }
    }
    for row in &rows.absent {
        match into.absent.iter().find(|known| known.url == row.url) {
            Some(known) if known.status == row.status => {}
            None if into.downloads.iter().all(|known| known.url != row.url) => into.absent.push(row.clone()),
            _ => return Err(redact(row.url.as_url())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use larder_store::seed;

    use super::*;

    #[test]
    fn a_file_that_has_no_rows_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = br#"{"lockfileVersion": 3, "packages": {"": {}}}"#;
        std::fs::write(folder.path().join("package-lock.json"), text).unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let lockfile = BlobId::of(text);
        store.keep_rows(&lockfile, Some(b"no rows")).unwrap();
        let stored = ReadProject::read(folder.path()).unwrap().stored_rows(&store);
        assert_eq!(stored.rows, None);
        assert_eq!(stored.damaged, [store.root().join(seed::rows(&lockfile, b"").0)]);
    }
}
