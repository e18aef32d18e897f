//! The proxy's connections: `CONNECT`, and requests for whole addresses.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::Authority as HostPort},
    response::Response,
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::{
    answer::with_reason,
    beyond::Beyond,
    link::{Link, this_machine},
    opened,
    pass_on::to_this_machine,
    requests::{Shared, answer},
};
use crate::{
    core::{error_chain::chain, recorded_url::has_public_host},
    http::Connection,
    loopback::{Caller, Place, Service},
};

/// Answers requests.
pub(super) struct ProxyService(pub(super) Arc<Shared>);

impl Service for ProxyService {
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Response {
        let shared = Arc::clone(&self.0);
        let caller = request.extensions().get::<Caller>().copied();
        let has_password = shared.password.is_in(request.headers());
        if request.method() == Method::CONNECT {
            // Some browsers leave the password out. What they get is what they have without a proxy.
            let is_own = caller.is_some_and(Caller::is_checked);
            return match (has_password, &shared.beyond) {
                (true, _) => connect(shared, request, caller, true).await,
                (false, Beyond::PassOn(_)) if is_own => connect(shared, request, caller, false).await,
                (false, _) => unauthorized(),
            };
        }
        match absolute(request.uri()) {
            _ if !has_password => unauthorized(),
            Some(url) => {
                let link = Link::to("http", &url, caller);
                // As without a proxy: some programs read no exceptions.
                if link.this_machine().is_some() && !shared.source.has_host(&link.host, link.port) {
                    return to_this_machine(&link, request).await;
                }
                answer(&shared, &link, url, request).await
            }
            None => with_reason(StatusCode::BAD_REQUEST, "this is a proxy: it answers requests for whole addresses"),
        }
    }

    fn to_stranger(&self) -> Response {
        with_reason(StatusCode::FORBIDDEN, "this proxy answers to the user that started it only")
    }
}

fn unauthorized() -> Response {
    let mut response =
        with_reason(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "this proxy is for one run's command only");
    let basic = HeaderValue::from_static("Basic realm=\"larder\"");
    response.headers_mut().insert(header::PROXY_AUTHENTICATE, basic);
    response
}

/// The address of a request to a proxy in plain HTTP.
pub(super) fn absolute(uri: &Uri) -> Option<Url> {
    let is_http = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    let url = Url::parse(&uri.to_string()).ok().filter(|_| is_http)?;
    (url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Opens what looks like a tunnel, if it may be opened. To this machine it is one, and, with a network, to hosts of which nothing is known.
pub(super) async fn connect(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    caller: Option<Caller>,
    may_open: bool,
) -> Response {
    let Some(host_port) = request.uri().authority().cloned() else {
        return with_reason(StatusCode::BAD_REQUEST, "CONNECT takes a host and a port");
    };
    let (host, port) = (bare_host(&host_port), host_port.port_u16().unwrap_or(443));
    let tunnel = match way(&shared, &host, port, may_open).await {
        Ok(tunnel) => tunnel,
        Err(error) => return with_reason(StatusCode::BAD_GATEWAY, &format!("{host_port}: {error}")),
    };
    // Kept as long as the connection: it counts until then.
    let place = request.extensions().get::<Place>().cloned();
    tokio::spawn(async move {
        let upgraded = match hyper::upgrade::on(request).await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return tracing::debug!(%error, "a client goes without using its tunnel"),
        };
        match tunnel {
            Some(tunnel) => opened::pass(upgraded, &[], tunnel).await,
            None => opened::converse(shared, upgraded, Link::new("https", host, port, caller)).await,
        }
        drop(place);
    });
    Response::new(Body::empty())
}

/// The tunnel to a host, or nothing, if the connection is to be opened.
async fn way(shared: &Shared, host: &str, port: u16, may_open: bool) -> Result<Option<Box<dyn Connection>>, io::Error> {
    if let Some(address) = this_machine(host) {
        return Ok(Some(Box::new(TcpStream::connect((address, port)).await?)));
    }
    let Beyond::PassOn(on) = &shared.beyond else { return Ok(None) };
    let is_public = Url::parse(&format!("https://{host}/")).is_ok_and(|url| has_public_host(&url));
    let why = match &on.recorder {
        _ if !may_open => "its program did not give the proxy's password",
        _ if shared.tally.is_unopenable(host) => {
            "its program does not accept the certificate of this run, or larder that of the server"
        }
        Some(_) if !is_public => "it is no public host",
        None if !shared.source.has_host(host, port) => "",
        _ => return Ok(None),
    };
    shared.tally.passed_on(format!("{host}:{port}"));
    if let Some(recorder) = &on.recorder {
        recorder.unseen(host, &format!("passed through unseen: {why}"));
    }
    let tunnel = on.upstream.tunnel(host, port).await;
    tunnel.map(|tunnel| Some(tunnel.stream)).map_err(|error| io::Error::other(chain(&error).join(": ")))
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
