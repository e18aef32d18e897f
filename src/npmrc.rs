//! npm's configuration: which registry, with which credentials, through which network.
//!
//! Read as npm reads it, from the environment (`npm_config_*`), the project's `.npmrc`, the user's and the global one, the first of
//! them that has a key deciding. Secrets are held in types that do not print them; warnings and errors name file and key, never a value.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use url::Url;

use crate::{artifact::PackageName, environment::Environment};

mod authorization;
mod expand;
pub mod ini;
mod layers;
mod network;
mod registries;
mod running;
#[cfg(test)]
mod tests;
pub mod yarnrc;

pub use self::{
    authorization::Authorization,
    network::{NetworkSettings, PemFile, Proxy},
    registries::ReplaceRegistryHost,
    running::Allowed,
};

use self::{authorization::Authorizations, layers::Layers, registries::Registries, running::Running};

/// What npm's configuration says, as far as fetching needs it.
#[derive(Clone, Debug)]
pub struct NpmConfig {
    registries: Registries,
    authorizations: Authorizations,
    network: NetworkSettings,
    running: Running,
    warnings: Vec<NpmrcWarning>,
}

impl NpmConfig {
    /// The configuration for the project in this folder (of a workspace: the root's). Files that do not exist say nothing.
    ///
    /// Paths in the project's `.npmrc` start from the project, those elsewhere from the current folder.
    pub fn load(environment: &Environment, project: &Path) -> Result<Self, NpmrcError> {
        let mut warnings = Vec::new();
        let layers = Layers::read(environment, project, &mut warnings)?;
        let (registries, credentials) = Registries::read(&layers)?;
        let mut authorizations = Authorizations::read(&layers, registries.default_registry(), &mut warnings);
        for (registry, authorization) in credentials {
            authorizations.insert_if_none(&registry, authorization);
        }
        let network = NetworkSettings::read(&layers, environment, &mut warnings)?;
        let running = Running::read(&layers, environment.home());
        Ok(Self { registries, authorizations, network, running, warnings })
    }

    /// The registry of packages that have no scope, or whose scope has none of its own. Ends with a slash; has no user name or password.
    pub fn registry(&self) -> &Url {
        self.registries.default_registry()
    }

    /// The registry of this package. Ends with a slash; has no user name or password.
    pub fn registry_for(&self, package: &PackageName) -> &Url {
        self.registries.for_package(package)
    }

    /// Where an address that a lockfile states for a package leads with this configuration; `None` if to itself.
    /// `is_in_registry`: whether the lockfile means a registry's package, and not just any address.
    pub fn replaced(&self, resolved: &Url, package: &PackageName, is_in_registry: bool) -> Option<Url> {
        self.registries.replaced(resolved, package, is_in_registry)
    }

    /// The credentials for this address, if it lies on a host, port and path that some were given for. Ask again for each address
    /// of a redirect: what was right for one host is not for the next.
    ///
    /// A key without a port means the scheme's own port. Over plain `http:` such a secret goes only to a host that is configured as
    /// a registry with `http:`, so that an old lockfile's `http:` address does not draw the secret of an `https:` registry.
    pub fn authorization_for(&self, address: &Url) -> Option<&Authorization> {
        let may_have_one = match address.scheme() {
            "https" => true,
            "http" => address.port().is_some() || self.registries.is_plain_origin(address),
            _ => false,
        };
        self.authorizations.find(address).filter(|_| may_have_one)
    }

    /// Proxies, certificates, retries and timeouts.
    pub fn network(&self) -> &NetworkSettings {
        &self.network
    }

    /// Which of a lockfile's addresses are asked for at the configured registry instead.
    pub fn replace_registry_host(&self) -> &ReplaceRegistryHost {
        &self.registries.replace
    }

    /// Scopes that have a registry of their own, with their at signs.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.registries.scopes()
    }

    /// Which packages npm takes from git.
    pub const fn allow_git(&self) -> Allowed {
        self.running.allow_git
    }

    /// Which packages npm takes from addresses that are not the registry's.
    pub const fn allow_remote(&self) -> Allowed {
        self.running.allow_remote
    }

    /// npm's own cache, if there is a home folder.
    pub fn cache(&self) -> Option<&Path> {
        self.running.cache.as_deref()
    }

    /// Where npm writes its logs, if there is a home folder.
    pub fn logs(&self) -> Option<PathBuf> {
        self.running.logs()
    }

    /// What a person should know, in the order it was found.
    pub fn warnings(&self) -> &[NpmrcWarning] {
        &self.warnings
    }
}

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a variable of the environment.
    Environment,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Something in the configuration that does not stop larder, and that a person should know. Without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpmrcWarning {
    /// `strict-ssl=false`.
    #[error("{origin}: `{key}` turns the verification of TLS certificates off")]
    TlsVerificationOff {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A secret or address names a variable that is not set.
    #[error("{origin}: `{key}` names the variable {variable}, which is not set, and is left out")]
    UnsetVariable {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What stands between the braces.
        variable: String,
    },
    /// A secret that cannot be sent.
    #[error(
        "{origin}: `{key}` is not what npm accepts there (a token in one word, a password in base64) and is left out"
    )]
    UnusableSecret {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A secret that names no host, beside a registry that the project names.
    #[error(
        "{origin}: `{key}` names no host, the registry is named by {registry}, and so it is left out (write `//host/:{key}`)"
    )]
    SecretWithoutHost {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// Where the registry is named.
        registry: Origin,
    },
    /// A client certificate, which larder does not send.
    #[error("{origin}: `{key}`: client certificates are not supported and are left out")]
    ClientCertificate {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A value of the wrong kind.
    #[error("{origin}: `{key}` is not {accepted} and is left out")]
    NotUnderstood {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What it should be.
        accepted: &'static str,
    },
    /// A configuration file of the user's or the global one exists and cannot be read.
    #[error("{} cannot be read and is left out: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
    /// A file of certificates does not exist.
    #[error("{}, which {origin} names for certificates, does not exist", path.display())]
    NoCertificateFile {
        /// The file.
        path: PathBuf,
        /// Where it is named.
        origin: Origin,
    },
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpmrcError {
    /// A file exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A registry or a proxy is no address. Its text is not shown: it can hold a password.
    #[error("{origin}: `{key}` is no address of the form `https://host/path`")]
    NoAddress {
        /// Where it stands.
        origin: Origin,
        /// The key, or the variable's name.
        key: String,
    },
    /// A registry's address names a variable that is not set.
    #[error("{origin}: `{key}` names the variable {variable}, which is not set")]
    UnsetVariable {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// What stands between the braces.
        variable: String,
    },
    /// A proxy of a kind that larder cannot use.
    #[error("{origin}: `{key}` names a `{scheme}:` proxy; larder can use http: and https: proxies")]
    UnknownProxy {
        /// Where it stands.
        origin: Origin,
        /// The key, or the variable's name.
        key: String,
        /// The address's scheme.
        scheme: String,
    },
}
