//! Which request carries which credentials.

use std::{collections::HashMap, sync::Arc};

use reqwest::header::HeaderValue;
use url::Url;

use super::Order;
use crate::{
    config::{authorization::Authorization, package_manager::NpmConfig},
    core::artifact::{Ecosystem, PackageName},
    http::{ClientIdentity, Credential, Credentials},
};

/// The credentials of each address that is known before; then those of the lockfiles' configurations, of which the first that knows an address
/// counts; then, for the addresses that a registry's descriptions name, that registry's on its own host and port.
pub(super) struct Known {
    stated: HashMap<Url, Authorization>,
    beside: HashMap<Origin, Authorization>,
    configurations: Vec<NpmConfig>,
}

/// Scheme, host and port.
type Origin = (String, String, Option<u16>);

impl Known {
    pub(super) fn new(orders: &[Order], configurations: Vec<NpmConfig>) -> Self {
        let (mut stated, mut beside) = (HashMap::new(), HashMap::new());
        for order in orders {
            for address in &order.addresses {
                let of_package = || of_package(order, &address.url, &configurations);
                let Some(authorization) = address.authorization.clone().or_else(of_package) else { continue };
                if order.is_address_built {
                    beside.entry(origin(&address.url)).or_insert_with(|| authorization.clone());
                }
                stated.insert(address.url.clone(), authorization);
            }
        }
        Self { stated, beside, configurations }
    }

    /// These credentials, with the client certificate that is for all: the first configuration's that has one.
    fn identified(&self, url: &Url, stated: Option<Authorization>) -> Option<Credential> {
        let add = |stated, npm: &NpmConfig| npm.identified(url, stated);
        self.configurations.iter().fold(stated, add).as_ref().map(credential)
    }
}

impl Credentials for Known {
    fn credential_for(&self, url: &Url) -> Option<Credential> {
        if let Some(stated) = self.stated.get(url) {
            return self.identified(url, Some(stated.clone()));
        }
        let configured = self.configurations.iter().find_map(|npm| npm.authorization_for(url));
        self.identified(url, configured.or_else(|| self.beside.get(&origin(url)).cloned()))
    }

    fn identities(&self) -> Vec<Arc<ClientIdentity>> {
        self.configurations.iter().flat_map(NpmConfig::identities).map(|identity| identity_of(identity)).collect()
    }
}

/// What a receipt's address has as an address of the package.
fn of_package(order: &Order, url: &Url, configurations: &[NpmConfig]) -> Option<Authorization> {
    let package = order.artifacts.first().filter(|artifact| artifact.ecosystem == Ecosystem::Npm)?;
    let name = PackageName::parse(&package.name).ok()?;
    order.configuration(configurations)?.authorization_for_package(url, &name)
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
