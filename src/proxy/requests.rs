//! Requests for an address, whichever way they came: answered by the source, or refused.

use std::{fmt, sync::Arc};

use axum::{
    http::{Method, Request, StatusCode},
    response::Response,
};
use hyper::body::Incoming;
use tokio::{sync::Semaphore, task::spawn_blocking};
use url::Url;

use super::{
    answer::{file, refusal, with_reason},
    authority::Authority,
    password::Password,
    source::{Answer, Source},
    tally::Tally,
};
use crate::core::redacted::redact;

/// Requests that are answered at once: each on a thread that may block, and threads are left for the pieces of bodies.
pub(super) const MOST_ANSWERED: usize = 384;

/// What all connections share.
pub(super) struct Shared {
    pub(super) source: Box<dyn Source>,
    /// Why what the source does not know is refused.
    pub(super) why: &'static str,
    pub(super) authority: Authority,
    pub(super) password: Password,
    pub(super) tally: Tally,
    pub(super) answered: Arc<Semaphore>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("why", &self.why).finish_non_exhaustive()
    }
}

/// Answers a request for an address, whichever way it came.
pub(super) async fn answer(shared: &Arc<Shared>, url: Url, request: Request<Incoming>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        shared.tally.refused(&redact(&url), shared.why, false);
        return refusal(shared.why);
    }
    let turn = Arc::clone(&shared.answered).acquire_owned().await.expect("nobody closes it");
    let (asked, address) = (Arc::clone(shared), url.clone());
    let answered = spawn_blocking(move || {
        let is_head = *request.method() == Method::HEAD;
        let found = if is_head { asked.source.head(&address) } else { asked.source.answer(&address) };
        let answered = match found {
            Answer::File(found) => Ok(file(found, request.method(), request.headers())),
            Answer::Absent(status) => Ok(with_reason(
                StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND),
                "not there when it was recorded",
            )),
            Answer::Refused(why) => Err(why),
            Answer::Unknown => Err(asked.why.to_owned()),
        };
        drop(turn);
        answered
    });
    let answered = answered.await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a request was not answered");
        Err("larder could not answer; its standard error says why".to_owned())
    });
    answered.unwrap_or_else(|why| {
        shared.tally.refused(&redact(&url), &why, true);
        refusal(&why)
    })
}
