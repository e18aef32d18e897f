//! The proxy's requests: `CONNECT`, and requests for whole addresses.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::Authority as HostPort},
    response::Response,
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, task::spawn_blocking};
use url::Url;

use super::{
    answer::{file, refusal, with_reason},
    authority::Authority,
    beyond::Beyond,
    opened,
    password::Password,
    source::{Answer, Source},
    tally::Tally,
};
use crate::{
    core::{error_chain::chain, redacted::redact},
    http::{Connection, end_to_end},
    loopback::Service,
};

/// What all connections share.
pub(super) struct Shared {
    pub(super) source: Box<dyn Source>,
    pub(super) beyond: Beyond,
    pub(super) authority: Authority,
    pub(super) password: Password,
    pub(super) tally: Tally,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("beyond", &self.beyond).finish_non_exhaustive()
    }
}

/// Answers requests.
pub(super) struct ProxyService(pub(super) Arc<Shared>);

impl Service for ProxyService {
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Response {
        let shared = Arc::clone(&self.0);
        if !shared.password.is_in(request.headers()) {
            let mut response =
                with_reason(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "this proxy is for one run's command only");
            let basic = HeaderValue::from_static("Basic realm=\"larder\"");
            response.headers_mut().insert(header::PROXY_AUTHENTICATE, basic);
            return response;
        }
        if request.method() == Method::CONNECT {
            return connect(shared, request).await;
        }
        match absolute(request.uri()) {
            Some(url) => answer(&shared, url, request).await,
            None => with_reason(StatusCode::BAD_REQUEST, "this is a proxy: it answers requests for whole addresses"),
        }
    }

    fn to_stranger(&self) -> Response {
        with_reason(StatusCode::FORBIDDEN, "this proxy answers to the user that started it only")
    }
}

/// The address of a request to a proxy in plain HTTP.
fn absolute(uri: &Uri) -> Option<Url> {
    let is_http = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    let url = Url::parse(&uri.to_string()).ok().filter(|_| is_http)?;
    (url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Opens a tunnel, or what looks like one.
async fn connect(shared: Arc<Shared>, request: Request<Incoming>) -> Response {
    let Some(host_port) = request.uri().authority().cloned() else {
        return with_reason(StatusCode::BAD_REQUEST, "CONNECT takes a host and a port");
    };
    let (host, port) = (bare_host(&host_port), host_port.port_u16().unwrap_or(443));
    let tunnel = match &shared.beyond {
        Beyond::PassOn { tunnels, .. } if !shared.source.knows_host(&host, port) => {
            match tunnels.connect(&host, port).await {
                Ok(tunnel) => Some(tunnel),
                Err(error) => return with_reason(StatusCode::BAD_GATEWAY, &chain(&error).join(": ")),
            }
        }
        _ => None,
    };
    tokio::spawn(async move {
        let upgraded = match hyper::upgrade::on(request).await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return tracing::debug!(%error, "a client goes without using its tunnel"),
        };
        match tunnel {
            Some(tunnel) => pass(upgraded, tunnel).await,
            None => opened::converse(shared, upgraded, host, port).await,
        }
    });
    Response::new(Body::empty())
}

/// Passes bytes both ways until both ends are done.
async fn pass(mut client: TokioIo<hyper::upgrade::Upgraded>, mut tunnel: Box<dyn Connection>) {
    if let Err(error) = copy_bidirectional(&mut client, &mut tunnel).await {
        tracing::debug!(%error, "a tunnel ends early");
    }
}

/// The host without brackets, in small letters.
fn bare_host(host_port: &HostPort) -> String {
    host_port.host().trim_matches(['[', ']']).to_ascii_lowercase()
}

/// Answers a request for an address, whichever way it came.
pub(super) async fn answer(shared: &Arc<Shared>, url: Url, request: Request<Incoming>) -> Response {
    let known = if matches!(*request.method(), Method::GET | Method::HEAD) {
        let (asked, address) = (Arc::clone(shared), url.clone());
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let answered = spawn_blocking(move || match asked.source.answer(&address) {
            Answer::File(found) => Ok(file(found, &method, &headers)),
            Answer::Absent(status) => Ok(with_reason(
                StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND),
                "not there when it was recorded",
            )),
            Answer::Refused(why) => Err(Some(why)),
            Answer::Unknown => Err(None),
        });
        answered.await.unwrap_or_else(|error| {
            tracing::debug!(%error, "a request was not answered");
            Err(Some("larder could not answer; its standard error says why".to_owned()))
        })
    } else {
        Err(None)
    };
    match (known, &shared.beyond) {
        (Ok(response), _) => response,
        (Err(None), Beyond::PassOn { .. }) => pass_on(shared, &url, request).await,
        (Err(None), Beyond::Refuse(why)) => refuse(shared, &url, why),
        (Err(Some(why)), _) => refuse(shared, &url, &why),
    }
}

fn refuse(shared: &Shared, url: &Url, why: &str) -> Response {
    shared.tally.refused(&redact(url), why);
    refusal(why)
}

/// Passes a request on to the server that it is for.
async fn pass_on(shared: &Shared, url: &Url, request: Request<Incoming>) -> Response {
    let Beyond::PassOn { client, .. } = &shared.beyond else { unreachable!("nothing is passed on offline") };
    if request.headers().contains_key(header::UPGRADE) {
        return with_reason(StatusCode::NOT_IMPLEMENTED, "larder's proxy passes on no other protocol on this host");
    }
    let (parts, body) = request.into_parts();
    match client.forward(parts.method, url, &parts.headers, body).await {
        Ok(response) => {
            let (mut parts, body) = axum::http::Response::from(response).into_parts();
            parts.headers = end_to_end(&parts.headers);
            Response::from_parts(parts, Body::new(body))
        }
        Err(error) => with_reason(StatusCode::BAD_GATEWAY, &chain(&error).join(": ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_address_in_plain_http_is_one() {
        let read = |text: &str| absolute(&text.parse().unwrap()).map(|url| url.to_string());
        assert_eq!(read("http://files.example/a?b").as_deref(), Some("http://files.example/a?b"));
        for text in ["/a", "https://files.example/a", "http://user@files.example/a", "files.example:80"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
