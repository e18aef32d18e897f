//! Requests that are passed on to the server that they are for, and what the recorder is told of them.

use std::net::IpAddr;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response as HttpResponse, StatusCode, header, response::Parts},
    response::Response,
};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use url::Url;

use super::{
    answer::with_reason,
    beyond::PassOn,
    link::{Link, LinkError, end_to_end},
    recorder::Watched,
    tally::Tally,
};
use crate::{
    core::{error_chain::chain, redacted::redact},
    http::Upstream,
};

/// Headers by which a server leaves a part of the file, or all of it, out. Whoever is told what was downloaded needs all.
const PARTIAL: [header::HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

/// Passes a request in plain HTTP on to this machine.
pub(super) async fn to_this_machine(link: &Link, request: Request<Incoming>) -> Response {
    let passed = forward(link, None, request, |_| {}, |_, _, body| Body::new(body)).await;
    passed.unwrap_or_else(|error| with_reason(StatusCode::BAD_GATEWAY, &chain(&error).join(": ")))
}

/// Passes a request on. Of an error, the client is told with status 502.
pub(super) async fn pass_on(
    on: &PassOn,
    tally: &Tally,
    link: &Link,
    url: &Url,
    request: Request<Incoming>,
) -> Response {
    let watched = match &on.recorder {
        Some(recorder) => Some(Watched::new(recorder, url, &request, link.environment().await)),
        None => None,
    };
    let is_download = matches!(*request.method(), Method::GET | Method::HEAD);
    let asks_for_all = watched.is_some() && is_download && !request.headers().contains_key(header::UPGRADE);
    let prepare = |headers: &mut HeaderMap| {
        if asks_for_all {
            for name in PARTIAL {
                headers.remove(name);
            }
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
    };
    let watch = |parts: &Parts, address, body| match watched {
        Some(watched) => Body::new(watched.body(parts, address, body)),
        None => Body::new(body),
    };
    match forward(link, Some(&on.upstream), request, prepare, watch).await {
        Ok(response) => {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                tell(on, url, "it changes the protocol of the connection");
            }
            response
        }
        Err(error) => {
            let why = chain(&error).join(": ");
            if error.is_unverified() {
                tally.unverified(&link.host, &why);
            }
            tell(on, url, &format!("it could not be asked: {why}"));
            with_reason(StatusCode::BAD_GATEWAY, &why)
        }
    }
}

/// Sends a request without the headers of its connection, and gives the answer so, too.
async fn forward(
    link: &Link,
    upstream: Option<&Upstream>,
    mut request: Request<Incoming>,
    prepare: impl FnOnce(&mut HeaderMap),
    make_body: impl FnOnce(&Parts, Option<IpAddr>, Incoming) -> Body,
) -> Result<Response, LinkError> {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    let client = is_upgrade.then(|| hyper::upgrade::on(&mut request));
    *request.headers_mut() = end_to_end(request.headers(), is_upgrade);
    prepare(request.headers_mut());
    let (response, address) = link.send(upstream, request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(switch(client, response));
    }
    let (mut parts, body) = response.into_parts();
    let body = make_body(&parts, address, body);
    parts.headers = end_to_end(&parts.headers, false);
    Ok(Response::from_parts(parts, body))
}

fn tell(on: &PassOn, url: &Url, why: &str) {
    if let Some(recorder) = &on.recorder {
        recorder.unseen(&redact(url), why);
    }
}

/// From here on both ends speak another protocol.
fn switch(client: Option<OnUpgrade>, mut response: HttpResponse<Incoming>) -> Response {
    let Some(client) = client else {
        return with_reason(StatusCode::BAD_GATEWAY, "the server changes the protocol, and nobody asked it to");
    };
    let server = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        let (Ok(client), Ok(server)) = (client.await, server.await) else { return };
        if let Err(error) = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(server)).await {
            tracing::debug!(%error, "a connection of another protocol ends early");
        }
    });
    let (mut parts, _) = response.into_parts();
    parts.headers = end_to_end(&parts.headers, true);
    Response::from_parts(parts, Body::empty())
}
