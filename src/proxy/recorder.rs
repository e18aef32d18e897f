//! What is told of the requests that the proxy passes on: [`Recorder`] is told, [`Watched`] looks.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::http::{HeaderMap, HeaderName, Method, Request, header, response::Parts};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use larder_store::digest::{Algorithm, Digest, Hasher};
use url::Url;

use crate::core::recorded_url::names_secret;

/// Bytes of a body that are kept for whoever is told.
const LONGEST_KEPT: usize = 64 << 10;

/// Parts of the names of headers that say who asks, beside those that [`names_secret`] knows.
const SECRETS: [&str; 3] = ["auth", "cookie", "art-api"];

/// A request that was passed on, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The address.
    pub(crate) url: Url,
    /// The method.
    pub(crate) method: Method,
    /// Whether a header says who asks.
    pub(crate) has_secrets: bool,
    /// The status.
    pub(crate) status: u16,
    /// `Location`, as text.
    pub(crate) location: Option<String>,
    /// `Content-Type`, as text.
    pub(crate) content_type: Option<String>,
    /// Whether the server says that nobody may keep the answer, or nobody but who asked.
    pub(crate) is_for_nobody_else: bool,
    /// Whether the body came in another encoding than its own.
    pub(crate) is_encoded: bool,
    /// The server's address; `None` behind a proxy.
    pub(crate) address: Option<IpAddr>,
    /// The body.
    pub(crate) body: SeenBody,
    /// The environment of the program that asked, as [`Caller::environment`](crate::loopback::Caller::environment) has it.
    pub(crate) environment: Option<Arc<[u8]>>,
}

/// What came of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeenBody {
    /// All of it.
    Whole {
        /// Its digest.
        sha256: Digest,
        /// Its length, bytes.
        size: u64,
        /// The bytes, if they are few enough: 64 KiB.
        kept: Option<Box<[u8]>>,
    },
    /// It was not asked for.
    NotAsked,
    /// It ended early.
    Cut,
}

/// Is told what the proxy passes on.
pub(crate) trait Recorder: Send + Sync {
    /// This was asked and answered.
    fn passed_on(&self, exchange: Exchange);
    /// Of this address or host nobody saw an answer, for this reason.
    fn unseen(&self, what: &str, why: &str);
}

/// What is known of a request before it is answered.
pub(super) struct Watched {
    recorder: Arc<dyn Recorder>,
    exchange: Exchange,
}

impl Watched {
    pub(super) fn new(
        recorder: &Arc<dyn Recorder>,
        url: &Url,
        request: &Request<Incoming>,
        environment: Option<Arc<[u8]>>,
    ) -> Self {
        let headers = request.headers();
        let exchange = Exchange {
            url: url.clone(),
            method: request.method().clone(),
            has_secrets: headers.keys().any(says_who_asks),
            status: 0,
            location: None,
            content_type: None,
            is_encoded: false,
            is_for_nobody_else: false,
            address: None,
            body: SeenBody::Cut,
            environment,
        };
        Self { recorder: Arc::clone(recorder), exchange }
    }

    /// The body of the answer, which is looked at as it passes.
    pub(super) fn body(mut self, parts: &Parts, address: Option<IpAddr>, body: Incoming) -> WatchedBody {
        let headers = &parts.headers;
        let exchange = &mut self.exchange;
        exchange.status = parts.status.as_u16();
        exchange.location = text(headers, &header::LOCATION);
        exchange.content_type = text(headers, &header::CONTENT_TYPE);
        exchange.is_encoded = text(headers, &header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
        let keeping = text(headers, &header::CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
        exchange.is_for_nobody_else = ["no-store", "private"].iter().any(|word| keeping.contains(word));
        exchange.address = address;
        let is_asked = exchange.method != Method::HEAD;
        let mut watched = WatchedBody {
            watched: Some(self),
            hasher: Some(Hasher::new([Algorithm::Sha256])),
            size: 0,
            kept: Some(Vec::new()),
            inner: body,
        };
        if !is_asked {
            watched.tell(SeenBody::NotAsked);
        } else if watched.inner.is_end_stream() {
            // It is not read any more.
            watched.tell_whole();
        }
        watched
    }
}

/// A body that is looked at as it passes. Whoever is told is told once: when it has ended, or when nobody wants the rest.
pub(super) struct WatchedBody {
    watched: Option<Watched>,
    hasher: Option<Hasher>,
    size: u64,
    kept: Option<Vec<u8>>,
    inner: Incoming,
}

impl WatchedBody {
    fn see(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.size += bytes.len() as u64;
        match &mut self.kept {
            Some(kept) if kept.len() + bytes.len() <= LONGEST_KEPT => kept.extend_from_slice(bytes),
            kept => *kept = None,
        }
    }

    fn tell_whole(&mut self) {
        let Some(hasher) = self.hasher.take() else { return };
        let sha256 = hasher.finish().digests[0];
        let kept = self.kept.take().map(Vec::into_boxed_slice);
        self.tell(SeenBody::Whole { sha256, size: self.size, kept });
    }

    fn tell(&mut self, body: SeenBody) {
        if let Some(Watched { recorder, exchange }) = self.watched.take() {
            recorder.passed_on(Exchange { body, ..exchange });
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.see(bytes);
                }
                // Whoever serves it does not ask again for what has ended.
                if self.inner.is_end_stream() {
                    self.tell_whole();
                }
            }
            Some(Err(_)) => self.tell(SeenBody::Cut),
            None => self.tell_whole(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.tell(SeenBody::Cut);
    }
}

/// Whether a header says who asks. The proxy's own password is for nobody beyond it.
fn says_who_asks(name: &HeaderName) -> bool {
    let name = name.as_str();
    *name != header::PROXY_AUTHORIZATION && (names_secret(name) || SECRETS.iter().any(|part| name.contains(part)))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_say_who_asks_are_known_by_their_names() {
        for name in [
            "authorization",
            "cookie",
            "x-api-key",
            "private-token",
            "job-token",
            "x-jfrog-art-api",
            "x-auth-token",
            "x-vault-token",
            "x-amz-security-token",
            "api-key",
            "x-goog-signature",
        ] {
            assert!(says_who_asks(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["accept", "user-agent", "range", "x-requested-with", "proxy-authorization", "npm-session-id"] {
            assert!(!says_who_asks(&HeaderName::from_static(name)), "{name}");
        }
    }
}
