//! Version 1, of yarn 1: `resolved` has the address, and behind a `#` the sha1. What a package is for (development, optional, a platform) is not in it.

use std::borrow::Cow;

use larder_store::digest::{Algorithm, Digest};

use super::{
    entry::{RawEntry, split_descriptor},
    reference::{plugin_protocol, public},
};
use crate::{
    core::artifact::Conditions,
    lockfile::{
        diagnose::shown,
        entry::{EntryKind, NoDownload},
        error::EntryProblem,
        package::Stated,
    },
};

/// What an entry is.
pub(super) fn classify(entry: RawEntry<'_, '_>) -> Result<EntryKind, EntryProblem> {
    let (name, range) = named(entry)?;
    let version = entry.text("version")?;
    let resolved = entry.text("resolved")?;
    if resolved.is_none()
        && let Some(kind) = local(range)
    {
        return Ok(EntryKind::NoDownload(kind));
    }
    // Without an address, the registry would be asked for what is none of its packages.
    if resolved.is_none()
        && let Some(protocol) = plugin_protocol(range)
    {
        return Err(EntryProblem::Scheme { scheme: shown(protocol) });
    }
    let (address, sha1) = resolved.map_or((None, None), address);
    let stated =
        Stated { name, version, address: address.as_deref(), integrity: entry.text("integrity")?.or(sha1.as_deref()) };
    stated.classify(Conditions::default())
}

/// The real name and the range: that of an alias is in `name`, or in its range.
fn named<'s>(entry: RawEntry<'s, '_>) -> Result<(&'s str, &'s str), EntryProblem> {
    let (key_name, range) = split_descriptor(entry.path());
    let name = match (entry.text("name")?, range.strip_prefix("npm:")) {
        (Some(name), _) => name,
        (None, Some(alias)) => split_descriptor(alias).0,
        (None, None) => key_name,
    };
    Ok((name, range))
}

/// What a range names that is on this machine. yarn states no address for a folder.
fn local(range: &str) -> Option<NoDownload> {
    let is_path = ["./", "../", "/", "~/"].iter().any(|start| range.starts_with(start));
    match range.split_once(':') {
        Some(("link" | "portal", _)) => Some(NoDownload::Link),
        Some(("workspace", _)) => Some(NoDownload::Project),
        Some(("file", _)) => Some(NoDownload::LocalFolder),
        _ => is_path.then_some(NoDownload::LocalFolder),
    }
}

/// The address, if it is one, and the sha1 behind it as an integrity. A file's name alone is what yarn wrote once beside an offline mirror: the registry has it.
/// A path alone is of this machine.
fn address(resolved: &str) -> (Option<Cow<'_, str>>, Option<String>) {
    let has_commit = |address: &str| {
        let is_git = ["git+", "git:", "git@", "ssh:"].iter().any(|start| address.starts_with(start));
        is_git || address.strip_suffix(".git").is_some()
    };
    let (address, fragment) = resolved.split_once('#').unwrap_or((resolved, ""));
    if has_commit(address) {
        return (Some(resolved.into()), None);
    }
    let sha1 = Digest::from_hex(Algorithm::Sha1, fragment).ok().map(|digest| digest.to_string());
    let address = match address {
        _ if address.contains(':') => Some(public(address)),
        _ if address.contains('/') => Some(format!("file:{address}").into()),
        _ => None,
    };
    (address, sha1)
}
