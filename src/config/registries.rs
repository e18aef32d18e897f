//! Which registry a package comes from, and which of a lockfile's addresses that registry answers for.

use std::{collections::BTreeMap, sync::LazyLock};

use url::Url;

use super::{
    authorization::Authorization,
    error::ConfigError,
    layers::{Found, Layers},
    pnpm_workspace::NAMED,
};
use crate::core::{artifact::PackageName, endpoints};

/// `replace-registry-host`: which of a lockfile's addresses are asked for at the configured registry instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaceRegistryHost {
    /// `npmjs`, the default: those on the public registry's host.
    PublicDefault,
    /// `always`: those of every registry package.
    Always,
    /// `never`: none.
    Never,
    /// A host name: those on it, whatever the port; with a port, those on that port.
    Host(String),
    /// An address with a path: those on its host and below its path, which is replaced too.
    Prefix(Url),
}

impl ReplaceRegistryHost {
    fn parse(text: &str) -> Self {
        match text {
            "npmjs" => return Self::PublicDefault,
            "always" => return Self::Always,
            "never" => return Self::Never,
            _ => {}
        }
        match Url::parse(text) {
            Ok(url) if url.path().trim_matches('/').is_empty() && url.has_host() => Self::host_of(&url),
            Ok(url) if url.has_host() => Self::Prefix(url),
            _ => Self::Host(text.to_lowercase()),
        }
    }

    fn host_of(url: &Url) -> Self {
        Self::Host(url.host_str().unwrap_or_default().to_owned())
    }

    /// The path that a matching address has to lie below and loses; `None` if the address does not match.
    fn matched_path(&self, url: &Url) -> Option<&str> {
        let host = url.host_str()?;
        let is_match = match self {
            Self::PublicDefault => public_registry().host_str() == Some(host),
            Self::Always => true,
            Self::Never => false,
            Self::Host(text) => {
                text == host
                    || text.rsplit_once(':').is_some_and(|(name, port)| {
                        name == host && port.parse().is_ok_and(|port| Some(port) == url.port_or_known_default())
                    })
            }
            Self::Prefix(prefix) => {
                let path = without_last_slash(prefix.path());
                return (prefix.host_str() == Some(host) && lies_below(url.path(), path)).then_some(path);
            }
        };
        is_match.then_some("")
    }
}

/// The registries.
#[derive(Clone, Debug)]
pub(super) struct Registries {
    default: Url,
    /// By scope, with its at sign.
    scoped: BTreeMap<String, Url>,
    /// Registries that packages are asked of by name, `name:version`.
    named: BTreeMap<String, Url>,
    /// The registries that any place of the configuration has over plain `http:`.
    plain: Vec<PlainOrigin>,
    is_pnpms: bool,
    pub(super) replace: ReplaceRegistryHost,
}

/// A registry that is had over plain `http:`.
#[derive(Clone, Debug)]
pub(super) struct PlainOrigin {
    registry: Url,
    /// Whether the user's own configuration says so.
    pub(super) is_users: bool,
    /// The setting and its file.
    pub(super) line: String,
}

impl Registries {
    /// Collects what the places of the configuration say. User names and passwords in addresses are taken out and handed back, with
    /// the registry that each is for.
    pub(super) fn read(layers: &Layers) -> Result<(Self, Vec<(Url, Authorization)>), ConfigError> {
        let mut credentials = Vec::new();
        let mut plain = Vec::new();
        let mut read = |key: &str| -> Result<Option<Url>, ConfigError> {
            plain.extend(layers.find_all(key).filter_map(|found| PlainOrigin::of(&found)));
            let Some(found) = layers.find(key).filter(|found| !found.is_nothing()) else { return Ok(None) };
            if let Some(variable) = found.unset.first() {
                let (origin, key, variable) = (found.origin.clone(), key.to_owned(), variable.clone());
                return Err(ConfigError::UnsetVariable { origin, key, variable });
            }
            let mut url = found
                .text()
                .and_then(registry_url)
                .ok_or_else(|| ConfigError::NoAddress { origin: found.origin.clone(), key: key.to_owned() })?;
            let is_users = found.level.has_users_secrets();
            let taken = Authorization::take_from(&mut url);
            credentials.extend(taken.map(|authorization| (url.clone(), authorization.of_user(is_users))));
            Ok(Some(url))
        };
        let default = read("registry")?.unwrap_or_else(public_registry);
        let (mut scoped, mut named) = (BTreeMap::new(), BTreeMap::new());
        for key in layers.keys() {
            let scope = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@'));
            let (registries, name) = match (scope, key.strip_prefix(NAMED)) {
                (Some(scope), _) => (&mut scoped, scope),
                (None, Some(name)) => (&mut named, name),
                (None, None) => continue,
            };
            if let Some(url) = read(key)? {
                registries.insert(name.to_owned(), url);
            }
        }
        let replace = layers
            .find("replace-registry-host")
            .and_then(|found| found.text())
            .map_or(ReplaceRegistryHost::PublicDefault, ReplaceRegistryHost::parse);
        let is_pnpms = layers.is_pnpms;
        Ok((Self { default, scoped, named, plain, is_pnpms, replace }, credentials))
    }

    pub(super) fn default_registry(&self) -> &Url {
        &self.default
    }

    /// The scope's own one, if it has one.
    pub(super) fn of_scope(&self, scope: &str) -> Option<&Url> {
        self.scoped.get(scope)
    }

    pub(super) fn for_package(&self, package: &PackageName) -> &Url {
        let Some(scope) = package.scope() else { return &self.default };
        let pnpms_own = || (self.is_pnpms && scope == "@jsr").then(jsr_registry);
        self.scoped.get(scope).or_else(pnpms_own).unwrap_or(&self.default)
    }

    /// All that are configured.
    pub(super) fn all(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.default).chain(self.scoped.values()).chain(self.named.values())
    }

    /// The registry of this name; `gh` is known to pnpm itself.
    pub(super) fn named(&self, name: &str) -> Option<&Url> {
        self.named.get(name).or_else(|| (name == "gh").then(github_packages))
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scoped.keys().map(String::as_str)
    }

    /// Who says that this host and port are a registry's, had over plain `http:`: the user, if he does.
    pub(super) fn plain_origin(&self, url: &Url) -> Option<&PlainOrigin> {
        let same = || self.plain.iter().filter(|plain| is_same_origin(&plain.registry, url));
        same().find(|plain| plain.is_users).or_else(|| same().next())
    }

    /// Where a lockfile's address leads with this configuration; `None` if to itself.
    ///
    /// As npm 11 does it: scheme, host and port become those of the default registry, whose path goes before the address's own unless
    /// it is there. With `always`, a package whose scope has a registry goes to that one (npm sends it to the default one, which need
    /// not have it).
    pub(super) fn replaced(&self, url: &Url, package: &PackageName) -> Option<Url> {
        let registry = match self.replace {
            ReplaceRegistryHost::Always => self.for_package(package),
            _ => &self.default,
        };
        let matched = self.replace.matched_path(url)?;
        let below = without_last_slash(registry.path());
        let path = if !matched.is_empty() {
            format!("{below}{}", &url.path()[matched.len()..])
        } else if lies_below(url.path(), below) {
            url.path().to_owned()
        } else {
            format!("{below}{}", url.path())
        };
        let mut replaced = registry.clone();
        replaced.set_path(&path);
        replaced.set_query(url.query());
        Some(replaced)
    }
}

impl PlainOrigin {
    fn of(found: &Found<'_>) -> Option<Self> {
        let registry = found.text().and_then(registry_url).filter(|url| url.scheme() == "http")?;
        Some(Self { registry, is_users: !found.level.is_of_project(), line: found.line() })
    }
}

/// A registry's address, with a slash at its end.
fn registry_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

/// An address of `endpoints`, parsed once.
fn jsr_registry() -> &'static Url {
    static URL: LazyLock<Url> =
        LazyLock::new(|| Url::parse(endpoints::JSR_REGISTRY).expect("a constant address is one"));
    &URL
}

/// An address of `endpoints`, parsed once.
fn github_packages() -> &'static Url {
    static URL: LazyLock<Url> =
        LazyLock::new(|| Url::parse(endpoints::GITHUB_PACKAGES).expect("a constant address is one"));
    &URL
}

fn public_registry() -> Url {
    Url::parse(endpoints::NPM_REGISTRY).expect("a constant address is one")
}

fn without_last_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Whether a path is this folder or in it.
fn lies_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether two addresses have one scheme, host and port.
pub(super) fn is_same_origin(left: &Url, right: &Url) -> bool {
    left.scheme() == right.scheme()
        && left.host_str() == right.host_str()
        && left.port_or_known_default() == right.port_or_known_default()
}
