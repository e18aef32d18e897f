//! What an entry means: a download, no download, or one that cannot be made.

use std::{borrow::Cow, collections::HashMap};

use larder_store::digest::Integrity;

use super::{
    super::{EntryKind, EntryProblem, NoDownload, Unfetchable, UnfetchableReason},
    address::{Address, is_in_registry},
    entry::{Form, RawEntry},
    key::Flag,
};
use crate::artifact::{Artifact, Conditions, Ecosystem, PackageName, Source, Version};

/// The version of a package of which the lockfile states none, as version 1 does for remote archives.
const UNSTATED_VERSION: &str = "0.0.0-unstated";

/// Classifies the entries of one lockfile: some can only be understood beside others.
pub(super) struct Classifier<'a> {
    form: Form,
    has_workspaces: bool,
    /// Whether an entry is bundled, by its path, for those that say they are.
    in_bundle: HashMap<&'a str, bool>,
}

impl<'a> Classifier<'a> {
    pub(super) fn new(form: Form, entries: &'a [RawEntry<'a>]) -> Self {
        let has_workspaces = entries.iter().any(|entry| entry.path.is_empty() && entry.has_workspaces);
        let says_so = |entry: &&RawEntry<'_>| entry.is(Flag::InBundle) || entry.is(Flag::Bundled);
        let mut in_bundle: HashMap<&str, bool> =
            entries.iter().filter(says_so).map(|entry| (&*entry.path, true)).collect();
        settle_bundles(&mut in_bundle);
        Self { form, has_workspaces, in_bundle }
    }

    /// What the entry is.
    pub(super) fn classify(&self, entry: &RawEntry<'_>) -> Result<EntryKind, EntryProblem> {
        if let Some(problem) = entry.problem() {
            return Err(problem.clone());
        }
        check_path(&entry.path)?;
        if entry.path.is_empty() {
            return Ok(EntryKind::NoDownload(NoDownload::Project));
        }
        if entry.is(Flag::Link) {
            return Ok(EntryKind::NoDownload(NoDownload::Link));
        }
        let Some((_, installed_name)) = split_package(&entry.path) else {
            return Ok(EntryKind::NoDownload(self.folder(&entry.path)));
        };
        if self.is_bundled(entry) {
            return Ok(EntryKind::NoDownload(NoDownload::Bundled));
        }
        let stated = Stated::of(self.form, entry, installed_name)?;
        package(entry, &stated)
    }

    /// A folder with an entry of its own. Workspaces lie inside the project, and the root lists them.
    fn folder(&self, path: &str) -> NoDownload {
        let is_inside = !path.starts_with("..") && !path.starts_with('/');
        if self.has_workspaces && is_inside { NoDownload::Project } else { NoDownload::LocalFolder }
    }

    fn is_bundled(&self, entry: &RawEntry<'_>) -> bool {
        match self.in_bundle.get(&*entry.path) {
            Some(true) => true,
            // npm 6 marks what lies in a linked folder's node_modules as bundled and states nothing else about it.
            Some(false) => {
                self.form == Form::Nested
                    && entry.resolved.text("").is_ok_and(|text| text.is_none())
                    && entry.integrity.text("").is_ok_and(|text| text.is_none())
            }
            None => false,
        }
    }
}

/// Decides for each path whether it is in a package's archive. What the project itself bundles is marked alike, but downloaded: the project has no archive yet.
fn settle_bundles(in_bundle: &mut HashMap<&str, bool>) {
    let by_project: Vec<&str> = in_bundle.keys().copied().filter(|path| bundler_is_project(path, in_bundle)).collect();
    for path in by_project {
        in_bundle.insert(path, false);
    }
}

/// Whether the outermost package of the bundle that the path belongs to is bundled by a folder, not by a package.
fn bundler_is_project(path: &str, in_bundle: &HashMap<&str, bool>) -> bool {
    let mut path = path;
    while let Some((parent, _)) = split_package(path) {
        if !in_bundle.contains_key(parent) {
            return split_package(parent).is_none();
        }
        path = parent;
    }
    true
}

/// `a/node_modules/@scope/b` → `a` and `@scope/b`; `None` for a folder that is not in `node_modules`.
pub(super) fn split_package(path: &str) -> Option<(&str, &str)> {
    let mut end = path.len();
    while let Some(slash) = path[..end].rfind('/') {
        if let Some(parent) = path[..slash].strip_suffix("node_modules")
            && (parent.is_empty() || parent.ends_with('/'))
        {
            return Some((parent.strip_suffix('/').unwrap_or(parent), &path[slash + 1..]));
        }
        end = slash;
    }
    None
}

/// Paths of linked folders may lead out of the project, and no further `..` stands in any path.
fn check_path(path: &str) -> Result<(), EntryProblem> {
    let leads_out = |part: &&str| *part == "..";
    let has_control = path.bytes().any(|byte| byte.is_ascii_control());
    if has_control || (path.contains("..") && path.split('/').skip_while(leads_out).any(|part| part == "..")) {
        return Err(EntryProblem::Path);
    }
    Ok(())
}

/// An entry's name, version and address, wherever its form has them.
struct Stated<'a> {
    name: &'a str,
    version: Option<&'a str>,
    address: Option<&'a str>,
}

impl<'a> Stated<'a> {
    fn of(form: Form, entry: &'a RawEntry<'_>, installed_name: &'a str) -> Result<Self, EntryProblem> {
        let name = entry.name.text("name")?;
        let version = entry.version.text("version")?;
        let address = entry.resolved.text("resolved")?;
        if form == Form::Flat {
            return Ok(Self { name: name.unwrap_or(installed_name), version, address });
        }
        // Version 1 has the real name of an alias in the version, and the address of what no registry has.
        if let Some((name, version)) = version.and_then(|text| text.strip_prefix("npm:")?.rsplit_once('@')) {
            return Ok(Self { name, version: Some(version), address });
        }
        Ok(match version {
            Some(text) if text.contains(':') => Self { name: installed_name, version: None, address: Some(text) },
            _ => Self { name: installed_name, version, address },
        })
    }
}

fn package(entry: &RawEntry<'_>, stated: &Stated<'_>) -> Result<EntryKind, EntryProblem> {
    let name = PackageName::parse(stated.name)
        .map_err(|problem| EntryProblem::Name { name: super::shown(stated.name), problem })?;
    let unfetchable = |reason| {
        let version = stated.version.map(super::printable);
        EntryKind::Unfetchable(Unfetchable { name: super::shown(stated.name), version, reason })
    };
    let source = match stated.address.map(Address::parse).transpose()? {
        Some(Address::LocalFile) => return Ok(EntryKind::NoDownload(NoDownload::LocalFile)),
        Some(Address::LocalFolder) => return Ok(EntryKind::NoDownload(NoDownload::LocalFolder)),
        Some(Address::Git(Err(reason))) => return Ok(unfetchable(reason)),
        Some(Address::Git(Ok(source))) => source,
        Some(Address::Web(url)) if stated.version.is_some_and(|version| is_in_registry(&url, &name, version)) => {
            Source::Registry { resolved: Some(url) }
        }
        Some(Address::Web(url)) => Source::Remote { url },
        None if stated.version.is_none() => return Ok(unfetchable(UnfetchableReason::NothingStated)),
        None => Source::Registry { resolved: None },
    };
    let version = stated.version.map_or_else(|| unstated_version(&source), Cow::Borrowed);
    let version = Version::parse(&version)
        .map_err(|problem| EntryProblem::Version { version: super::shown(&version), problem })?;
    let integrity = integrity(entry, &source)?;
    let conditions = conditions(entry);
    Ok(EntryKind::Artifact(Artifact { ecosystem: Ecosystem::Npm, name, version, source, integrity, conditions }))
}

/// A commit names its content as well as a version would.
fn unstated_version(source: &Source) -> Cow<'static, str> {
    match source {
        Source::Git { commit, .. } => Cow::Owned(commit.to_string()),
        _ => Cow::Borrowed(UNSTATED_VERSION),
    }
}

fn integrity(entry: &RawEntry<'_>, source: &Source) -> Result<Option<Integrity>, EntryProblem> {
    if matches!(source, Source::Git { .. }) {
        return Ok(None);
    }
    let parse = |text: &str| {
        text.parse().map_err(|error: larder_store::digest::DigestError| EntryProblem::Integrity {
            problem: super::printable(&error.to_string()),
        })
    };
    entry.integrity.text("integrity")?.map(parse).transpose()
}

fn conditions(entry: &RawEntry<'_>) -> Conditions {
    let list = |which: &Option<Vec<Box<str>>>| which.clone().unwrap_or_default();
    let limits = entry.limits.as_deref();
    Conditions {
        dev: entry.is(Flag::Dev),
        optional: entry.is(Flag::Optional),
        dev_optional: entry.is(Flag::DevOptional),
        peer: entry.is(Flag::Peer),
        os: limits.map(|limits| list(&limits.os)).unwrap_or_default(),
        cpu: limits.map(|limits| list(&limits.cpu)).unwrap_or_default(),
        libc: limits.map(|limits| list(&limits.libc)).unwrap_or_default(),
    }
}
