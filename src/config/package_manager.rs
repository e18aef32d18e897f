//! The package managers' configuration, joined: which registry, with which credentials, through which network.
//!
//! Read as each package manager reads it, from the environment (`npm_config_*`), the project's files, the user's and the global ones: the first of
//! them that has a key decides. Secrets are held in types that do not print them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use url::{Host, Url};

use super::{
    authorization::Authorization,
    client_identity::ClientIdentity,
    credential_place,
    credentials::Credentials,
    error::{ConfigError, ConfigWarning},
    network::{NetworkSettings, project_transport::ProjectTransport},
    npm_client::{Allowed, NpmClient},
    registries::{PlainOrigin, Registries, ReplaceRegistryHost, is_same_origin},
    sources::{self, Installer},
};
use crate::core::{artifact::PackageName, environment::Environment, local_name::is_local_name};

#[cfg(test)]
mod tests;

/// What the package managers' configuration says, as far as fetching needs it.
#[derive(Clone, Debug)]
pub struct NpmConfig {
    registries: Registries,
    credentials: Credentials,
    network: NetworkSettings,
    npm_client: NpmClient,
    project_transport: Option<ProjectTransport>,
    lockfile: Option<Arc<str>>,
    warnings: Vec<ConfigWarning>,
}

impl NpmConfig {
    /// The configuration for the project in this folder (of a workspace: the root's). Files that do not exist say nothing.
    ///
    /// Paths in the project's `.npmrc` start from the project, those elsewhere from the current folder.
    pub fn load(environment: &Environment, project: &Path) -> Result<Self, ConfigError> {
        Self::load_for(environment, project, None, false)
    }

    /// The same for what this package manager installs, which reads no other's files; without one, those of all that have a lockfile there. With
    /// `trusts_project`, the user says that the project's files count like his own.
    pub fn load_for(
        environment: &Environment,
        project: &Path,
        installer: Option<Installer>,
        trusts_project: bool,
    ) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let layers = sources::read(environment, project, installer, &mut warnings)?;
        let (registries, in_addresses) = Registries::read(&layers)?;
        let mut credentials = Credentials::read(&layers, &registries, trusts_project, &mut warnings)?;
        for (registry, authorization) in in_addresses {
            credentials.insert_if_none(&registry, authorization);
        }
        let mut network = NetworkSettings::read(&layers, environment, &mut warnings)?;
        network.trusts_project = trusts_project;
        let npm_client = NpmClient::read(&layers, environment.home());
        let project_transport = ProjectTransport::read(&layers);
        Ok(Self { registries, credentials, network, npm_client, project_transport, lockfile: None, warnings })
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
        let identity = self.credentials.identity().filter(|_| address.scheme() == "https");
        Authorization::identified(stated, identity)
    }

    /// The credentials for this address, if it lies on a host, port and path that some were given for. Ask again for each address
    /// of a redirect: what was right for one host is not for the next.
    ///
    /// A key without a port means the scheme's own port. Over plain `http:` such a secret goes only to a host that is configured as
    /// a registry with `http:`, so that an old lockfile's `http:` address does not draw the secret of an `https:` registry. A secret of the
    /// user's says so if only the project leads there.
    pub fn authorization_for(&self, address: &Url) -> Option<Authorization> {
        let found = self.credentials.stated(address)?;
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
            let is_same = is_same_origin(address, registry) && !credential_place::hides_dots(address);
            is_same.then(|| self.authorization_for(registry)).flatten()
        })
    }

    /// Runs the programs that print the tokens for these addresses. Call it before requests are made: until then they have none.
    pub fn ask_token_helpers<'a>(&self, addresses: impl Iterator<Item = &'a Url>) -> Result<(), ConfigError> {
        let addresses: Vec<&Url> = addresses.collect();
        let registries = self.registries.all();
        let beside = registries.filter(|registry| addresses.iter().any(|address| is_same_origin(address, registry)));
        self.credentials.ask_helpers(addresses.iter().copied().chain(beside))
    }

    /// All client certificates.
    pub fn identities(&self) -> impl Iterator<Item = &Arc<ClientIdentity>> {
        self.credentials.identities()
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
        self.npm_client.allow_git
    }

    /// Which packages npm takes from addresses that are not the registry's.
    pub const fn allow_remote(&self) -> Allowed {
        self.npm_client.allow_remote
    }

    /// npm's own cache, if there is a home folder.
    pub fn cache(&self) -> Option<&Path> {
        self.npm_client.cache.as_deref()
    }

    /// Where npm writes its logs, if there is a home folder.
    pub fn logs(&self) -> Option<PathBuf> {
        self.npm_client.logs()
    }

    /// What a person should know, in the order it was found.
    pub fn warnings(&self) -> &[ConfigWarning] {
        &self.warnings
    }
}

/// Whether nothing between two programs on one machine sees what is sent.
fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
