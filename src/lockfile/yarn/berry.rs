//! Versions 4 to 10, of yarn 2 and later: `resolution` says what a package is, the address is worked out from it. `checksum` is of the zip that yarn makes of a
//! tarball: about the tarball's own bytes nothing is stated.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use super::{
    entry::{RawEntry, split_descriptor},
    reference::{plugin_protocol, public},
};
use crate::{
    core::artifact::Conditions,
    lockfile::{
        diagnose::printable,
        entry::{EntryKind, NoDownload},
        error::EntryProblem,
        package::Stated,
        unfetchable::UnfetchableReason,
    },
};

/// The descriptors that packages name: those that some package needs, and those that optional dependencies name.
#[derive(Debug, Default)]
pub(super) struct Needed<'s> {
    named: HashSet<(&'s str, &'s str)>,
    optional: HashSet<(&'s str, &'s str)>,
    patched: HashSet<String>,
}

impl<'s> Needed<'s> {
    /// Notes what an entry needs. A patch needs the package that it changes, even where that is only for another platform: so yarn fetches it.
    pub(super) fn note(&mut self, entry: RawEntry<'s, '_>) {
        self.patched.extend(entry.descriptors().filter_map(|(_, range)| patched(range)));
        let optional: HashSet<&str> = entry.flagged("dependenciesMeta", "optional").collect();
        for (name, range) in entry.texts("dependencies") {
            let into = if optional.contains(name) { &mut self.optional } else { &mut self.named };
            into.insert((name, without_protocol(range)));
        }
    }

    /// Whether it is known that nothing but optional dependencies name it. (`resolutions` let other descriptors lead to an entry than those that name it.)
    fn is_optional(&self, entry: RawEntry<'_, '_>) -> bool {
        let is_named = |(name, range): (&str, &str)| self.optional.contains(&(name, without_protocol(range)));
        entry.descriptors().all(is_named) && !self.has(entry)
    }

    fn has(&self, entry: RawEntry<'_, '_>) -> bool {
        entry.descriptors().any(|(name, range)| {
            let range = without_protocol(range);
            self.named.contains(&(name, range)) || self.patched.contains(&format!("{name}@{range}"))
        })
    }
}

/// `patch:a@npm%3A^1.0.0#…` → `a@^1.0.0`, the descriptor of the package that a patch is of.
fn patched(range: &str) -> Option<String> {
    let inner = range.strip_prefix("patch:")?.split('#').next()?;
    let inner = percent_decode_str(inner).decode_utf8_lossy();
    let (name, range) = split_descriptor(&inner);
    Some(format!("{name}@{}", without_protocol(range)))
}

/// Until version 7, dependencies stood in the file without the `npm:` that their descriptors had.
fn without_protocol(range: &str) -> &str {
    range.strip_prefix("npm:").unwrap_or(range)
}

/// What an entry is.
pub(super) fn classify(entry: RawEntry<'_, '_>, needed: &Needed<'_>) -> Result<EntryKind, EntryProblem> {
    let resolution = entry.text("resolution")?.ok_or(EntryProblem::Missing { field: "resolution" })?;
    let (name, reference) = split_descriptor(resolution);
    let (reference, parameters) = reference.split_once("::").unwrap_or((reference, ""));
    let stated = entry.text("version")?;
    let (version, address) = match reference.split_once(':') {
        Some(("npm", version)) => (Some(version), archive_url(parameters)),
        Some(("patch", _)) => return Ok(EntryKind::NoDownload(NoDownload::Patch)),
        Some(("workspace", _)) => return Ok(EntryKind::NoDownload(NoDownload::Project)),
        Some(("link", _)) => return Ok(EntryKind::NoDownload(NoDownload::Link)),
        Some(("portal" | "exec", _)) => return Ok(EntryKind::NoDownload(NoDownload::LocalFolder)),
        // `file:./a.tgz#./a.tgz` names the file twice: as seen from the package, and by its digest.
        Some(("file", _)) => (stated, reference.split('#').next().map(str::to_owned)),
        _ => (stated, Some(with_bare_commit(reference))),
    };
    let stated = Stated { name, version, address: address.as_deref(), integrity: None };
    if let Some(protocol) = plugin_protocol(reference) {
        return Ok(stated.unfetchable(UnfetchableReason::PluginProtocol { protocol: printable(protocol) }));
    }
    stated.classify(conditions(entry, needed)?)
}

/// The address of a tarball that is not where a registry's usually are: `__archiveUrl=https%3A%2F%2F…`.
fn archive_url(parameters: &str) -> Option<String> {
    let value = parameters.split('&').find_map(|parameter| parameter.strip_prefix("__archiveUrl="))?;
    Some(public(&percent_decode_str(value).decode_utf8_lossy()).into_owned())
}

/// `https://…/a.git#commit=<commit>` or `…#workspace=b&commit=<commit>` → `https://…/a.git#<commit>`.
fn with_bare_commit(reference: &str) -> String {
    let commit = reference.split_once('#').and_then(|(address, fragment)| {
        Some((address, fragment.split('&').find_map(|part| part.strip_prefix("commit="))?))
    });
    commit.map_or_else(|| reference.to_owned(), |(address, commit)| format!("{address}#{commit}"))
}

/// `(os=linux | os=darwin) & !libc=musl`. yarn passes over a package that runs elsewhere if only optional dependencies lead to it.
fn conditions(entry: RawEntry<'_, '_>, needed: &Needed<'_>) -> Result<Conditions, EntryProblem> {
    let mut conditions = Conditions::default();
    let Some(text) = entry.text("conditions")? else {
        conditions.optional = needed.is_optional(entry);
        return Ok(conditions);
    };
    let bad = || EntryProblem::WrongType { field: "conditions" };
    for alternatives in text.split(" & ") {
        let alternatives = alternatives.strip_prefix('(').map_or(Some(alternatives), |rest| rest.strip_suffix(')'));
        for condition in alternatives.ok_or_else(bad)?.split(" | ") {
            // What yarn writes for an operating system without a name.
            if condition == "invalid" {
                continue;
            }
            let (key, value) = condition.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(bad)?;
            let list = match key.strip_prefix('!').unwrap_or(key) {
                "os" => &mut conditions.os,
                "cpu" => &mut conditions.cpu,
                "libc" => &mut conditions.libc,
                _ => return Err(bad()),
            };
            list.push(if key.starts_with('!') { format!("!{value}").into() } else { value.into() });
        }
    }
    conditions.optional = !needed.has(entry);
    Ok(conditions)
}
