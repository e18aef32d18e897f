//! [`Reference`]: an image in a registry, as a user names it: `oci://host[:port]/repository[:tag|@sha256:…]`. Pure.

use std::fmt;

use url::{Host, Url};

use super::digest::{ContentDigest, ContentDigestError};
use crate::{core::endpoints, plan::PlanDigest};

/// What an image's address begins with.
const SCHEME: &str = "oci://";

/// What a tag has in the place of the plan's digest.
pub(super) const PLAN: &str = "{plan}";

/// What a reference without tag and digest means.
pub(super) const DEFAULT_TAG: &str = "latest";

/// Characters of a repository, and of a tag, as the distribution specification has them.
const MOST_REPOSITORY: usize = 255;
const MOST_TAG: usize = 128;

/// An image, or all versions of one, in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, with a port if one is stated, as a user writes it.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// Which of its versions.
    pub version: Version,
}

/// Which version of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// What has this tag now.
    Tag(String),
    /// What has this digest.
    Digest(ContentDigest),
}

/// Why a text names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// It does not begin as one.
    #[error("{text}: an image in a registry is named oci://HOST/REPOSITORY:TAG")]
    Scheme {
        /// What was written, without what may be a password.
        text: String,
    },
    /// It has a user and perhaps a password in it.
    #[error(
        "a reference has no user and password in it: log in with `docker login {registry}`, and larder takes them from there"
    )]
    UserInfo {
        /// The registry.
        registry: String,
    },
    /// No host, or none.
    #[error("{text}: {registry:?} is no registry's host")]
    Host {
        /// What was written.
        text: String,
        /// What stands in the host's place.
        registry: String,
    },
    /// A word that Docker takes for the first part of a repository.
    #[error(
        "{text}: name the registry with its domain or port, like {registry}:5000: Docker takes {registry} alone for a part of the repository's name"
    )]
    Word {
        /// What was written.
        text: String,
        /// What stands in the host's place.
        registry: String,
    },
    /// Nothing behind the host.
    #[error("{text}: names no repository: write oci://{registry}/REPOSITORY:TAG")]
    NoRepository {
        /// What was written.
        text: String,
        /// The registry.
        registry: String,
    },
    /// A repository that registries refuse.
    #[error(
        "{text}: {repository:?} is no repository: lower-case letters and digits, with `.`, `_`, `__` or `-` between them and `/` between parts, {MOST_REPOSITORY} characters at most"
    )]
    Repository {
        /// What was written.
        text: String,
        /// The repository.
        repository: String,
    },
    /// A tag that registries refuse.
    #[error(
        "{text}: {tag:?} is no tag: letters, digits, `_`, `.` and `-`, the first a letter, a digit or `_`, {MOST_TAG} characters at most"
    )]
    Tag {
        /// What was written.
        text: String,
        /// The tag.
        tag: String,
    },
    /// A digest that cannot be checked.
    #[error("{text}: the digest is {source}")]
    Digest {
        /// What was written.
        text: String,
        /// What is wrong with it.
        source: ContentDigestError,
    },
    /// The plan's digest is asked for where there is no plan.
    #[error("{text}: {PLAN} stands for the digest of a project's plan, and there is no project here")]
    NoPlan {
        /// What was written.
        text: String,
    },
}

impl Reference {
    /// Reads a reference. In its tag, `{plan}` is the digest of `plan`.
    pub fn parse(text: &str, plan: Option<&PlanDigest>) -> Result<Self, ReferenceError> {
        // As text it begins with the algorithm and a colon, which no tag has.
        Self::with(text, plan.map(PlanDigest::hex).as_deref())
    }

    /// Reads a reference that is meant for any plan: in its tag, zeros stand in the place of `{plan}`.
    pub fn parse_for_any_plan(text: &str) -> Result<Self, ReferenceError> {
        Self::with(text, Some(&"0".repeat(64)))
    }

    fn with(text: &str, plan: Option<&str>) -> Result<Self, ReferenceError> {
        let owned = || text.to_owned();
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(ReferenceError::Scheme { text: without_userinfo(text) });
        };
        let (registry, path) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some((_, registry)) = registry.rsplit_once('@')
            && is_host(registry)
        {
            return Err(ReferenceError::UserInfo { registry: registry.to_owned() });
        }
        check_host(text, registry)?;
        if path.is_empty() {
            return Err(ReferenceError::NoRepository { text: owned(), registry: registry.to_owned() });
        }
        let (name, digest) = path.split_once('@').map_or((path, None), |(name, digest)| (name, Some(digest)));
        let (repository, tag) = name.rsplit_once(':').map_or((name, None), |(name, tag)| (name, Some(tag)));
        let mut repository = repository.to_owned();
        // Docker's clients do this as well, and a Dockerfile names the same image with the same words.
        if endpoints::is_docker_hub(registry) && !repository.contains('/') {
            repository.insert_str(0, "library/");
        }
        if !is_repository(&repository) {
            return Err(ReferenceError::Repository { text: owned(), repository });
        }
        let tag = match (tag.unwrap_or(DEFAULT_TAG), plan) {
            (tag, None) if tag.contains(PLAN) => return Err(ReferenceError::NoPlan { text: owned() }),
            (tag, None) => tag.to_owned(),
            (tag, Some(plan)) => tag.replace(PLAN, plan),
        };
        if !is_tag(&tag) {
            return Err(ReferenceError::Tag { text: owned(), tag });
        }
        let version = match digest {
            // Who names both means the digest, as in Docker.
            Some(digest) => {
                Version::Digest(digest.parse().map_err(|source| ReferenceError::Digest { text: owned(), source })?)
            }
            None => Version::Tag(tag),
        };
        Ok(Self { registry: registry.to_owned(), repository, version })
    }

    /// The registry and the repository: what Docker calls a name.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same repository's version with this digest.
    #[must_use]
    pub fn with_digest(&self, digest: ContentDigest) -> Self {
        Self { version: Version::Digest(digest), ..self.clone() }
    }

    /// The address of the registry's API. On this machine registries have no certificates; elsewhere what is not encrypted is not asked.
    pub(super) fn api(&self) -> Url {
        if endpoints::is_docker_hub(&self.registry) {
            return endpoints::DOCKER_HUB_API.parse().expect("it is an address");
        }
        let scheme = if is_loopback(&self.registry) { "http" } else { "https" };
        format!("{scheme}://{}/", self.registry).parse().expect("the host was checked")
    }
}

/// As Docker and a Dockerfile name the image: without `oci://`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match &self.version {
            Version::Tag(tag) => write!(f, ":{tag}"),
            Version::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

/// As the registry's API names it.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

/// Whether a host with an optional port is this machine.
pub(super) fn is_loopback(registry: &str) -> bool {
    let Ok(url) = format!("http://{registry}/").parse::<Url>() else { return false };
    is_loopback_host(&url)
}

/// The same of an address.
pub(crate) fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check_host(text: &str, registry: &str) -> Result<(), ReferenceError> {
    let (text, registry) = (text.to_owned(), registry.to_owned());
    if !is_host(&registry) {
        return Err(ReferenceError::Host { text, registry });
    }
    if registry != "localhost" && !registry.contains(['.', ':']) {
        return Err(ReferenceError::Word { text, registry });
    }
    Ok(())
}

/// Whether it is a host with an optional port, as an address has it, and nothing besides.
fn is_host(registry: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let Ok(url) = format!("http://{registry}/").parse::<Url>() else { return false };
    // The parser reads 127.1 as an address and drops an empty port: what it does not leave as it is means something else to other programs.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let is_kept = url
        .host_str()
        .is_some_and(|host| [format!("{host}{port}"), format!("{host}:80")].iter().any(|kept| kept == registry));
    !registry.is_empty() && registry.bytes().all(is_plain) && is_kept
}

fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = part.as_bytes();
        let are_ends = bytes.first().is_some_and(is_alphanumeric) && bytes.last().is_some_and(is_alphanumeric);
        let are_separators = bytes
            .split(is_alphanumeric)
            .filter(|between| !between.is_empty())
            .all(|between| matches!(between, b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-'));
        are_ends && are_separators
    };
    name.len() <= MOST_REPOSITORY && name.split('/').all(is_part)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MOST_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// What was written, without what stands in front of an `@` of its first part.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (first, path) = rest.split_once('/').unwrap_or((rest, ""));
    match first.rsplit_once('@') {
        Some((_, host)) if !scheme.is_empty() => format!("{scheme}://{host}/{path}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan() -> PlanDigest {
        crate::plan::Plan::new(&[]).unwrap().digest()
    }

    fn read(text: &str) -> Result<Reference, String> {
        Reference::parse(text, None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_reference_is_read_as_docker_reads_it() {
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (text, shown, api) in [
            ("oci://registry.example/team/app", "registry.example/team/app:latest", "https://registry.example/"),
            (
                "oci://registry.example:5000/app:v1.2",
                "registry.example:5000/app:v1.2",
                "https://registry.example:5000/",
            ),
            ("oci://localhost/app", "localhost/app:latest", "http://localhost/"),
            ("oci://localhost:80/app", "localhost:80/app:latest", "http://localhost/"),
            ("oci://127.0.0.2:5000/a/b__c-.d:T", "", ""),
            ("oci://127.0.0.2:5000/a/b__c--d.e:T", "127.0.0.2:5000/a/b__c--d.e:T", "http://127.0.0.2:5000/"),
            ("oci://[::1]:5000/a", "[::1]:5000/a:latest", "http://[::1]:5000/"),
            ("oci://10.0.0.1/a", "10.0.0.1/a:latest", "https://10.0.0.1/"),
        ] {
            match read(text) {
                Ok(read) => assert_eq!((read.to_string().as_str(), read.api().as_str()), (shown, api), "{text}"),
                Err(error) => assert_eq!(shown, "", "{text}: {error}"),
            }
        }
        let named = read(&format!("oci://registry.example/app:v1@{digest}")).unwrap();
        assert_eq!(named.version, Version::Digest(digest.parse().unwrap()));
        assert_eq!(named.to_string(), format!("registry.example/app@{digest}"));
    }

    #[test]
    fn the_plan_s_digest_is_a_tag() {
        let hex = plan().to_string();
        let hex = hex.strip_prefix("blake3:").unwrap();
        let read = Reference::parse("oci://registry.example/app:deps-{plan}", Some(&plan())).unwrap();
        assert_eq!(read.version, Version::Tag(format!("deps-{hex}")));
        assert!(format!("deps-{hex}").len() <= MOST_TAG);
        let error = Reference::parse("oci://registry.example/app:{plan}", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "oci://registry.example/app:{plan}: {plan} stands for the digest of a project's plan, and there is no project here"
        );
        let long = Reference::parse(&format!("oci://registry.example/app:{}{{plan}}", "x".repeat(65)), Some(&plan()));
        assert!(matches!(long, Err(ReferenceError::Tag { .. })));
    }

    #[test]
    fn a_wrong_reference_is_told_what_is_wrong_with_it() {
        for (text, expected) in [
            ("registry.example/app", "registry.example/app: an image in a registry is named oci://HOST/REPOSITORY:TAG"),
            (
                "https://me:secret@registry.example/app",
                "https://registry.example/app: an image in a registry is named oci://HOST/REPOSITORY:TAG",
            ),
            (
                "oci://me:secret@registry.example/app",
                "a reference has no user and password in it: log in with `docker login registry.example`, and larder takes them from there",
            ),
            ("oci:///app", "oci:///app: \"\" is no registry's host"),
            ("oci://reg_istry.example/app", "oci://reg_istry.example/app: \"reg_istry.example\" is no registry's host"),
            ("oci://127.1/app", "oci://127.1/app: \"127.1\" is no registry's host"),
            (
                "oci://team/app",
                "oci://team/app: name the registry with its domain or port, like team:5000: Docker takes team alone for a part of the repository's name",
            ),
            (
                "oci://registry.example",
                "oci://registry.example: names no repository: write oci://registry.example/REPOSITORY:TAG",
            ),
            (
                "oci://registry.example/app:",
                "oci://registry.example/app:: \"\" is no tag: letters, digits, `_`, `.` and `-`, the first a letter, a digit or `_`, 128 characters at most",
            ),
            (
                "oci://registry.example/app@sha256:0",
                "oci://registry.example/app@sha256:0: the digest is not `sha256:` and 64 lower-case hexadecimal digits",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), expected, "{text}");
        }
        for repository in
            ["App", "a//b", "a/", "-a", "a.", "a..b", "a___b", "a._b", "a?b", "a b", "ü", &"a".repeat(256)]
        {
            let error = read(&format!("oci://registry.example/{repository}")).unwrap_err();
            assert!(error.contains("is no repository: lower-case"), "{error}");
        }
        for tag in [".a", "-a", "a/b", "a+b", "ü", &"a".repeat(129)] {
            let parsed = Reference::parse(&format!("oci://registry.example/a:{tag}"), None);
            assert!(parsed.is_err(), "{tag}: {parsed:?}");
        }
    }

    #[test]
    fn docker_hub_is_asked_where_it_answers() {
        let read = read(&format!("oci://{}/app", endpoints::docker_hub())).unwrap();
        assert_eq!(read.to_string(), format!("{}/library/app:latest", endpoints::docker_hub()));
        assert_eq!(read.api().as_str(), endpoints::DOCKER_HUB_API);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_so_that_it_is_read_again(text in "oci://[a-z0-9.:@\\[\\]-]{0,20}/[a-zA-Z0-9./:@_{}-]{0,40}") {
            if let Ok(read) = Reference::parse(&text, Some(&plan())) {
                let _ = read.api();
                prop_assert_eq!(Reference::parse(&format!("oci://{read}"), None).unwrap(), read);
            }
        }

        #[test]
        fn no_text_shows_a_password(user in "[a-z]{1,8}", path in "[a-z/:@]{0,20}") {
            for scheme in ["oci", "https", "docker"] {
                let text = format!("{scheme}://{user}:s3cr3t@registry.example/{path}");
                if let Err(error) = Reference::parse(&text, None) {
                    prop_assert!(!error.to_string().contains("s3cr3t"), "{}", error);
                }
            }
        }
    }
}
