//! Which request carries which credentials.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use reqwest::header::HeaderValue;
use url::Url;

use super::job::Job;
use crate::{
    config::{authorization::Authorization, package_manager::NpmConfig},
    core::artifact::{Ecosystem, PackageName},
    http::{ClientIdentity, Credential, Credentials},
};

/// The credentials of each address that is known before; then those of the lockfiles' configurations, of which the first that knows an address
/// counts; then, for the addresses that a registry's descriptions name, that registry's on its own host and port.
pub(super) struct KnownCredentials {
    of_jobs: RwLock<OfJobs>,
    configurations: Arc<[NpmConfig]>,
}

#[derive(Default)]
struct OfJobs {
    stated: HashMap<Url, Authorization>,
    beside: HashMap<Origin, Authorization>,
}

/// Scheme, host and port.
type Origin = (String, String, Option<u16>);

impl KnownCredentials {
    pub(super) fn new(configurations: Arc<[NpmConfig]>) -> Self {
        Self { of_jobs: RwLock::default(), configurations }
    }

    /// Notes those of what is downloaded next.
    pub(super) fn know<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        let mut known = self.of_jobs.write().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            for address in &job.addresses {
                let of_package = || of_package(job, &address.url, &self.configurations);
                let Some(authorization) = address.authorization.clone().or_else(of_package) else { continue };
                if job.is_address_built {
                    known.beside.entry(origin(&address.url)).or_insert_with(|| authorization.clone());
                }
                known.stated.insert(address.url.clone(), authorization);
            }
        }
    }

    /// These credentials, with the client certificate that is for all: the first configuration's that has one.
    fn identified(&self, url: &Url, stated: Option<Authorization>) -> Option<Credential> {
        let add = |stated, npm: &NpmConfig| npm.identified(url, stated);
        self.configurations.iter().fold(stated, add).as_ref().map(credential)
    }
}

impl Credentials for KnownCredentials {
    fn credential_for(&self, url: &Url) -> Option<Credential> {
        let known = self.of_jobs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(stated) = known.stated.get(url) {
            return self.identified(url, Some(stated.clone()));
        }
        let configured = self.configurations.iter().find_map(|npm| npm.authorization_for(url));
        self.identified(url, configured.or_else(|| known.beside.get(&origin(url)).cloned()))
    }

    fn identities(&self) -> Vec<Arc<ClientIdentity>> {
        self.configurations.iter().flat_map(NpmConfig::identities).map(|identity| identity_of(identity)).collect()
    }
}

/// What a receipt's address has as an address of the package.
fn of_package(job: &Job, url: &Url, configurations: &[NpmConfig]) -> Option<Authorization> {
    let package = job.artifacts.first().filter(|artifact| artifact.ecosystem == Ecosystem::Npm)?;
    let name = PackageName::parse(&package.name).ok()?;
    job.configuration(configurations)?.authorization_for_package(url, &name)
}

fn origin(url: &Url) -> Origin {
    (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default())
}

/// The same in the words of requests.
pub(crate) fn credential(authorization: &Authorization) -> Credential {
    let header = authorization.expose_header().and_then(|text| HeaderValue::from_str(text).ok());
    Credential {
        header: header.map(|mut value| {
            value.set_sensitive(true);
            value
        }),
        identity: authorization.identity().map(|identity| identity_of(identity)),
        is_users: authorization.is_users(),
        in_clear: authorization.in_clear().map(Arc::from),
        is_for_one_address: authorization.is_for_one_address(),
    }
}

/// The same in the words of requests.
pub(crate) fn identity_of(identity: &crate::config::client_identity::ClientIdentity) -> Arc<ClientIdentity> {
    Arc::new(ClientIdentity {
        origin: identity.origin.clone(),
        certificates: identity.certificates().to_vec(),
        key: identity.expose_key().to_vec(),
    })
}
