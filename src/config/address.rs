//! Addresses: computes from an artifact and the configuration the URLs to request, each with its credentials. Pure.
//!
//! larder requests the URLs that npm 11 would request. A URL is kept apart from its user name and password, and messages show it without its query.

use url::Url;

use crate::{
    config::{
        authorization::Authorization,
        larder_toml::{DistributionSource, ForgeAddresses, LarderToml},
        network::project_transport::ProjectTransport,
        package_manager::NpmConfig,
    },
    core::{
        artifact::{Artifact, Forge, PackageName, Source},
        endpoints,
        file_host::FileHost,
        file_name::FileName,
        redacted::redact,
    },
};

/// Where an artifact's bytes are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address, without user name, password and fragment. It can have a query, which people are not shown.
    pub url: Url,
    /// What the request says about who asks. It is for this address alone: ask [`NpmConfig::authorization_for`] about each address
    /// that it redirects to.
    pub authorization: Option<Authorization>,
    /// Whether the request says nothing about who asks, whatever is configured for the address: the lock that names it may have been written by a stranger.
    pub is_anonymous: bool,
    /// The file of the archive at that address, if an archive is there.
    pub member: Option<FileName>,
}

/// Where this artifact's bytes are asked for: at each of these, in this order, until one has them. At least one.
pub fn addresses_of(artifact: &Artifact, npm: &NpmConfig, settings: &LarderToml) -> Result<Vec<Address>, AddressError> {
    let Source::Distribution { release, file_name } = &artifact.source else {
        return Ok(vec![address_of(artifact, npm, settings)?]);
    };
    let sources = settings.pyodide.as_ref().map_or(&[][..], |pyodide| &pyodide.sources);
    let sources = if sources.is_empty() { &[DistributionSource::Cdn][..] } else { sources };
    let address = |source: &DistributionSource| {
        let url = source.address(release, file_name);
        let url = url.ok_or_else(|| AddressError::Folder { artifact: artifact.to_string() })?;
        let member = source.is_archive().then(|| file_name.clone());
        Ok(Address { member, ..checked(url, artifact, npm)? })
    };
    sources.iter().map(address).collect()
}

/// Where this artifact's bytes are asked for first.
pub fn address_of(artifact: &Artifact, npm: &NpmConfig, settings: &LarderToml) -> Result<Address, AddressError> {
    let pyodide = settings.pyodide.as_ref();
    let stated = match &artifact.source {
        // npm looks at an address's host alone: a tarball on the public registry's host comes from the configured one, too.
        Source::Registry { resolved: Some(url) } | Source::Remote { url } => {
            npm.replaced(url, &artifact.name).unwrap_or(url.clone())
        }
        Source::Registry { resolved: None } => tarball_url(artifact, npm.registry_for(&artifact.name)),
        Source::Named { registry } => tarball_url(artifact, named_registry(artifact, registry, npm)?),
        Source::Git { forge, repository, commit } => archive_url(*forge, repository, commit, &settings.forges),
        Source::Index { place } => FileHost::new(pyodide.and_then(|pyodide| pyodide.files.as_ref())).address_of(place),
        Source::Distribution { .. } => return Ok(addresses_of(artifact, npm, settings)?.swap_remove(0)),
        Source::Recorded { url } => {
            let url = url.as_url().clone();
            return Ok(Address { url, authorization: None, is_anonymous: true, member: None });
        }
    };
    checked(stated, artifact, npm)
}

/// Where the registry describes this package's versions: `<registry>/name`, `<registry>/@scope%2fname`.
pub fn packument_url(package: &PackageName, npm: &NpmConfig) -> Url {
    packument_below(npm.registry_for(package), package)
}

/// The same in this registry.
pub fn packument_below(registry: &Url, package: &PackageName) -> Url {
    let mut url = registry.clone();
    // npm escapes the slash in lower case, and some registries look at the bytes.
    let path = format!("{}{}", url.path(), package.as_str().replace('/', "%2f"));
    url.set_path(&path);
    url
}

/// What names an artifact without integrity from run to run: `git github owner/repository#commit` or `npm name@version <address>`.
///
/// It holds where the bytes are really asked for, so that what one project's mirror gave is never what another project gets:
///
/// - The address is the one that is asked, with the registry and the forges that are configured. A commit at its forge's own address is known by the commit alone; at another
///   one, that address follows.
/// - Where another registry than the one that the address is below says what the bytes are, ` described at ` and its address follow.
/// - Where the project's own files name a proxy or certificates, so that somebody may answer in the server's place, ` through ` and a digest of what they say follow.
/// - No user name, password or query is in it. A query makes the address another one all the same: ` ?` and the blake3 of the address with it follow.
///
/// `describes` is the registry that is asked for a digest, if one is; `transport` what the project says of proxies and certificates.
pub fn identity_of(
    artifact: &Artifact,
    address: &Address,
    describes: Option<&Url>,
    transport: Option<ProjectTransport>,
) -> String {
    let name = identity_of_direct(artifact, address, describes);
    let is_changed = |transport: &ProjectTransport| {
        [Some(&address.url), describes].into_iter().flatten().any(|url| transport.reaches(url.scheme()))
    };
    match transport.filter(is_changed) {
        Some(transport) => format!("{name} through {}", transport.digest()),
        None => name,
    }
}

fn identity_of_direct(artifact: &Artifact, address: &Address, describes: Option<&Url>) -> String {
    let asked = known_address(&address.url);
    if let Source::Git { forge, repository, commit } = &artifact.source {
        let name = format!("git {} {repository}#{commit}", forge.name());
        let is_public = archive_url(*forge, repository, commit, &ForgeAddresses::default()) == address.url;
        return if is_public { name } else { format!("{name} {asked}") };
    }
    let name = format!("{} {}@{} {asked}", artifact.ecosystem.name(), artifact.name, artifact.version);
    match describes.filter(|registry| !is_below(&address.url, registry)) {
        Some(registry) => format!("{name} described at {}", redact(registry)),
        None => name,
    }
}

/// An address as an identity has it.
fn known_address(url: &Url) -> String {
    let shown = redact(url);
    let Some(query) = url.query() else { return shown };
    format!("{shown} ?{}", blake3::hash(format!("{shown}?{query}").as_bytes()).to_hex())
}

/// Whether an address is on a registry's host and below its path.
fn is_below(url: &Url, registry: &Url) -> bool {
    url.origin() == registry.origin() && url.path().starts_with(registry.path())
}

/// Whether an address is that of a commit's archive at a public forge, which packs it anew when it likes. yarn 1 states such addresses for packages from git.
pub fn is_commit_archive(url: &Url) -> bool {
    let is_commit = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let without_ending = |file: &str| file.strip_suffix(".tar.gz").or(file.strip_suffix(".tgz")).is_some_and(is_commit);
    let host = |public: &str| Url::parse(public).expect("a constant address is one").host_str().map(str::to_owned);
    let is_at = |public: &str| url.host_str() == host(public).as_deref();
    if is_at(endpoints::GITHUB_ARCHIVES) {
        return matches!(parts[..], [_, _, "tar.gz" | "legacy.tar.gz", commit] if is_commit(commit));
    }
    match url.host_str().unwrap_or_default() {
        endpoints::GITHUB_HOST => matches!(parts[..], [_, _, "archive", file] if without_ending(file)),
        endpoints::BITBUCKET_HOST => matches!(parts[..], [_, _, "get", file] if without_ending(file)),
        endpoints::GITLAB_HOST => {
            let names_a_commit =
                || url.query_pairs().any(|(key, value)| matches!(&*key, "sha" | "ref") && is_commit(&value));
            match parts[..] {
                [.., "-", "archive", commit, _] => is_commit(commit),
                [.., "repository", "archive.tar.gz"] => names_a_commit(),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Why an artifact has no address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither `http:` nor `https:`.
    #[error("{artifact}: an address that starts with `{scheme}:` cannot be fetched (only http: and https:)")]
    UnknownScheme {
        /// Name and version.
        artifact: String,
        /// The scheme.
        scheme: String,
    },
    /// A registry that the lockfile knows by a name, and no file of the project or the user says where it is.
    #[error(
        "{artifact}: the named registry `{registry}` is not known (pnpm-workspace.yaml should have its address below `namedRegistries`)"
    )]
    UnknownRegistry {
        /// Name and version.
        artifact: String,
        /// The registry's name.
        registry: String,
    },
    /// A folder of distribution files that has no address on this machine.
    #[error("{artifact}: a source of `pyodide.sources` is a folder without a place")]
    Folder {
        /// Name and version.
        artifact: String,
    },
}

/// Takes user name and password out of the address; what is configured for it comes before them.
fn checked(mut url: Url, artifact: &Artifact, npm: &NpmConfig) -> Result<Address, AddressError> {
    // Only a folder that larder.toml names becomes a `file:` address.
    let is_folder = url.scheme() == "file" && matches!(artifact.source, Source::Distribution { .. });
    if !matches!(url.scheme(), "http" | "https") && !is_folder {
        return Err(AddressError::UnknownScheme { artifact: artifact.to_string(), scheme: url.scheme().to_owned() });
    }
    url.set_fragment(None);
    let own = Authorization::take_from(&mut url).map(Authorization::for_one_address);
    let configured = match &artifact.source {
        Source::Named { registry } => npm.authorization_beside(&url, named_registry(artifact, registry, npm)?),
        Source::Registry { .. } | Source::Remote { .. } => npm.authorization_for_package(&url, &artifact.name),
        _ => npm.authorization_for(&url),
    };
    let authorization = configured.or(own);
    Ok(Address { url, authorization, is_anonymous: false, member: None })
}

/// Where the registry of this name is.
pub fn named_registry<'a>(artifact: &Artifact, name: &str, npm: &'a NpmConfig) -> Result<&'a Url, AddressError> {
    npm.named_registry(name)
        .ok_or_else(|| AddressError::UnknownRegistry { artifact: artifact.to_string(), registry: name.to_owned() })
}

/// `<registry>/name/-/name-1.0.0.tgz`; of a scoped package, `<registry>/@scope/name/-/name-1.0.0.tgz`.
fn tarball_url(artifact: &Artifact, registry: &Url) -> Url {
    let file = format!("{}-{}.tgz", artifact.name.base(), artifact.version);
    let name = artifact.name.as_str().split('/');
    below(registry, name.chain(["-", &file]))
}

/// The tarball of a commit, at the address that npm asks too.
fn archive_url(forge: Forge, repository: &str, commit: &str, forges: &ForgeAddresses) -> Url {
    let (configured, public) = match forge {
        Forge::GitHub => (&forges.github, endpoints::GITHUB_ARCHIVES),
        Forge::GitLab => (&forges.gitlab, endpoints::GITLAB_ARCHIVES),
        Forge::Bitbucket => (&forges.bitbucket, endpoints::BITBUCKET_ARCHIVES),
    };
    let base = configured.clone().unwrap_or_else(|| Url::parse(public).expect("a constant address is one"));
    let parts = repository.split('/');
    match forge {
        Forge::GitHub => below(&base, parts.chain(["tar.gz", commit])),
        Forge::GitLab => {
            let mut url = below(&base, ["api", "v4", "projects", repository, "repository", "archive.tar.gz"]);
            url.query_pairs_mut().append_pair("sha", commit);
            url
        }
        Forge::Bitbucket => below(&base, parts.chain(["get", &format!("{commit}.tar.gz")])),
    }
}

/// The address with these parts after its path, each escaped.
fn below<'a>(base: &Url, parts: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("registries and forges have http: or https: addresses").pop_if_empty().extend(parts);
    url
}

#[cfg(test)]
mod tests;
