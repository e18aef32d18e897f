//! Proxies, from npm's and yarn's settings and from the environment.

use std::fmt;

use url::Url;

use crate::{
    config::{
        error::{ConfigError, ConfigWarning},
        layers::{Found, Layers},
        precedence::Origin,
        yarnrc,
    },
    core::environment::Environment,
};

/// A proxy's address. It can hold a user name and a password; `Debug` and `Display` leave them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// The address with user name and password. For the client, and for nothing else.
    pub fn expose_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// `http://proxy.example:3128`.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port_or_known_default().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Proxy {
    /// An address, `http:` if it names no scheme (`proxy.example:3128`).
    fn parse(text: &str, origin: &Origin, key: &str) -> Result<Self, ConfigError> {
        let key = || yarnrc::written(key).into_owned();
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let Some(url) = url.ok().filter(Url::has_host) else {
            return Err(ConfigError::NoAddress { origin: origin.clone(), key: key() });
        };
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            scheme => Err(ConfigError::UnknownProxy { origin: origin.clone(), key: key(), scheme: scheme.to_owned() }),
        }
    }
}

/// Each proxy with the project's setting that names it, if one does.
pub(super) struct Proxies {
    pub(super) for_http: Option<(Proxy, Option<String>)>,
    pub(super) for_https: Option<(Proxy, Option<String>)>,
}

impl Proxies {
    /// As in npm, one that npm is configured with is for both, `https-proxy` before `proxy`; of the
    /// environment's, `HTTPS_PROXY` is for both, and `HTTP_PROXY` and `PROXY` are for `http:` where it is not set. yarn has one for each.
    pub(super) fn read<'a>(
        environment: &Environment,
        warnings: &mut Vec<ConfigWarning>,
        find: impl Fn(&str) -> Option<Found<'a>>,
    ) -> Result<Self, ConfigError> {
        let mut configured = |key: &str| {
            let Some(found) = find(key).filter(|found| !found.is_nothing()) else { return Ok(None) };
            if let Some(variable) = found.unset.first() {
                let (origin, key) = (found.origin.clone(), found.key.to_owned());
                warnings.push(ConfigWarning::UnsetVariable { origin, key, variable: variable.clone() });
                return Ok(None);
            }
            let proxy = Proxy::parse(found.text().unwrap_or_default(), found.origin, key)?;
            Ok(Some((proxy, found.level.is_of_project().then(|| found.line()))))
        };
        let for_both = match configured("https-proxy")? {
            Some(proxy) => Some(proxy),
            None => configured("proxy")?,
        };
        if let Some(proxy) = for_both {
            return Ok(Self { for_http: Some(proxy.clone()), for_https: Some(proxy) });
        }
        let yarns = [configured("yarn:http-proxy")?, configured("yarn:https-proxy")?];
        let from_environment = |names: &[&str]| {
            let found = names.iter().find_map(|name| variable_in_any_case(environment, name));
            let proxy = found.map(|(name, text)| Proxy::parse(text, &Origin::Environment, name)).transpose()?;
            Ok(proxy.map(|proxy| (proxy, None)))
        };
        let [http, https] = yarns;
        Ok(Self {
            for_http: http
                .map_or_else(|| from_environment(&["https_proxy", "http_proxy", "proxy"]), |it| Ok(Some(it)))?,
            for_https: https.map_or_else(|| from_environment(&["https_proxy"]), |it| Ok(Some(it)))?,
        })
    }
}

pub(super) fn no_proxy(layers: &Layers, environment: &Environment) -> Vec<String> {
    let configured: Vec<&str> = ["noproxy", "no-proxy"]
        .iter()
        .find_map(|key| layers.find(key).filter(|found| !found.is_nothing()))
        .map(|found| found.texts().collect())
        .unwrap_or_default();
    let texts = if configured.is_empty() {
        variable_in_any_case(environment, "no_proxy").map(|(_, text)| text).into_iter().collect()
    } else {
        configured
    };
    let parts = texts.iter().flat_map(|text| text.split([',', '\n'])).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A variable that is not empty, by its name in lower case, in upper case, or in any other, in this order.
fn variable_in_any_case<'a>(environment: &'a Environment, lower: &str) -> Option<(&'a str, &'a str)> {
    let rank = |name: &str| (name != lower, name != lower.to_uppercase());
    environment
        .variables()
        .filter(|(name, value)| name.eq_ignore_ascii_case(lower) && !value.trim().is_empty())
        .min_by_key(|(name, _)| rank(name))
}
