//! Which request carries which credentials.

use reqwest::header::HeaderValue;
use url::Url;

use crate::{fetch::Credentials, npmrc::NpmConfig};

/// The credentials of the project's lockfiles' configurations; the first that knows an address counts.
pub(super) struct FromConfigurations(pub(super) Vec<NpmConfig>);

impl Credentials for FromConfigurations {
    fn authorization_for(&self, url: &Url) -> Option<HeaderValue> {
        let authorization = self.0.iter().find_map(|npm| npm.authorization_for(url))?;
        let mut value = HeaderValue::from_str(authorization.expose_header()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
