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

pub mod authorization;
pub mod ini;
pub mod network;
pub mod registries;

pub use self::{
    authorization::Authorization,
    network::{NetworkSettings, PemFile, Proxy},
    registries::ReplaceRegistryHost,
};

use self::{authorization::Authorizations, registries::Registries};

/// What npm's configuration says, as far as fetching needs it.
#[derive(Clone, Debug)]
pub struct NpmConfig {
    registries: Registries,
    authorizations: Authorizations,
    network: NetworkSettings,
    warnings: Vec<NpmrcWarning>,
}

impl NpmConfig {
    /// The configuration for the project in this folder (of a workspace: the root's). Files that do not exist say nothing.
    pub fn load(_environment: &Environment, _project: &Path) -> Result<Self, NpmrcError> {
        todo!()
    }

    /// The registry of packages that have no scope, or whose scope has none of its own. Ends with a slash; has no user name or password.
    pub fn registry(&self) -> &Url {
        todo!()
    }

    /// The registry of this package. Ends with a slash; has no user name or password.
    pub fn registry_for(&self, _package: &PackageName) -> &Url {
        todo!()
    }

    /// The credentials for this address, if it lies on a host, port and path that some were given for. Ask again for each address
    /// of a redirect: what was right for one host is not for the next.
    pub fn authorization_for(&self, _address: &Url) -> Option<&Authorization> {
        todo!()
    }

    /// Proxies, certificates, retries and timeouts.
    pub fn network(&self) -> &NetworkSettings {
        &self.network
    }

    /// Which of a lockfile's addresses are asked for at the configured registry instead.
    pub fn replace_registry_host(&self) -> &ReplaceRegistryHost {
        todo!()
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
        /// The key, or the variable's name.
        key: String,
    },
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpmrcError {
    /// A file exists and cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}
