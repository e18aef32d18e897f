//! [`Client`]: makes single requests, over a few connections to each host.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

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
    ClientError, ClientSettings, DownloadError, Event, Phase, Progress, RedactedUrl, encoding::Encoders, gate::Gates,
    proxy::Proxies, reach::Reach, reason::reason, resolver::Resolver, roots, tries::retry_after,
};
use crate::redacted::without_userinfo;

/// What a stream may have under way before it is read: some batches of the writer, so that one slow write to disk does not stop it.
const STREAM_WINDOW: u32 = 1 << 20;

/// What all streams of a connection may have under way together: bounds the memory of a connection whose streams are not read.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Longer frames mean fewer of them; too long, and one stream's frame delays the others.
const FRAME_SIZE: u32 = 64 << 10;

/// Header lines of an answer. hyper's own limit, 100, is below what some gateways add; their whole length is bounded besides.
const HEADER_LINES: usize = 1000;

/// Bytes of an answer's headers over HTTP/2. With HTTP/1.1 hyper's own limit is about as much.
const HEADER_BYTES: u32 = 400 << 10;

/// Knows which address is to be sent which `Authorization`.
pub trait Credentials: Send + Sync {
    /// The header's value for this very address, marked sensitive; `None` if none belongs there.
    fn authorization_for(&self, url: &Url) -> Option<HeaderValue>;
}

/// Knows none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn authorization_for(&self, _url: &Url) -> Option<HeaderValue> {
        None
    }
}

/// Makes requests. Cheap to clone; clones share connections and look-ups.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    credentials: Arc<dyn Credentials>,
    lines: Vec<Line>,
    next_line: AtomicUsize,
    reach: Reach,
    proxies: Proxies,
    encoders: Encoders,
}

/// An HTTP client of its own, so that it has a connection of its own to each HTTP/2 host.
struct Line {
    http: reqwest::Client,
    gates: Gates,
}

/// A response whose body is still to be read.
pub(super) struct Answer {
    pub(super) response: reqwest::Response,
    pub(super) url: RedactedUrl,
    /// The address that was asked, without user name and password.
    pub(super) address: Url,
    pub(super) is_authorized: bool,
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
        let tls = if settings.verify_tls { Some(roots::tls(&settings.extra_certificates)?) } else { None };
        let lines = (0..settings.connections.max(1))
            .map(|_| Ok(Line { http: http_client(&settings, tls.clone(), resolver)?, gates: Gates::default() }))
            .collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            proxies: Proxies::of_settings(&settings),
            settings,
            credentials,
            lines,
            next_line: AtomicUsize::new(0),
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

    /// Sends one request and waits for the start of the response, whatever its status.
    pub(super) async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        progress: &dyn Progress,
    ) -> Result<Answer, DownloadError> {
        let shown = RedactedUrl::new(url);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(DownloadError::Scheme { url: shown });
        }
        let authorization = basic_auth(url).or_else(|| self.0.credentials.authorization_for(url));
        let is_authorized = authorization.is_some();
        let address = without_userinfo(url);
        let mut request = reqwest::Request::new(Method::GET, address.clone());
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let leave = match self.0.proxies.of(&address) {
            Some(proxy) => Some(proxy.enter(&shown).await?),
            None => None,
        };
        let line = &self.0.lines[self.0.next_line.fetch_add(1, Ordering::Relaxed) % self.0.lines.len()];
        let pass = line.gates.enter(url).await;
        progress.event(Event::Requested);
        let settings = self.settings();
        let limit = settings.connect_timeout.saturating_add(settings.stall_timeout);
        let response = timeout(limit, line.http.execute(request)).await;
        pass.open();
        if let (Some(leave), Ok(response)) = (leave, &response) {
            leave.settle(&shown, response.as_ref())?;
        }
        match response {
            Ok(Ok(response)) => {
                self.0.reach.reached(url);
                Ok(Answer { response, url: shown, address, is_authorized })
            }
            Ok(Err(source)) => Err(DownloadError::from_send(shown, source, settings)),
            Err(_) => Err(DownloadError::Timeout { url: shown, phase: Phase::Response, after: limit }),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connections", &self.0.lines.len()).finish_non_exhaustive()
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

fn http_client(
    settings: &ClientSettings,
    tls: Option<rustls::ClientConfig>,
    resolver: &Arc<Resolver>,
) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.connect_timeout)
        .dns_resolver(Arc::clone(resolver))
        .http1_max_headers(HEADER_LINES)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_frame_size(FRAME_SIZE)
        // A connection that died silently would otherwise be given to every retry.
        .http2_keep_alive_interval(settings.stall_timeout / 2)
        .http2_keep_alive_timeout(settings.stall_timeout / 2)
        // Also stops it from looking for proxies in the environment.
        .no_proxy();
    let no_proxy = || settings.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string);
    for (address, proxy) in [
        (&settings.http_proxy, reqwest::Proxy::http as fn(Url) -> reqwest::Result<reqwest::Proxy>),
        (&settings.https_proxy, reqwest::Proxy::https),
    ] {
        if let Some(address) = address {
            let proxy = proxy(address.clone()).map_err(|source| ClientError::Proxy {
                proxy: RedactedUrl::new(address),
                source: source.without_url(),
            })?;
            builder = builder.proxy(proxy.no_proxy(no_proxy()));
        }
    }
    builder = match tls {
        Some(tls) => builder.tls_backend_preconfigured(tls),
        None => builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
    };
    builder.build().map_err(ClientError::Build)
}
