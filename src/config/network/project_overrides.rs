//! [`ProjectOverrides`]: the proxies and certificates that only the project's files set, and the user's own settings without them.

use crate::{
    config::{
        error::ConfigError,
        layers::{Found, Layers},
        network::{
            certificates::{PemFile, extra_certificates},
            proxy::{Proxies, Proxy},
        },
    },
    core::environment::Environment,
};

/// What only the project's files say about the way to a server, and what the user's own configuration says in their place.
#[derive(Clone, Debug)]
pub struct ProjectOverrides {
    /// The setting that names the proxy for `http:` addresses.
    pub http_proxy: Option<String>,
    /// The setting that names the proxy for `https:` addresses.
    pub https_proxy: Option<String>,
    /// The settings by which servers are trusted that the user's own configuration may not trust.
    pub trust: Vec<String>,
    /// The certificates that the user's own configuration trusts beside the system's.
    pub own_certificates: Vec<PemFile>,
    /// Whether it has certificates verified, or the project does.
    pub verifies_tls: bool,
}

impl ProjectOverrides {
    /// `None` if the project's files say nothing of the kind, as nearly always: then the user's are not looked at again.
    pub(super) fn read(
        layers: &Layers,
        environment: &Environment,
        proxies: &Proxies,
        verifies_tls: bool,
    ) -> Result<Option<Self>, ConfigError> {
        // `strict-ssl=false` says nothing by the measure of the others.
        let is_said = |found: &Found<'_>| found.key == "strict-ssl" || !found.is_nothing();
        let is_of_project = |key: &str| layers.find(key).filter(|found| found.level.is_of_project() && is_said(found));
        let named: Vec<Found<'_>> = ["ca", "cafile", "strict-ssl"].into_iter().filter_map(is_of_project).collect();
        let has_proxy = |proxy: &Option<(Proxy, Option<String>)>| matches!(proxy, Some((_, Some(_))));
        if named.is_empty() && !has_proxy(&proxies.for_http) && !has_proxy(&proxies.for_https) {
            return Ok(None);
        }
        // What is odd about the user's files is told where they count.
        let mut unsaid = Vec::new();
        let own = Proxies::read(environment, &mut unsaid, |key| layers.find_own(key))?;
        let only_of_project = |ours: &Option<(Proxy, Option<String>)>, own: &Option<(Proxy, Option<String>)>| {
            let (proxy, line) = ours.as_ref()?;
            let is_same = own.as_ref().is_some_and(|(own, _)| own == proxy);
            line.clone().filter(|_| !is_same)
        };
        let own_verifies = layers.find_own("strict-ssl").and_then(|found| found.flag()).unwrap_or(true);
        let is_trust = |found: &&Found<'_>| match found.key {
            "strict-ssl" => !verifies_tls && own_verifies,
            "cafile" => layers.find_own("cafile").is_none_or(|own| own.path() != found.path()),
            key => layers.find_own(key).is_none_or(|own| !own.texts().eq(found.texts())),
        };
        let overrides = Self {
            http_proxy: only_of_project(&proxies.for_http, &own.for_http),
            https_proxy: only_of_project(&proxies.for_https, &own.for_https),
            trust: named.iter().filter(is_trust).map(Found::line).collect(),
            own_certificates: extra_certificates(environment, &mut unsaid, |key| layers.find_own(key))?,
            verifies_tls: verifies_tls || own_verifies,
        };
        let says_nothing =
            overrides.http_proxy.is_none() && overrides.https_proxy.is_none() && overrides.trust.is_empty();
        Ok(Some(overrides).filter(|_| !says_nothing))
    }
}
