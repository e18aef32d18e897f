//! Where an entry says that its bytes are: a registry, another address, a git repository or this machine.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    diagnose::{printable, shown},
    error::EntryProblem,
    unfetchable::UnfetchableReason,
};
use crate::core::{
    artifact::{Forge, PackageName, Source},
    endpoints::{BITBUCKET_HOST, GITHUB_HOST, GITLAB_HOST},
};

/// The forges, their hosts and the short form that npm knows them by.
const FORGES: [(Forge, &str, &str); 3] = [
    (Forge::GitHub, GITHUB_HOST, "github:"),
    (Forge::GitLab, GITLAB_HOST, "gitlab:"),
    (Forge::Bitbucket, BITBUCKET_HOST, "bitbucket:"),
];

/// An address, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `http:` or `https:`, without fragment.
    Web(Url),
    /// A commit that can be had, or why not.
    Git(Result<Source, UnfetchableReason>),
    /// `file:….tgz`.
    LocalFile,
    /// `file:…`.
    LocalFolder,
}

impl Address {
    /// Reads what stands in `resolved`, or, in version 1, in `version`.
    pub(super) fn parse(text: &str) -> Result<Self, EntryProblem> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(if is_archive(path) { Self::LocalFile } else { Self::LocalFolder });
        }
        if is_git(text) {
            return Ok(Self::Git(git_source(text)));
        }
        let mut url = Url::parse(text).map_err(|_| EntryProblem::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EntryProblem::Scheme { scheme: shown(url.scheme()) });
        }
        // A repository on a forge, by the address that its web page shows.
        let is_repository = url.path().strip_suffix(".git").is_some();
        if is_repository && url.host_str().is_some_and(|host| forge_of(host).is_some()) {
            return Ok(Self::Git(git_source(text)));
        }
        url.set_fragment(None);
        Ok(Self::Web(url))
    }
}

fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["tgz", "tar.gz", "tar"].iter().any(|ending| path.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.')))
}

/// `git+ssh://…`, `github:…` or, as ssh writes it, `git@host:owner/repository`.
fn is_git(text: &str) -> bool {
    if ["git+", "git:", "ssh:", "gist:"].iter().any(|start| text.starts_with(start))
        || FORGES.iter().any(|(_, _, short)| text.starts_with(short))
    {
        return true;
    }
    let before_colon = text.split_once(':').map_or("", |(before, _)| before);
    before_colon.contains('@') && !before_colon.contains('/')
}

/// The commit that a git address names, on a forge that offers it as a tarball.
fn git_source(text: &str) -> Result<Source, UnfetchableReason> {
    let (address, fragment) = text.split_once('#').map_or((text, None), |(address, rest)| (address, Some(rest)));
    let (forge, host, path) = match FORGES.iter().find(|(_, _, short)| address.starts_with(short)) {
        Some(&(forge, host, short)) => (forge, host.to_owned(), &address[short.len()..]),
        None => repository_address(address)?,
    };
    // Either may hold a user name: nothing before the at sign is kept.
    let path = path.rsplit_once('@').map_or(path, |(_, path)| path);
    let repository = repository_path(forge, path).ok_or(UnfetchableReason::GitRepository { host })?;
    let commit =
        full_commit(fragment).ok_or_else(|| UnfetchableReason::GitCommit { committish: fragment.map(printable) })?;
    Ok(Source::Git { forge, repository: repository.into(), commit: commit.into() })
}

/// The forge, its host and the path of the repository there.
fn repository_address(address: &str) -> Result<(Forge, String, &str), UnfetchableReason> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address.strip_prefix("git+").unwrap_or(address)));
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let rest = &rest[authority.rfind('@').map_or(0, |at| at + 1)..];
    let host_end = if rest.starts_with('[') {
        rest.find(']').map_or(rest.len(), |end| end + 1)
    } else {
        rest.find(['/', ':']).unwrap_or(rest.len())
    };
    let host = &rest[..host_end];
    let Some((forge, host)) = forge_of(host) else {
        let host = if host.is_empty() { "this machine".to_owned() } else { printable(host) };
        return Err(UnfetchableReason::GitHost { host });
    };
    let path = rest[host_end..].trim_start_matches([':', '/']);
    // After a scheme a number may be a port; as ssh writes it, it is an owner.
    let path = match path.split_once('/') {
        Some((port, path))
            if !scheme.is_empty() && rest[host_end..].starts_with(':') && port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            path
        }
        _ => path,
    };
    Ok((forge, host.to_owned(), path))
}

fn forge_of(host: &str) -> Option<(Forge, &'static str)> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    FORGES.iter().find(|(_, known, _)| *known == host).map(|&(forge, host, _)| (forge, host))
}

/// `owner/repository`, without the ending `.git`; on GitLab, groups may stand between the two.
pub(super) fn repository_path(forge: Forge, path: &str) -> Option<&str> {
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_name = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    let parts = path.split('/').count();
    let is_repository = match forge {
        Forge::GitLab => parts >= 2,
        Forge::GitHub | Forge::Bitbucket => parts == 2,
    };
    (is_repository && path.split('/').all(is_name)).then_some(path)
}

/// A full commit in lower case. npm writes `#<commit>`, and `#<commit>::path:<folder>` for a folder of the repository.
fn full_commit(fragment: Option<&str>) -> Option<String> {
    let commit = fragment?.split("::").next()?;
    let is_full = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_full.then(|| commit.to_ascii_lowercase())
}

/// Whether the address has a registry's form, `…/<name>/-/<base>-<version>.tgz`. Some registries repeat the scope before the base.
pub(super) fn is_in_registry(url: &Url, name: &PackageName, version: &str) -> bool {
    let path = match url.path() {
        path if path.contains('%') => percent_decode_str(path).decode_utf8_lossy(),
        path => Cow::Borrowed(path),
    };
    let Some((folder, file)) = path.rsplit_once('/') else { return false };
    let folder = name.scope().and_then(|scope| folder.strip_suffix(scope)?.strip_suffix('/')).unwrap_or(folder);
    let is_package = folder
        .strip_suffix("/-")
        .and_then(|package| package.strip_suffix(name.as_str()))
        .is_some_and(|before| before.ends_with('/'));
    let stated = file
        .strip_suffix(".tgz")
        .and_then(|file| file.strip_prefix(name.base()))
        .and_then(|file| file.strip_prefix('-'));
    // Registries leave build metadata out of the file's name.
    let without_build = version.split_once('+').map_or(version, |(version, _)| version);
    is_package && stated.is_some_and(|stated| stated == version || stated == without_build)
}
