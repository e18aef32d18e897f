//! npm's configuration: which registry, with which credentials, through which network.
//!
//! Read as npm reads it, from the environment (`npm_config_*`), the project's `.npmrc`, the user's and the global one, the first of
//! them that has a key deciding. Secrets are held in types that do not print them; warnings and errors name file and key, never a value.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use url::{Host, Url};

use crate::core::{artifact::PackageName, environment::Environment};

mod authorization;
mod bunfig;
mod document;
mod expand;
mod identity;
pub mod ini;
mod layers;
mod network;
mod pnpm_workspace;
mod reader;
mod registries;
mod running;
#[cfg(test)]
mod tests;
mod token_helper;
mod transport;
mod yarnrc;

pub use self::{
    authorization::Authorization,
    identity::ClientIdentity,
    network::{NetworkSettings, OfProject, PemFile, Proxy},
    reader::Installer,
    registries::ReplaceRegistryHost,
    running::Allowed,
    transport::ProjectTransport,
};

use self::{
    authorization::Authorizations,
    layers::Layers,
    registries::{PlainOrigin, Registries},
    running::Running,
};

/// What npm's configuration says, as far as fetching needs it.
#[derive(Clone, Debug)]
pub struct NpmConfig {
    registries: Registries,
    authorizations: Authorizations,
    network: NetworkSettings,
    running: Running,
    project_transport: Option<ProjectTransport>,
    lockfile: Option<Arc<str>>,
    warnings: Vec<NpmrcWarning>,
}

impl NpmConfig {
    /// The configuration for the project in this folder (of a workspace: the root's). Files that do not exist say nothing.
    ///
    /// Paths in the project's `.npmrc` start from the project, those elsewhere from the current folder.
    pub fn load(environment: &Environment, project: &Path) -> Result<Self, NpmrcError> {
        Self::load_for(environment, project, None, false)
    }

    /// The same for what this package manager installs, which reads no other's files; without one, those of all that have a lockfile there. With
    /// `trusts_project`, the user says that the project's files count like his own.
    pub fn load_for(
        environment: &Environment,
        project: &Path,
        installer: Option<Installer>,
        trusts_project: bool,
    ) -> Result<Self, NpmrcError> {
        let mut warnings = Vec::new();
        let layers = Layers::read(environment, project, installer, &mut warnings)?;
        let (registries, credentials) = Registries::read(&layers)?;
        let mut authorizations = Authorizations::read(&layers, &registries, trusts_project, &mut warnings)?;
        for (registry, authorization) in credentials {
            authorizations.insert_if_none(&registry, authorization);
        }
        let mut network = NetworkSettings::read(&layers, environment, &mut warnings)?;
        network.trusts_project = trusts_project;
        let running = Running::read(&layers, environment.home());
        let project_transport = ProjectTransport::read(&layers);
        Ok(Self { registries, authorizations, network, running, project_transport, lockfile: None, warnings })
    }

    /// The same, as the one that counts for the lockfile of this name.
    #[must_use]
    pub fn of_lockfile(self, name: &str) -> Self {
        Self { lockfile: Some(name.into()), ..self }
    }

    /// The lockfile that it counts for, if it is for one of several.
    pub fn lockfile(&self) -> Option<&str> {
        self.lockfile.as_deref()
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
    pub fn replaced(&self, resolved: &Url, package: &PackageName) -> Option<Url> {
        self.registries.replaced(resolved, package)
    }

    /// The registry of this name that `pnpm-workspace.yaml` has; ends with a slash.
    pub fn named_registry(&self, name: &str) -> Option<&Url> {
        self.registries.named(name)
    }

    /// These credentials for this address, or none, with the client certificate that is for all addresses. Ask for it last: what is right for
    /// all hides nothing that is stated for one.
    pub fn identified(&self, address: &Url, stated: Option<Authorization>) -> Option<Authorization> {
        let identity = self.authorizations.identity().filter(|_| address.scheme() == "https");
        Authorization::identified(stated, identity)
    }

    /// The credentials for this address, if it lies on a host, port and path that some were given for. Ask again for each address
    /// of a redirect: what was right for one host is not for the next.
    ///
    /// A key without a port means the scheme's own port. Over plain `http:` such a secret goes only to a host that is configured as
    /// a registry with `http:`, so that an old lockfile's `http:` address does not draw the secret of an `https:` registry. A secret of the
    /// user's says so if only the project leads there.
    pub fn authorization_for(&self, address: &Url) -> Option<Authorization> {
        let found = self.authorizations.stated(address)?;
        if address.scheme() == "https" {
            return Some(found);
        }
        let said = self.registries.plain_origin(address);
        if address.scheme() != "http" || (said.is_none() && address.port().is_none()) {
            return None;
        }
        if !found.is_users() || is_loopback(address) {
            return Some(found);
        }
        match said {
            Some(PlainOrigin { is_users: true, .. }) => Some(found),
            Some(PlainOrigin { line, .. }) => Some(found.sent_in_clear_by(line.clone())),
            None => Some(found.sent_in_clear_by("the project's `http:` address".to_owned())),
        }
    }

    /// The same for a package's tarball, whose registry may have others for its scope: as in npm, one on the host and port of the package's registry has that registry's credentials, if there are none
    /// for its own path.
    pub fn authorization_for_package(&self, address: &Url, package: &PackageName) -> Option<Authorization> {
        let registry = self.registry_for(package);
        let of_scope = package.scope().and_then(|scope| registry.join(&format!("{scope}/")).ok());
        self.authorization_beside(address, of_scope.as_ref().unwrap_or(registry))
    }

    /// The credentials for this address, or those of a registry on the same host and port.
    pub fn authorization_beside(&self, address: &Url, registry: &Url) -> Option<Authorization> {
        self.authorization_for(address).or_else(|| {
            let is_same = is_same_origin(address, registry) && !authorization::hides_dots(address);
            is_same.then(|| self.authorization_for(registry)).flatten()
        })
    }

    /// Runs the programs that print the tokens for these addresses. Call it before requests are made: until then they have none.
    pub fn ask_token_helpers<'a>(&self, addresses: impl Iterator<Item = &'a Url>) -> Result<(), NpmrcError> {
        let addresses: Vec<&Url> = addresses.collect();
        let registries = self.registries.all();
        let beside = registries.filter(|registry| addresses.iter().any(|address| is_same_origin(address, registry)));
        self.authorizations.ask_helpers(addresses.iter().copied().chain(beside))
    }

    /// All client certificates.
    pub fn identities(&self) -> impl Iterator<Item = &Arc<ClientIdentity>> {
        self.authorizations.identities()
    }

    /// Proxies, certificates, retries and timeouts.
    pub fn network(&self) -> &NetworkSettings {
        &self.network
    }

    /// What the project's own files say about how servers are reached and known, if they do.
    pub const fn project_transport(&self) -> Option<ProjectTransport> {
        self.project_transport
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

/// Whether nothing between two programs on one machine sees what is sent.
fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_same_origin(left: &Url, right: &Url) -> bool {
    left.scheme() == right.scheme()
        && left.host_str() == right.host_str()
        && left.port_or_known_default() == right.port_or_known_default()
}

/// Who wrote a place that settings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The user, in a variable of the environment.
    Environment,
    /// Whoever wrote the project: a file of its folder.
    Project,
    /// Anybody: a file that the project names in place of the user's or the global one. Its secrets may be the user's.
    NamedByProject,
    /// The user.
    User,
    /// Whoever set the machine up.
    Global,
}

impl Level {
    /// Whether the project decides what stands there. No secret of the user's goes where only such a place leads.
    pub const fn is_of_project(self) -> bool {
        matches!(self, Self::Project | Self::NamedByProject)
    }

    /// Whether a secret that stands there is the user's own, and not one that everybody has who has the project.
    pub const fn has_users_secrets(self) -> bool {
        !matches!(self, Self::Project)
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
        "{origin}: `{key}` names no host, the registry is named by {registry}, and so it is left out ({cure}; or, if you trust the project with it, say --trust-project-config)"
    )]
    SecretWithoutHost {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// Where the registry is named.
        registry: Origin,
        /// How to name the host.
        cure: String,
    },
    /// A program that only the user may name.
    #[error("{origin}: `{key}` is left out: only a file of the user's may name a program to run")]
    HelperOfProject {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
    },
    /// A setting that larder does not follow.
    #[error("{origin}: larder does not read `{key}`: it has one proxy and one set of certificates for all hosts")]
    NotRead {
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
    /// A file is not of its format. Its text is not shown: it can hold secrets.
    #[error("{origin} is not {language}{place}")]
    Syntax {
        /// The file.
        origin: Origin,
        /// The format.
        language: &'static str,
        /// Where, in brackets after a space; empty if nobody knows.
        place: String,
    },
    /// A value is of another kind than its key has, and what it means cannot be left out: a package could be asked of another registry.
    #[error("{origin}: `{key}` is not {accepted}")]
    NotUnderstood {
        /// Where it stands.
        origin: Origin,
        /// The key, with those that lead to it.
        key: String,
        /// What it should be.
        accepted: &'static str,
    },
    /// A program that should print a token does not. What it printed is not shown.
    #[error("the program of {line} {problem}")]
    TokenHelper {
        /// The setting that names it, and its file.
        line: String,
        /// What it is or did.
        problem: String,
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
