//! [`Client`]: makes single requests, over a few connections to each host.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use reqwest::{
    Method,
    header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
};
use tokio::time::timeout;
use url::Url;

use super::{
    ClientError, ClientSettings, Credential, Credentials, Danger, DownloadError, Event, Phase, Progress, RedactedUrl,
    encoding::Encoders,
    lines::{Lines, Way},
    proxy::Proxies,
    reach::Reach,
    reason::reason,
    resolver::Resolver,
    tries::retry_after,
};
use crate::core::redacted::without_userinfo;

/// Makes requests. Cheap to clone; clones share connections and look-ups.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    credentials: Arc<dyn Credentials>,
    lines: Lines,
    reach: Reach,
    proxies: Proxies,
    encoders: Encoders,
}

/// A response whose body is still to be read.
pub(super) struct Answer {
    pub(super) response: reqwest::Response,
    pub(super) url: RedactedUrl,
    /// The address that was asked, without user name and password.
    pub(super) address: Url,
    pub(super) is_authorized: bool,
    /// What it was told about who asks, of what is configured.
    pub(super) credential: Option<Credential>,
}

impl Answer {
    /// The error that this answer is.
    pub(super) async fn refusal(self) -> DownloadError {
        let wait = self.response.headers().get(RETRY_AFTER);
        let retry_after = wait.and_then(|value| retry_after(value, Timestamp::now()));
        let status = self.response.status();
        let reason = reason(self.response).await;
        DownloadError::Status { url: self.url, status, is_authorized: self.is_authorized, retry_after, reason }
    }
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
        let lines = Lines::new(&settings, &credentials.identities(), resolver)?;
        Ok(Self(Arc::new(Inner {
            proxies: Proxies::of_settings(&settings),
            settings,
            credentials,
            lines,
            reach: Reach::default(),
            encoders: Encoders::default(),
        })))
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &ClientSettings {
        &self.0.settings
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.0.reach
    }

    pub(super) fn encoders(&self) -> &Encoders {
        &self.0.encoders
    }

    /// Sends one request and waits for the start of the response, whatever its status. `carried` is for an address that has no credentials of its
    /// own.
    pub(super) async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        carried: Option<Credential>,
        progress: &dyn Progress,
    ) -> Result<Answer, DownloadError> {
        let shown = RedactedUrl::new(url);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(DownloadError::Scheme { url: shown });
        }
        let in_address = basic_auth(url);
        let configured = self.0.credentials.credential_for(url);
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
        let way = self.way_of(&address, credential.as_ref())?;
        let leave = match self.0.proxies.of(&address) {
            Some(proxy) => Some(proxy.enter(&shown).await?),
            None => None,
        };
        let line = self.0.lines.next(&way);
        let pass = line.gates.enter(url).await;
        progress.event(Event::Requested);
        let settings = self.settings();
        let limit = settings.connect_timeout.saturating_add(settings.stall_timeout);
        let response = timeout(limit, line.http.execute(request)).await;
        pass.open();
        match (leave, &response) {
            (Some(leave), Ok(response)) => leave.settle(&shown, response.as_ref())?,
            // It hangs: the others need not find that out one after the other.
            (Some(leave), Err(_)) => leave.tried(),
            (None, _) => {}
        }
        match response {
            Ok(Ok(response)) => {
                self.0.reach.reached(url);
                Ok(Answer { response, url: shown, address, is_authorized, credential })
            }
            Ok(Err(source)) => Err(self.unsent(shown, source, &way)),
            Err(_) => Err(DownloadError::Timeout { url: shown, phase: Phase::Response, after: limit }),
        }
    }

    /// The way that a request with these credentials goes; an error if only the project's files lead the user's own there.
    fn way_of(&self, url: &Url, credential: Option<&Credential>) -> Result<Way, DownloadError> {
        let Some(credential) = credential else { return Ok(Way::default()) };
        let way = |is_users| Way { is_users, identity: credential.identity.clone() };
        let settings = self.settings();
        if !credential.is_users || settings.trusts_project {
            return Ok(way(false));
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
        let Some(project) = &settings.project else { return Ok(way(false)) };
        let proxy = if url.scheme() == "https" { &project.https_proxy } else { &project.http_proxy };
        match proxy {
            Some(line) if settings.has_proxy_for(url) => Err(withheld(Danger::Proxy, line)),
            _ => Ok(way(true)),
        }
    }

    /// Why a request was not answered. A server that only the project's files trust is named as that.
    fn unsent(&self, url: RedactedUrl, source: reqwest::Error, way: &Way) -> DownloadError {
        let project = self.settings().project.as_ref().filter(|_| way.is_users);
        match (DownloadError::from_send(url, source, self.settings()), project) {
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
        f.debug_struct("Client").field("connections", &self.0.lines.connections()).finish_non_exhaustive()
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
