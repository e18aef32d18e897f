//! Which request carries which credentials.

use std::collections::HashMap;

use reqwest::header::HeaderValue;
use url::Url;

use super::Order;
use crate::{
    fetch::Credentials,
    npmrc::{Authorization, NpmConfig},
};

/// The credentials that stand in the lockfile's own addresses, each for that very address; then those of the lockfiles' configurations, of
/// which the first that knows an address counts.
pub(super) struct Known {
    stated: HashMap<Url, Authorization>,
    configurations: Vec<NpmConfig>,
}

impl Known {
    pub(super) fn new(orders: &[Order], configurations: Vec<NpmConfig>) -> Self {
        let addresses = orders.iter().flat_map(|order| &order.addresses);
        let stated = addresses.filter_map(|address| Some((address.url.clone(), address.authorization.clone()?)));
        Self { stated: stated.collect(), configurations }
    }
}

impl Credentials for Known {
    fn authorization_for(&self, url: &Url) -> Option<HeaderValue> {
        let configured = || self.configurations.iter().find_map(|npm| npm.authorization_for(url));
        let authorization = self.stated.get(url).or_else(configured)?;
        let mut value = HeaderValue::from_str(authorization.expose_header()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
