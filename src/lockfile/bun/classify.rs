//! What a package of the lockfile means: a download, no download, or one that cannot be made.

use super::document::{Member, Tuple, Wants};
use crate::{
    core::{
        artifact::{Conditions, Forge},
        endpoints::GITHUB_API,
    },
    lockfile::{
        address::repository_path,
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
    let archive = github_archive(what);
    let is_version = !what.contains([':', '/']);
    let (version, address) = match &archive {
        Some((commit, address)) => (Some(*commit), Some(&**address)),
        None if is_version => (Some(what), registry(members)),
        None => (None, Some(what)),
    };
    let stated = Stated { name, version, address, integrity: integrity(&members[1..]) };
    stated.classify(with_limits(conditions, wants)?)
}

/// `github:owner/repository#0123456` → the commit, abbreviated as bun does, and where the API has its archive. The digest that later lockfiles state is that of this archive.
fn github_archive(what: &str) -> Option<(&str, String)> {
    let (repository, commit) = what.strip_prefix("github:")?.split_once('#')?;
    let is_commit = (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let repository = repository_path(Forge::GitHub, repository).filter(|_| is_commit)?;
    Some((commit, format!("{GITHUB_API}repos/{repository}/tarball/{commit}")))
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
