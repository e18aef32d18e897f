//! Which registry a package comes from, and which of a lockfile's addresses that registry answers for.

use std::collections::BTreeMap;

use url::Url;

use super::{Authorization, NpmrcError, layers::Layers};
use crate::{artifact::PackageName, endpoints};

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
    pub(super) replace: ReplaceRegistryHost,
}

impl Registries {
    /// Collects what the places of the configuration say. User names and passwords in addresses are taken out and handed back, with
    /// the registry that each is for.
    pub(super) fn read(layers: &Layers) -> Result<(Self, Vec<(Url, Authorization)>), NpmrcError> {
        let mut credentials = Vec::new();
        let mut read = |key: &str| -> Result<Option<Url>, NpmrcError> {
            let Some(found) = layers.find(key).filter(|found| !found.is_nothing()) else { return Ok(None) };
            if let Some(variable) = found.unset.first() {
                let (origin, key, variable) = (found.origin.clone(), key.to_owned(), variable.clone());
                return Err(NpmrcError::UnsetVariable { origin, key, variable });
            }
            let mut url = found
                .text()
                .and_then(registry_url)
                .ok_or_else(|| NpmrcError::NoAddress { origin: found.origin.clone(), key: key.to_owned() })?;
            credentials.extend(Authorization::take_from(&mut url).map(|authorization| (url.clone(), authorization)));
            Ok(Some(url))
        };
        let default = read("registry")?.unwrap_or_else(public_registry);
        let mut scoped = BTreeMap::new();
        for key in layers.keys() {
            let Some(scope) = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@')) else { continue };
            if let Some(url) = read(key)? {
                scoped.insert(scope.to_owned(), url);
            }
        }
        let replace = layers
            .find("replace-registry-host")
            .and_then(|found| found.text())
            .map_or(ReplaceRegistryHost::PublicDefault, ReplaceRegistryHost::parse);
        Ok((Self { default, scoped, replace }, credentials))
    }

    pub(super) fn default_registry(&self) -> &Url {
        &self.default
    }

    pub(super) fn for_package(&self, package: &PackageName) -> &Url {
        package.scope().and_then(|scope| self.scoped.get(scope)).unwrap_or(&self.default)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scoped.keys().map(String::as_str)
    }

    /// Whether one of them is had over plain `http:` from this host and port.
    pub(super) fn is_plain_origin(&self, url: &Url) -> bool {
        let is_same = |registry: &Url| {
            registry.scheme() == "http"
                && registry.host_str() == url.host_str()
                && registry.port_or_known_default() == url.port_or_known_default()
        };
        is_same(&self.default) || self.scoped.values().any(is_same)
    }

    /// Where a lockfile's address leads with this configuration; `None` if to itself.
    ///
    /// As npm 11 does it: scheme, host and port become those of the default registry, whose path goes before the address's own unless
    /// it is there. With `always`, a package whose scope has a registry goes to that one (npm sends it to the default one, which need
    /// not have it), and an address that belongs to no registry stays.
    pub(super) fn replaced(&self, url: &Url, package: &PackageName, is_in_registry: bool) -> Option<Url> {
        let registry = match self.replace {
            ReplaceRegistryHost::Always if !is_in_registry => return None,
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
