//! [`Client`]: sends single requests, over a few connections to each host.

use std::{fmt, net::IpAddr, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::{
    Method,
    dns::{Name, Resolve as _},
    header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue},
};
use tokio::time::timeout;
use url::{Host, Url};

use super::{
    client_pool::{ClientPools, TrustProfile},
    credential::{Credential, Credentials},
    encoding::Encoders,
    error::{ClientError, DownloadError},
    error_parts::{Danger, Phase},
    progress::{Event, Progress},
    proxy::{Proxies, ProxyPermit},
    resolver::Resolver,
    response::Response,
    settings::ClientSettings,
    unreachable::UnreachableHosts,
};
use crate::core::{
    private_address::is_private,
    redacted::{RedactedUrl, without_userinfo},
};

/// Makes requests. Cheap to clone; clones share connections and look-ups.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// Whether its requests say nothing about who asks.
    is_anonymous: bool,
    /// Whether servers in private networks are not asked.
    is_public_alone: bool,
}

struct Inner {
    settings: ClientSettings,
    credentials: Arc<dyn Credentials>,
    pools: ClientPools,
    unreachable: UnreachableHosts,
    proxies: Proxies,
    resolver: Arc<Resolver>,
    encoders: Encoders,
}

impl Client {
    /// A client. Reads the system's certificates, which takes milliseconds: make one only when something is to be fetched.
    pub fn new(settings: ClientSettings, credentials: Arc<dyn Credentials>) -> Result<Self, ClientError> {
        let resolver = Arc::new(Resolver::system());
        Self::with_resolver(settings, credentials, &resolver)
    }

    pub(super) fn with_resolver(
        settings: ClientSettings,
        credentials: Arc<dyn Credentials>,
        resolver: &Arc<Resolver>,
    ) -> Result<Self, ClientError> {
        // Fails when there is one already, and then that one serves.
        drop(rustls::crypto::ring::default_provider().install_default());
        let pools = ClientPools::new(&settings, &credentials.identities(), resolver)?;
        let inner = Inner {
            proxies: Proxies::from_settings(&settings),
            settings,
            credentials,
            pools,
            unreachable: UnreachableHosts::default(),
            resolver: Arc::clone(resolver),
            encoders: Encoders::default(),
        };
        Ok(Self { inner: Arc::new(inner), is_anonymous: false, is_public_alone: false })
    }

    /// The same, whose requests carry no credentials of their own, also where they are redirected, and which no redirect leads to a private host: for addresses that a stranger may have named.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), is_anonymous: true, is_public_alone: false }
    }

    /// The same for what nobody has recorded yet: a server that its name leads to in a private network is not asked either. Behind a proxy, nobody sees where a name leads.
    #[must_use]
    pub fn stranger(&self) -> Self {
        Self { is_public_alone: true, ..self.anonymous() }
    }

    /// Whether its requests carry no credentials of their own.
    pub(super) fn is_anonymous(&self) -> bool {
        self.is_anonymous
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &ClientSettings {
        &self.inner.settings
    }

    pub(super) fn unreachable_hosts(&self) -> &UnreachableHosts {
        &self.inner.unreachable
    }

    pub(super) fn encoders(&self) -> &Encoders {
        &self.inner.encoders
    }

    /// Sends one request and waits for the start of the response, whatever its status. `carried` is for an address that has no credentials of its
    /// own.
    pub(super) async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        carried: Option<Credential>,
        progress: &dyn Progress,
    ) -> Result<Response, DownloadError> {
        let shown = RedactedUrl::new(url);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(DownloadError::Scheme { url: shown });
        }
        let in_address = basic_auth(url);
        let configured = if self.is_anonymous { None } else { self.inner.credentials.credential_for(url) };
        let credential = match configured {
            // What stands in the address is said in the place of what is configured, and beside the client's certificate.
            Some(own) if in_address.is_some() => Some(own.without_header()).filter(|own| own.identity.is_some()),
            Some(own) => Some(own.or_header_of(carried)),
            None => carried.filter(|_| in_address.is_none()),
        };
        let authorization = in_address.or_else(|| credential.as_ref()?.header.clone());
        let is_authorized = authorization.is_some();
        let address = without_userinfo(url);
        let mut request = reqwest::Request::new(Method::GET, address.clone());
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let profile = self.trust_profile(&address, credential.as_ref())?;
        let permit = match self.inner.proxies.for_url(&address) {
            Some(proxy) => Some(proxy.acquire(&shown).await?),
            None => None,
        };
        let proxy = permit.as_ref().map(ProxyPermit::proxy);
        if self.is_public_alone && proxy.is_none() {
            self.refuse_private(url).await?;
        }
        let pooled = self.inner.pools.next(&profile);
        let warm_up = pooled.warm_ups.wait_turn(url).await;
        progress.event(Event::Requested);
        let settings = self.settings();
        let limit = settings.connect_timeout.saturating_add(settings.stall_timeout);
        let response = timeout(limit, pooled.http.execute(request)).await;
        warm_up.finish();
        match (permit, &response) {
            (Some(permit), Ok(response)) => permit.settle(&shown, response.as_ref())?,
            // It hangs: the others need not find that out one after the other.
            (Some(permit), Err(_)) => permit.mark_tried(),
            (None, _) => {}
        }
        match response {
            Ok(Ok(response)) => {
                self.inner.unreachable.remove(url);
                Ok(Response { inner: response, url: shown, address, is_authorized, credential })
            }
            Ok(Err(source)) => Err(self.unsent(shown, proxy, source, &profile)),
            Err(_) => Err(DownloadError::Timeout { url: shown, proxy, phase: Phase::Response, after: limit }),
        }
    }

    /// Whether a host is in a private network: the connection that follows takes the same addresses, which hold for minutes.
    async fn refuse_private(&self, url: &Url) -> Result<(), DownloadError> {
        let addresses: Vec<IpAddr> = match url.host() {
            Some(Host::Domain(host)) => match host.parse::<Name>() {
                // What cannot be looked up is told by who connects.
                Ok(name) => self
                    .inner
                    .resolver
                    .resolve(name)
                    .await
                    .map_or_else(|_| Vec::new(), |found| found.map(|it| it.ip()).collect()),
                Err(_) => Vec::new(),
            },
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            None => Vec::new(),
        };
        if addresses.into_iter().any(is_private) {
            return Err(DownloadError::PrivateAddress { url: RedactedUrl::new(url) });
        }
        Ok(())
    }

    /// The trust profile of a request with these credentials; an error if it would take the user's own where only the project's files lead.
    fn trust_profile(&self, url: &Url, credential: Option<&Credential>) -> Result<TrustProfile, DownloadError> {
        let Some(credential) = credential else { return Ok(TrustProfile::default()) };
        let profile = |is_users| TrustProfile { is_users, identity: credential.identity.clone() };
        let settings = self.settings();
        if !credential.is_users || settings.trusts_project {
            return Ok(profile(false));
        }
        let withheld = |danger, said_by: &str| DownloadError::Withheld {
            url: RedactedUrl::new(url),
            danger,
            said_by: said_by.to_owned(),
            source: None,
        };
        if let Some(line) = &credential.in_clear {
            return Err(withheld(Danger::InClear, line));
        }
        let Some(project) = &settings.project else { return Ok(profile(false)) };
        let proxy = if url.scheme() == "https" { &project.https_proxy } else { &project.http_proxy };
        match proxy {
            Some(line) if settings.has_proxy_for(url) => Err(withheld(Danger::Proxy, line)),
            _ => Ok(profile(true)),
        }
    }

    /// Why a request was not answered. A server that only the project's files trust is named as that.
    fn unsent(
        &self,
        url: RedactedUrl,
        proxy: Option<RedactedUrl>,
        source: reqwest::Error,
        profile: &TrustProfile,
    ) -> DownloadError {
        let project = self.settings().project.as_ref().filter(|_| profile.is_users);
        match (DownloadError::from_send(url, proxy, source, self.settings()), project) {
            (DownloadError::Certificate { url, source }, Some(project)) if !project.trust.is_empty() => {
                DownloadError::Withheld {
                    url,
                    danger: Danger::Unverified,
                    said_by: project.trust.join(", "),
                    source: Some(source),
                }
            }
            (error, _) => error,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connections", &self.inner.pools.connections()).finish_non_exhaustive()
    }
}

fn basic_auth(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut plain: Vec<u8> = percent_decode_str(url.username()).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(url.password().unwrap_or_default()));
    let value = format!("Basic {}", BASE64_STANDARD.encode(plain));
    Some(HeaderValue::try_from(value).expect("base64 is ASCII"))
}
