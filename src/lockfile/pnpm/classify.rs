//! What a package of the lockfile means: a download, no download, or one that cannot be made.

use std::borrow::Cow;

use super::{
    document::{Package, Resolution},
    key::{Form, parse},
};
use crate::{
    core::{
        artifact::{Artifact, Conditions, Source},
        endpoints::GITHUB_ARCHIVES,
    },
    lockfile::{
        diagnose::{printable, shown},
        entry::{EntryKind, NoDownload},
        error::EntryProblem,
        lenient::Shaped,
        package::Stated,
        reachability::Reachability,
        unfetchable::UnfetchableReason,
    },
};

/// What decides whether the package is wanted.
pub(super) fn conditions(
    package: &Package<'_>,
    key: &str,
    reachability: Option<&Reachability<'_>>,
) -> Result<Conditions, EntryProblem> {
    let (dev, optional) = match reachability {
        Some(reachability) => (reachability.is_dev(key), reachability.is_optional(key)),
        None => (package.dev.value("dev")?, package.optional.value("optional")?),
    };
    Ok(Conditions {
        dev,
        optional,
        os: package.os.names("os")?,
        cpu: package.cpu.names("cpu")?,
        libc: package.libc.names("libc")?,
        ..Conditions::default()
    })
}

/// What the entry is.
pub(super) fn classify(
    form: Form,
    key: &str,
    package: &Package<'_>,
    conditions: Conditions,
) -> Result<EntryKind, EntryProblem> {
    let resolution = match &package.resolution {
        Shaped::Object(resolution) => resolution,
        Shaped::Absent => return Err(EntryProblem::Missing { field: "resolution" }),
        Shaped::WrongType => return Err(EntryProblem::WrongType { field: "resolution" }),
    };
    let named = parse(form, key);
    let name = package.name.text("name")?.or(named.map(|named| named.name));
    let name = name.ok_or_else(|| EntryProblem::Name { name: shown(key), problem: "no name in it" })?;
    // An address in the version's place says no version.
    let is_version = |text: &&str| !text.contains([':', '/']);
    let version = package.version.text("version")?.or(named.map(|named| named.reference)).filter(is_version);
    let integrity = resolution.integrity.text("integrity")?;
    let kind = resolution.kind.text("type")?;
    let address = match kind {
        Some("directory") => return Ok(EntryKind::NoDownload(NoDownload::LocalFolder)),
        Some("git") => Some(Cow::Owned(git_address(resolution)?)),
        Some(kind) => {
            let stated = Stated { name, version, address: None, integrity };
            return Ok(stated.unfetchable(UnfetchableReason::Resolution { kind: printable(kind) }));
        }
        None => archive_address(resolution, integrity)?,
    };
    if address.is_none()
        && let Some((registry, version)) = named.and_then(|named| in_named_registry(named.reference))
    {
        let stated = Stated { name, version: Some(version), address: None, integrity };
        return Ok(match stated.classify(conditions)? {
            EntryKind::Artifact(artifact) => {
                let source = Source::Named { registry: registry.into() };
                EntryKind::Artifact(Artifact { source, ..artifact })
            }
            other => other,
        });
    }
    if address.is_none() && version.is_none() {
        return Err(EntryProblem::Version { version: shown(key), problem: "no version in it" });
    }
    Stated { name, version, address: address.as_deref(), integrity }.classify(conditions)
}

/// `work:1.0.0`, as pnpm 12 writes the version of a package of a named registry: the registry's name and the version.
fn in_named_registry(reference: &str) -> Option<(&str, &str)> {
    let (registry, version) = reference.split_once(':')?;
    let is_name = registry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    (!registry.is_empty() && is_name && nodejs_semver::Version::parse(version).is_ok()).then_some((registry, version))
}

/// `git+<repository>#<commit>`, as npm writes it.
fn git_address(resolution: &Resolution<'_>) -> Result<String, EntryProblem> {
    let repository = resolution.repo.text("repo")?.ok_or(EntryProblem::Missing { field: "repo" })?;
    let commit = resolution.commit.text("commit")?.ok_or(EntryProblem::Missing { field: "commit" })?;
    // As ssh writes it, `git@host:path`, it stays as it is; a path of this machine gets a scheme of its own.
    let prefix = match repository.split_once(':') {
        _ if repository.starts_with("git") => "",
        Some(_) => "git+",
        None => "git+file://",
    };
    Ok(format!("{prefix}{repository}#{commit}"))
}

/// The address of an archive; `None` where the registry has it at the usual place.
fn archive_address<'a>(
    resolution: &'a Resolution<'_>,
    integrity: Option<&str>,
) -> Result<Option<Cow<'a, str>>, EntryProblem> {
    let Some(tarball) = resolution.tarball.text("tarball")? else { return Ok(None) };
    // GitHub's archive of a commit is known by the commit, unless the lockfile knows its bytes.
    if let Some(commit) = tarball.strip_prefix(GITHUB_ARCHIVES)
        && integrity.is_none()
        && let Some((repository, commit)) = commit.split_once("/tar.gz/")
    {
        return Ok(Some(Cow::Owned(format!("github:{repository}#{commit}"))));
    }
    if tarball.contains(':') {
        return Ok(Some(Cow::Borrowed(tarball)));
    }
    // pnpm once left the registry's address out of what lies below it.
    let below = |registry: &str| format!("{}/{}", registry.trim_end_matches('/'), tarball.trim_start_matches('/'));
    Ok(resolution.registry.text("registry")?.map(|registry| Cow::Owned(below(registry))))
}
