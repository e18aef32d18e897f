//! Files out of the tarballs of a plan's packages: what is missing of the tarballs is fetched, with the digests that the lockfile states.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    fetcher::{Failure, FetchError, Reader, Watcher},
    npm::tarball,
    plan::{EntryName, Planned},
    session::open::Session,
};

/// The texts of files, by the entry that names their package and by their path in it.
#[derive(Debug, Default)]
pub(super) struct PackageFiles {
    texts: BTreeMap<EntryName, BTreeMap<String, String>>,
    /// Packages whose tarballs could not be had.
    pub(super) failures: Vec<Failure>,
}

impl PackageFiles {
    /// Reads these files of these packages. What a package does not have is not there.
    pub(super) fn read<'a>(
        session: &'a Session,
        wanted: &[(&'a Planned, BTreeSet<&str>)],
        watcher: &Arc<dyn Watcher>,
    ) -> Result<Self, FetchError> {
        let mut files = Self::default();
        if wanted.is_empty() {
            return Ok(files);
        }
        let downloads = session.project.downloads_of(wanted.iter().map(|(planned, _)| *planned));
        let completed = session.ensure(&downloads, watcher, Reader::Caller)?;
        for item in &completed.items {
            let entry = &item.planned.entries[0];
            let paths = wanted.iter().filter(|(planned, _)| planned.entries[0] == *entry).flat_map(|(_, paths)| paths);
            let paths: BTreeSet<&str> = paths.copied().collect();
            let tarball = session.store().open_checked(&item.found.blob, item.planned.artifact.integrity.as_ref())?;
            match tarball::files(tarball, &paths) {
                Ok(found) => {
                    let texts =
                        found.into_iter().filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)));
                    files.texts.entry(entry.clone()).or_default().extend(texts);
                }
                Err(error) => tracing::debug!(%error, package = %item.planned.artifact, "its files cannot be read"),
            }
        }
        files.failures = completed.report.failures;
        Ok(files)
    }

    /// The text of a file of a package.
    pub(super) fn text(&self, planned: &Planned, path: &str) -> Option<&str> {
        self.texts.get(&planned.entries[0])?.get(path).map(String::as_str)
    }
}
