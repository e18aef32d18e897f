//! Requests that are passed on to the server that they are for, and what the recorder is told of them.

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, Response as HttpResponse, StatusCode, header},
    response::Response,
};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use url::Url;

use super::{
    answer::with_reason,
    beyond::PassOn,
    link::{Link, end_to_end},
    recorder::Watched,
    tally::Tally,
};
use crate::core::{error_chain::chain, redacted::redact};

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
pub(super) async fn to_this_machine(link: &Link, mut request: Request<Incoming>) -> Response {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    let client = is_upgrade.then(|| hyper::upgrade::on(&mut request));
    *request.headers_mut() = end_to_end(request.headers(), is_upgrade);
    match link.send(None, request).await {
        Ok((response, _)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => switch(client, response),
        Ok((response, _)) => {
            let (mut parts, body) = response.into_parts();
            parts.headers = end_to_end(&parts.headers, false);
            Response::from_parts(parts, Body::new(body))
        }
        Err(error) => with_reason(StatusCode::BAD_GATEWAY, &chain(&error).join(": ")),
    }
}

/// Passes a request on. Of an error, the client is told with status 502.
pub(super) async fn pass_on(
    on: &PassOn,
    tally: &Tally,
    link: &Link,
    url: &Url,
    mut request: Request<Incoming>,
) -> Response {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    let watched = match &on.recorder {
        Some(recorder) => Some(Watched::new(recorder, url, &request, link.environment().await)),
        None => None,
    };
    let client = is_upgrade.then(|| hyper::upgrade::on(&mut request));
    *request.headers_mut() = end_to_end(request.headers(), is_upgrade);
    if watched.is_some() && matches!(*request.method(), Method::GET | Method::HEAD) && !is_upgrade {
        for name in PARTIAL {
            request.headers_mut().remove(name);
        }
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    match link.send(Some(&on.upstream), request).await {
        Ok((response, _)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            tell(on, url, "it changes the protocol of the connection");
            switch(client, response)
        }
        Ok((response, address)) => {
            let (mut parts, body) = response.into_parts();
            let body = match watched {
                Some(watched) => Body::new(watched.body(&parts, address, body)),
                None => Body::new(body),
            };
            parts.headers = end_to_end(&parts.headers, false);
            Response::from_parts(parts, body)
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
