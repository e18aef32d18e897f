//! Proxies that require authentication: after one 407, no request goes through that proxy for a quarter of an hour. A wrong password that is tried again and again
//! locks accounts; a registry that runs for days notices that the proxy lets it through again.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    StatusCode,
    header::{HeaderMap, PROXY_AUTHENTICATE},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use url::Url;

use super::{error::DownloadError, settings::ClientSettings};
use crate::core::redacted::RedactedUrl;

/// More ways to authenticate are not listed.
const LISTED: usize = 8;

/// How long a 407 holds; then one request asks again. Accounts are locked after some failures within half an hour or so.
const REFUSAL_HOLDS: Duration = Duration::from_mins(15);

/// The proxies of a client.
pub(super) struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    /// Which addresses go through them.
    matcher: Matcher,
}

/// One proxy, and whether it lets anybody through.
pub(super) struct Proxy {
    shown: RedactedUrl,
    is_authorized: bool,
    state: Mutex<State>,
    first: Arc<AsyncMutex<()>>,
}

enum State {
    /// No request has gone through it yet: they go one at a time.
    Untried,
    /// It let one through, or failed in another way.
    Tried,
    /// It answered 407 at that time, and offered these ways to authenticate.
    Refuses(Vec<String>, Instant),
}

/// Permission to send a request through a proxy. If the first request drops it before it is [settled](ProxyPermit::settle), the next request is the first.
pub(super) struct ProxyPermit {
    proxy: Arc<Proxy>,
    first: Option<OwnedMutexGuard<()>>,
}

impl Proxies {
    /// The proxies of these settings.
    pub(super) fn from_settings(settings: &ClientSettings) -> Self {
        let text = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        let matcher = Matcher::builder()
            .http(text(&settings.http_proxy))
            .https(text(&settings.https_proxy))
            .no(settings.no_proxy.clone().unwrap_or_default())
            .build();
        let new = |url: &Url| Arc::new(Proxy::new(url));
        let http = settings.http_proxy.as_ref().map(new);
        let https = match (&settings.http_proxy, &settings.https_proxy) {
            (Some(one), Some(other)) if one == other => http.clone(),
            (_, other) => other.as_ref().map(new),
        };
        Self { http, https, matcher }
    }

    /// The proxy that a request to this address goes through.
    pub(super) fn for_url(&self, url: &Url) -> Option<&Arc<Proxy>> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        self.matcher.intercept(&url.as_str().parse().ok()?).is_some().then_some(proxy)
    }
}

impl Proxy {
    fn new(url: &Url) -> Self {
        let is_authorized = !url.username().is_empty() || url.password().is_some();
        let shown = RedactedUrl::new(url);
        Self { shown, is_authorized, state: Mutex::new(State::Untried), first: Arc::default() }
    }

    /// Waits until it is known whether the proxy lets anybody through. Fails at once if it does not.
    pub(super) async fn acquire(self: &Arc<Self>, url: &RedactedUrl) -> Result<ProxyPermit, DownloadError> {
        let permit = |first| ProxyPermit { proxy: Arc::clone(self), first };
        if self.is_tried(url)? {
            return Ok(permit(None));
        }
        let first = Arc::clone(&self.first).lock_owned().await;
        Ok(permit(if self.is_tried(url)? { None } else { Some(first) }))
    }

    fn is_tried(&self, url: &RedactedUrl) -> Result<bool, DownloadError> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Tried => Ok(true),
            State::Refuses(offered, since) if since.elapsed() < REFUSAL_HOLDS => Err(self.refusal(url, offered)),
            State::Untried | State::Refuses(..) => Ok(false),
        }
    }

    fn refusal(&self, url: &RedactedUrl, offered: &[String]) -> DownloadError {
        DownloadError::ProxyAuthentication {
            url: url.clone(),
            proxy: self.shown.clone(),
            is_authorized: self.is_authorized,
            offered: offered.to_vec(),
        }
    }
}

impl ProxyPermit {
    /// The proxy's address, as messages show it.
    pub(super) fn proxy(&self) -> RedactedUrl {
        self.proxy.shown.clone()
    }

    /// Notes what became of the request. If the proxy refused it, that is the error.
    pub(super) fn settle(
        self,
        url: &RedactedUrl,
        response: Result<&reqwest::Response, &reqwest::Error>,
    ) -> Result<(), DownloadError> {
        let offered = match response {
            Ok(response) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Some(offered(response.headers()))
            }
            // The headers of an answer to CONNECT are not handed on.
            Err(error) if is_tunnel_refused(error) => Some(Vec::new()),
            _ => None,
        };
        if let Some(offered) = offered {
            let error = self.proxy.refusal(url, &offered);
            *self.proxy.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Refuses(offered, Instant::now());
            return Err(error);
        }
        self.mark_tried();
        Ok(())
    }

    /// Notes that the proxy did not refuse it.
    pub(super) fn mark_tried(self) {
        if self.first.is_some() {
            *self.proxy.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Tried;
        }
    }
}

/// Whether a proxy answered CONNECT with 407. The type of that error is not public; its text is checked by a test.
fn is_tunnel_refused(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if error.to_string() == "tunnel error: proxy authorization required" {
            return true;
        }
        next = error.source();
    }
    false
}

/// The names of the ways to authenticate: `Basic realm="x", NTLM` → `Basic`, `NTLM`.
fn offered(headers: &HeaderMap) -> Vec<String> {
    let mut offered: Vec<String> = Vec::new();
    let values = headers.get_all(PROXY_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    for challenge in values.flat_map(|value| value.split(',')) {
        let word = challenge.split_whitespace().next().unwrap_or_default();
        let is_name = !word.is_empty()
            && word.len() <= 32
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_name && offered.len() < LISTED && !offered.iter().any(|known| known == word) {
            offered.push(word.to_owned());
        }
    }
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_authenticate_are_named_each_once() {
        let mut headers = HeaderMap::new();
        for value in ["Negotiate", "NTLM", "Basic realm=\"a, b\", NTLM", "\u{7f}"] {
            if let Ok(value) = value.parse() {
                headers.append(PROXY_AUTHENTICATE, value);
            }
        }
        assert_eq!(offered(&headers), ["Negotiate", "NTLM", "Basic"]);
    }

    #[test]
    fn only_what_goes_through_a_proxy_has_one() {
        let proxy: Url = "http://proxy.example:3128/".parse().unwrap();
        let settings = ClientSettings {
            https_proxy: Some(proxy),
            no_proxy: Some("inside.example".to_owned()),
            ..ClientSettings::default()
        };
        let proxies = Proxies::from_settings(&settings);
        let has_one = |url: &str| proxies.for_url(&url.parse().unwrap()).is_some();
        assert!(has_one("https://registry.example/a"));
        assert!(!has_one("http://registry.example/a"));
        assert!(!has_one("https://a.inside.example/a"));
    }
}
