//! One request to a registry: with the credentials that belong to it, its redirects followed, and repeated while it may succeed.

use std::{sync::Arc, time::Duration};

use backon::ExponentialBackoff;
use jiff::Timestamp;
use reqwest::{
    Body, Method, Response, StatusCode,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use tokio::time::timeout;
use url::Url;

use super::{
    answer::{read_all, said},
    authorization::{Authorization, TokenRequest},
};
use crate::{
    core::redacted::RedactedUrl,
    http::{ClientSettings, DownloadError, Phase, is_same_origin, redirect_target, retry_after},
    share::oci::error::RegistryFault,
};

/// More than any registry needs.
const MAX_REDIRECTS: usize = 10;

/// A token is some kilobytes: bytes.
const MOST_TOKEN: u64 = 1 << 20;

/// So many times as long as for another answer is waited when a blob was taken whole: a registry compares it and may copy it from one place of its storage to another. With the
/// usual settings, five minutes.
const MOST_STORING: u32 = 6;

/// The way to a registry.
pub(super) struct Exchange {
    pub(super) http: reqwest::Client,
    pub(super) settings: ClientSettings,
    pub(super) api: Url,
    pub(super) authorization: Authorization,
}

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Makes the body anew for each time that it is sent.
    pub(super) body: Option<&'a (dyn Fn() -> Body + Send + Sync)>,
    /// How the body moves: a request without an answer is given up if it does not.
    pub(super) moved: Option<&'a (dyn Fn() -> Moved + Send + Sync)>,
}

/// How far a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// So many bytes were taken.
    To(u64),
    /// All of it was: the registry may now compare and store it.
    ToTheEnd,
}

impl Ask<'_> {
    /// A request without a body.
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, moved: None }
    }

    /// The same with a header.
    pub(super) fn with(mut self, name: reqwest::header::HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Whether repeating it does nothing twice, and others may be asked in its place.
    fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

impl Exchange {
    /// An address of the registry's API.
    pub(super) fn url(&self, path: &str) -> Url {
        self.api.join(path).expect("names of repositories, tags and digests are parts of an address")
    }

    /// Tries that begin now.
    pub(super) fn tries(&self) -> Tries<'_> {
        let settings = &self.settings;
        Tries { settings, waits: settings.waits(), made: 0 }
    }

    /// Sends a request until it is answered with a success.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Response, RegistryFault> {
        let mut tries = self.tries();
        loop {
            match self.once(ask).await {
                Ok(response) => return Ok(response),
                Err(fault) => tries.after(fault).await?,
            }
        }
    }

    /// Sends a request: a second time with new credentials if the first ones are refused.
    pub(super) async fn once(&self, ask: &Ask<'_>) -> Result<Response, RegistryFault> {
        let mut header = self.authorization.header().await;
        let mut is_renewed = false;
        loop {
            let (response, at) = self.follow(ask, header.as_ref()).await?;
            let is_own = is_same_origin(&self.api, &at);
            if response.status() == StatusCode::UNAUTHORIZED && is_own && !is_renewed {
                is_renewed = true;
                let ask = |request| self.token(request);
                let new = self.authorization.renew(&self.api, response.headers(), header.as_ref(), ask).await?;
                if new.is_some() {
                    header = new;
                    continue;
                }
            }
            return if response.status().is_success() { Ok(response) } else { Err(self.fault(response).await) };
        }
    }

    /// Sends a request and what it is redirected to; the answer, and where it is from. The registry alone is told who asks.
    async fn follow(&self, ask: &Ask<'_>, header: Option<&HeaderValue>) -> Result<(Response, Url), RegistryFault> {
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let header = header.filter(|_| is_same_origin(&self.api, &url));
            let response = self.request(ask, &url, header).await?;
            // That a registry redirects to a blob says that it has it.
            let is_told = ask.method == Method::HEAD && response.status().is_redirection();
            let target = if is_told {
                None
            } else {
                redirect_target(&url, response.status(), response.headers()).map_err(RegistryFault::network)?
            };
            match target {
                Some(_) if !ask.is_read() => {
                    return Err(RegistryFault::answer("it redirects what is sent to it"));
                }
                Some(target) => url = target,
                None => return Ok((response, url)),
            }
        }
        Err(RegistryFault::network(DownloadError::TooManyRedirects {
            url: RedactedUrl::new(&ask.url),
            limit: MAX_REDIRECTS,
        }))
    }

    async fn request(&self, ask: &Ask<'_>, url: &Url, header: Option<&HeaderValue>) -> Result<Response, RegistryFault> {
        let mut request = reqwest::Request::new(ask.method.clone(), url.clone());
        *request.headers_mut() = ask.headers.clone();
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(header) = header {
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
        *request.body_mut() = ask.body.map(|body| body());
        let sent = self.http.execute(request);
        tokio::pin!(sent);
        let patience = self.settings.connect_timeout.saturating_add(self.settings.stall_timeout);
        let (mut before, mut silent) = (None, 0);
        loop {
            match timeout(patience, &mut sent).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => {
                    let proxy = self.settings.proxy_for(url);
                    let error = DownloadError::from_send(RedactedUrl::new(url), proxy, error, &self.settings);
                    return Err(RegistryFault::network(error));
                }
                Err(_) => {
                    let now = ask.moved.map(|moved| moved());
                    silent = if now == before { silent + 1 } else { 0 };
                    let most = if now == Some(Moved::ToTheEnd) { MOST_STORING } else { 1 };
                    if now.is_none() || silent >= most {
                        return Err(RegistryFault::network(self.late(url, Phase::Response, patience)));
                    }
                    before = now;
                }
            }
        }
    }

    fn late(&self, url: &Url, phase: Phase, after: Duration) -> DownloadError {
        DownloadError::Timeout { url: RedactedUrl::new(url), proxy: self.settings.proxy_for(url), phase, after }
    }

    /// Asks for a token. Where tokens are given is another server, and is told nothing but what it needs for that.
    async fn token(&self, request: TokenRequest) -> Result<Vec<u8>, RegistryFault> {
        let form: Arc<str>;
        let body;
        let (mut ask, header) = match request {
            TokenRequest::Get(url, header) => (Ask::new(Method::GET, url), header),
            TokenRequest::Post(url, text) => {
                form = text.into();
                body = move || Body::from(form.to_string());
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                let ask = Ask::new(Method::POST, url).with(CONTENT_TYPE, kind);
                (Ask { body: Some(&body), ..ask }, None)
            }
        };
        if let Some(header) = header {
            ask.headers.insert(AUTHORIZATION, header);
        }
        let response = self.request(&ask, &ask.url, None).await?;
        if !response.status().is_success() {
            return Err(self.fault(response).await);
        }
        read_all(response, MOST_TOKEN, &self.settings).await
    }

    /// What an answer means that is no success.
    async fn fault(&self, response: Response) -> RegistryFault {
        let status = response.status();
        let wait = response.headers().get(RETRY_AFTER);
        let retry_after = wait.and_then(|value| retry_after(value, Timestamp::now()));
        let said = said(response).await;
        match status {
            StatusCode::NOT_FOUND => RegistryFault::NotFound { said },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let credentials = &self.authorization.credentials;
                RegistryFault::Denied {
                    status,
                    credentials: credentials.to_string(),
                    is_anonymous: credentials.is_anonymous(),
                    said,
                }
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                RegistryFault::Unavailable { status, said, retry_after, tries: 1 }
            }
            _ if status.is_server_error() => RegistryFault::Unavailable { status, said, retry_after, tries: 1 },
            _ => RegistryFault::Refused { status, said },
        }
    }
}

/// The tries of one thing.
pub(super) struct Tries<'a> {
    settings: &'a ClientSettings,
    waits: ExponentialBackoff,
    made: u32,
}

impl Tries<'_> {
    /// Waits until the next try is due; or returns the fault, if there is none.
    pub(super) async fn after(&mut self, fault: RegistryFault) -> Result<(), RegistryFault> {
        self.made += 1;
        let next = if fault.is_worth_retrying() { self.waits.next() } else { None };
        let Some(wait) = next else { return Err(fault.after_tries(self.made)) };
        let asked = fault.retry_after().map(|asked| asked.min(self.settings.retry_after_max));
        let wait = asked.map_or(wait, |asked| asked.max(wait));
        tracing::debug!(%fault, ?wait, "a registry is asked again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
