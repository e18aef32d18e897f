//! Classification of an entry as the formats share it: from what it states about its package to what it is.

use std::borrow::Cow;

use larder_store::digest::{DigestError, Integrity};

use super::{
    address::{Address, is_in_registry},
    diagnose::{printable, shown},
    entry::{EntryKind, NoDownload},
    error::EntryProblem,
    unfetchable::{Unfetchable, UnfetchableReason},
};
use crate::core::artifact::{Artifact, Conditions, Ecosystem, PackageName, Source, Version};

/// The version of a package of which the lockfile states none, as some do for remote archives.
pub const UNSTATED_VERSION: &str = "0.0.0-unstated";

/// A package's name, version, address and integrity, wherever its format has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated<'a> {
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
    /// `https:…`, `git+ssh:…`, `file:…`; none where the configured registry has it.
    pub(super) address: Option<&'a str>,
    pub(super) integrity: Option<&'a str>,
}

impl Stated<'_> {
    /// What the entry is.
    pub(super) fn classify(&self, conditions: Conditions) -> Result<EntryKind, EntryProblem> {
        let name =
            PackageName::parse(self.name).map_err(|problem| EntryProblem::Name { name: shown(self.name), problem })?;
        let source = match self.address.map(Address::parse).transpose()? {
            Some(Address::LocalFile) => return Ok(EntryKind::NoDownload(NoDownload::LocalFile)),
            Some(Address::LocalFolder) => return Ok(EntryKind::NoDownload(NoDownload::LocalFolder)),
            Some(Address::Git(Err(reason))) => return Ok(self.unfetchable(reason)),
            Some(Address::Git(Ok(source))) => source,
            Some(Address::Web(url)) if self.version.is_some_and(|version| is_in_registry(&url, &name, version)) => {
                Source::Registry { resolved: Some(url) }
            }
            Some(Address::Web(url)) => Source::Remote { url },
            None if self.version.is_none() => return Ok(self.unfetchable(UnfetchableReason::NothingStated)),
            None => Source::Registry { resolved: None },
        };
        let version = self.version.map_or_else(|| unstated_version(&source), Cow::Borrowed);
        let version =
            Version::parse(&version).map_err(|problem| EntryProblem::Version { version: shown(&version), problem })?;
        let integrity = self.integrity_of(&source)?;
        let ecosystem = Ecosystem::Npm;
        Ok(EntryKind::Artifact(Artifact { ecosystem, name, version, source, integrity, size: None, conditions }))
    }

    /// A download that cannot be made.
    pub(super) fn unfetchable(&self, reason: UnfetchableReason) -> EntryKind {
        let version = self.version.map(printable);
        EntryKind::Unfetchable(Unfetchable { name: shown(self.name), version, reason })
    }

    fn integrity_of(&self, source: &Source) -> Result<Option<Integrity>, EntryProblem> {
        if matches!(source, Source::Git { .. }) {
            return Ok(None);
        }
        let parse = |text: &str| {
            text.parse()
                .map_err(|error: DigestError| EntryProblem::Integrity { problem: printable(&error.to_string()) })
        };
        self.integrity.map(parse).transpose()
    }
}

/// A commit names its content as well as a version would.
fn unstated_version(source: &Source) -> Cow<'static, str> {
    match source {
        Source::Git { commit, .. } => Cow::Owned(commit.to_string()),
        _ => Cow::Borrowed(UNSTATED_VERSION),
    }
}
