//! The rows of `larder.lock` for packages that download files themselves: worked out from the table, fetched once, written down with their digests. Nothing of the packages is run.
//!
//! ```text
//! plan + table ─▶ packages ─▶ files out of their tarballs (values, digests) ─▶ addresses ─join─▶ rows that stay │ new addresses
//!                                                                                               new ─▶ answers, then files ─▶ rows, absences, failures
//! ```

mod expected;
mod fetch;
mod merge;
mod package_files;

use std::{collections::BTreeMap, sync::Arc};

use larder_store::digest::Digest;

pub(crate) use self::{
    expected::UnknownAddresses,
    fetch::{NewContent, NewRow, RowFailure, RowProblem},
};
use self::{
    expected::{Expected, has_gone},
    fetch::first,
    merge::{WantedRow, join, once_each},
    package_files::PackageFiles,
};
use super::{open::Session, own_downloads::to_lock, selection::host_platforms};
use crate::{
    core::{environment::Environment, recorded_url::RecordedUrl},
    fetcher::{Failure, FetchError, Watcher},
    lockfile::larder_lock::{LarderLock, RecordedAbsence, RecordedDownload},
    npm::own_downloads::OwnDownload,
    plan::selection::Selection,
};

/// What rows are worked out for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowsRequest<'a> {
    /// What `larder.lock` has.
    pub(crate) before: &'a LarderLock,
    /// The platforms and groups.
    pub(crate) selection: &'a Selection,
    /// Where variables are looked up that leave downloads out.
    pub(crate) environment: &'a Environment,
    /// Only say what would change: no address that packages ask is asked.
    pub(crate) is_check: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct LockedRows {
    /// The rows of files and answers.
    pub(crate) downloads: Vec<RecordedDownload>,
    /// The rows of what is not there.
    pub(crate) absent: Vec<RecordedAbsence>,
    /// How many packages of the plan download files themselves.
    pub(crate) packages: usize,
    /// What came, or would come, by address.
    pub(crate) new: Vec<NewRow>,
    /// Rows that went with their packages.
    pub(crate) gone: Vec<RecordedUrl>,
    /// What cannot be worked out.
    pub(crate) unknown: Vec<UnknownAddresses>,
    /// What is refused or could not be fetched.
    pub(crate) failures: Vec<RowFailure>,
    /// Packages whose tarballs could not be fetched.
    pub(crate) packages_failed: Vec<Failure>,
}

/// What packages should have.
struct Wanted {
    rows: Vec<WantedRow>,
    unknown: Vec<UnknownAddresses>,
    packages_failed: Vec<Failure>,
}

impl Session {
    /// Works out the rows, and fetches what they are for.
    pub(crate) fn lock_rows(
        &self,
        request: RowsRequest<'_>,
        watcher: &dyn Fn() -> Arc<dyn Watcher>,
    ) -> Result<LockedRows, FetchError> {
        let read = &self.project.read;
        let RowsRequest { before, selection, environment, is_check } = request;
        let found = self.own_downloads(selection, environment);
        let Wanted { rows: wanted, unknown, packages_failed } = self.wanted_rows(&found, selection, &watcher())?;
        // A package that no lockfile has may be of one that is not read.
        let knows_all = read.project.knows_all_packages();
        let joined = join(before, wanted, |by| knows_all && has_gone(by, &read.plan, &found));
        let mut rows = LockedRows {
            packages: found.len(),
            unknown,
            gone: joined.gone.clone(),
            packages_failed,
            ..LockedRows::default()
        };
        let by = |url: &RecordedUrl| {
            joined.downloads.iter().find(|row| row.url == *url).map(|row| first(&row.by)).unwrap_or_default()
        };
        let contradicted = joined.disagreements.iter().map(|disagreement| (disagreement, by(&disagreement.url)));
        rows.failures.extend(contradicted.map(RowFailure::of_disagreement));
        if is_check {
            rows.new = joined.new.iter().map(NewRow::would_come).collect();
            (rows.downloads, rows.absent) = (joined.downloads, joined.absent);
            return Ok(rows);
        }
        let fetched = self.fetch_rows(joined, &watcher())?;
        rows.failures.extend(fetched.failures);
        Ok(LockedRows { downloads: fetched.downloads, absent: fetched.absent, new: fetched.new, ..rows })
    }

    /// The digests that packages state of the files that they download on this machine, by address.
    pub(crate) fn stated_digests(
        &self,
        environment: &Environment,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<BTreeMap<RecordedUrl, Digest>, FetchError> {
        let selection = Selection { platforms: host_platforms(), ..Selection::all() };
        let found = self.own_downloads(&selection, environment);
        let wanted = self.wanted_rows(&found, &selection, watcher)?;
        Ok(wanted.rows.into_iter().filter_map(|row| Some((row.url, row.stated?))).collect())
    }

    /// The packages that download files themselves.
    fn own_downloads(&self, selection: &Selection, environment: &Environment) -> Vec<OwnDownload<'_>> {
        let read = &self.project.read;
        to_lock((&read.project, &read.plan), selection, || read.manifests(), environment)
    }

    /// The rows that they should have, what cannot be worked out, and those whose tarballs could not be fetched.
    fn wanted_rows(
        &self,
        found: &[OwnDownload<'_>],
        selection: &Selection,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<Wanted, FetchError> {
        let read = &self.project.read;
        let expected = Expected::new(found, &read.plan, &read.project, selection);
        let files = PackageFiles::read(self, &expected.files(), watcher)?;
        let (rows, unknown) = expected.rows(&files);
        Ok(Wanted { rows: once_each(rows), unknown, packages_failed: files.failures })
    }
}
