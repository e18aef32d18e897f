//! The proxy's requests: `CONNECT`, and requests for whole addresses.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::Authority as HostPort},
    response::Response,
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use url::Url;

use super::{
    answer::with_reason,
    beyond::Beyond,
    opened,
    requests::{Shared, answer},
};
use crate::{core::error_chain::chain, http::Connection, loopback::Service};

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
