//! From an artifact to where its bytes are asked for. Pure.

use url::Url;

use crate::{
    artifact::{Artifact, PackageName},
    larder_toml::LarderToml,
    npmrc::{Authorization, NpmConfig},
};

/// Where an artifact's bytes are asked for.
#[derive(Clone, Debug)]
pub struct Address {
    /// The address, without user name and password. It can have a query, which people are not shown.
    pub url: Url,
    /// What the request says about who asks.
    pub authorization: Option<Authorization>,
}

/// Where this artifact's bytes are asked for.
pub fn address_of(_artifact: &Artifact, _npm: &NpmConfig, _settings: &LarderToml) -> Result<Address, AddressError> {
    todo!()
}

/// Where the registry describes this package's versions: `<registry>/name`, `<registry>/@scope%2fname`.
pub fn packument_url(_package: &PackageName, _npm: &NpmConfig) -> Url {
    todo!()
}

/// What names an artifact without integrity from run to run: `git github owner/repository#commit` or `npm name@version <address>`,
/// the address being the lockfile's where it states one. Without secrets.
pub fn identity_of(_artifact: &Artifact, _address: &Address) -> String {
    todo!()
}

/// An address for people: without user name, password, query and fragment.
pub fn without_secrets(_url: &Url) -> String {
    todo!()
}

/// Why an artifact has no address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither `http:` nor `https:`.
    #[error("{artifact}: `{scheme}:` addresses cannot be fetched")]
    UnknownScheme {
        /// Name and version.
        artifact: String,
        /// The scheme.
        scheme: String,
    },
}
