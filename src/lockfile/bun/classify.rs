//! What a package of the lockfile means: a download, no download, or one that cannot be made.

use super::document::{Member, Tuple, Wants};
use crate::{
    core::artifact::Conditions,
    lockfile::{
        diagnose::shown,
        entry::{EntryKind, NoDownload},
        error::EntryProblem,
        package::Stated,
    },
};

/// What the entry is; `conditions` has why it is installed.
pub(super) fn classify(tuple: &Tuple<'_>, conditions: Conditions) -> Result<EntryKind, EntryProblem> {
    let Tuple::Members(members) = tuple else { return Err(EntryProblem::NotAList) };
    let Some(Member::Text(resolution)) = members.first() else { return Err(EntryProblem::Missing { field: "name" }) };
    if members.iter().any(|member| matches!(member, Member::WrongType)) {
        return Err(EntryProblem::WrongType { field: "a member" });
    }
    let no_name = || EntryProblem::Name { name: shown(resolution), problem: "no name in it" };
    let (name, what) = split(resolution).ok_or_else(no_name)?;
    if let Some(kind) = of_this_machine(what) {
        return Ok(EntryKind::NoDownload(kind));
    }
    let wants = tuple.wants();
    if wants.map(|wants| wants.bundled.value("bundled")).transpose()?.unwrap_or_default() {
        return Ok(EntryKind::NoDownload(NoDownload::Bundled));
    }
    let is_version = !what.contains([':', '/']);
    let (version, address) = if is_version { (Some(what), registry(members)) } else { (None, Some(what)) };
    let stated = Stated { name, version, address, integrity: integrity(&members[1..]) };
    stated.classify(with_limits(conditions, wants)?)
}

/// `@scope/name@1.0.0` → `@scope/name` and `1.0.0`.
fn split(resolution: &str) -> Option<(&str, &str)> {
    let (name, _) = resolution.get(1..)?.split_once('@')?;
    Some(resolution.split_at(name.len() + 1)).map(|(name, what)| (name, &what[1..]))
}

/// What needs no download, by what stands behind the name.
fn of_this_machine(what: &str) -> Option<NoDownload> {
    match what.split_once(':').map_or(what, |(kind, _)| kind) {
        "workspace" | "root" => Some(NoDownload::Link),
        "file" | "link" => Some(NoDownload::LocalFolder),
        path if path.starts_with('.') || path.starts_with('/') => Some(NoDownload::LocalFile),
        _ => None,
    }
}

/// The address of a package's archive, where it is not at the usual place of the usual registry.
fn registry<'a>(members: &'a [Member<'_>]) -> Option<&'a str> {
    match members.get(1) {
        Some(Member::Text(address)) => Some(&**address).filter(|address| address.contains("://")),
        _ => None,
    }
}

/// The last text, unless it is a folder's name: that one has no digest in it.
fn integrity<'a>(members: &'a [Member<'_>]) -> Option<&'a str> {
    members.iter().rev().find_map(|member| match member {
        Member::Text(text) => Some(&**text).filter(|text| text.starts_with("sha") && text.contains('-')),
        _ => None,
    })
}

fn with_limits(conditions: Conditions, wants: Option<&Wants<'_>>) -> Result<Conditions, EntryProblem> {
    let Some(wants) = wants else { return Ok(conditions) };
    Ok(Conditions {
        os: wants.os.names("os")?,
        cpu: wants.cpu.names("cpu")?,
        libc: wants.libc.names("libc")?,
        ..conditions
    })
}
