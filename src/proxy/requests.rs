//! Requests for an address, whichever way they came: from the source, passed on, or refused.

use std::{fmt, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use hyper::body::Incoming;
use tokio::task::spawn_blocking;
use url::Url;

use super::{
    answer::{file, refusal, with_reason},
    authority::Authority,
    beyond::Beyond,
    password::Password,
    source::{Answer, Source},
    tally::Tally,
};
use crate::{
    core::{error_chain::chain, redacted::redact},
    http::end_to_end,
};

/// What all connections share.
pub(super) struct Shared {
    pub(super) source: Box<dyn Source>,
    pub(super) beyond: Beyond,
    pub(super) authority: Authority,
    pub(super) password: Password,
    pub(super) tally: Tally,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("beyond", &self.beyond).finish_non_exhaustive()
    }
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
