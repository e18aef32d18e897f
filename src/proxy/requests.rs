//! Requests for an address, whichever way they came: answered by the source, passed on, or refused.

use std::{fmt, sync::Arc};

use axum::{
    http::{Method, Request, StatusCode},
    response::Response,
};
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::{sync::Semaphore, task::spawn_blocking};
use url::Url;

use super::{
    answer::{file, refusal, with_reason},
    authority::Authority,
    beyond::Beyond,
    error::ProxyError,
    link::Link,
    pass_on::pass_on,
    password::Password,
    source::{Answer, Source},
    tally::Tally,
};
use crate::core::redacted::redact;

/// Requests that are answered at once: each on a thread that may block, and threads are left for the pieces of bodies.
const MOST_ANSWERED: usize = 384;

/// What all connections share.
pub(super) struct Shared {
    pub(super) source: Box<dyn Source>,
    pub(super) beyond: Beyond,
    pub(super) authority: Authority,
    pub(super) password: Password,
    pub(super) tally: Tally,
    pub(super) answered: Arc<Semaphore>,
}

impl Shared {
    /// With a new authority and a new password.
    pub(super) fn new(source: Box<dyn Source>, beyond: Beyond, now: Timestamp) -> Result<Arc<Self>, ProxyError> {
        let authority = Authority::new(now)?;
        let password = Password::new().map_err(ProxyError::Listen)?;
        let (tally, answered) = (Tally::default(), Arc::new(Semaphore::new(MOST_ANSWERED)));
        Ok(Arc::new(Self { source, beyond, authority, password, tally, answered }))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("beyond", &self.beyond).finish_non_exhaustive()
    }
}

/// Answers a request for an address, whichever way it came.
pub(super) async fn answer(shared: &Arc<Shared>, link: &Link, url: Url, request: Request<Incoming>) -> Response {
    let is_download = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = if is_download { known(shared, &url, request).await } else { Known::Nothing(Box::new(request)) };
    let request = match known {
        Known::Response(response) => return *response,
        Known::Refused(why) => {
            shared.tally.refused(&redact(&url), &why, true);
            return refusal(&why);
        }
        Known::Nothing(request) => *request,
    };
    match &shared.beyond {
        Beyond::PassOn(on) => {
            shared.tally.passed_on(redact(&url));
            pass_on(on, &shared.tally, link, &url, request).await
        }
        Beyond::Refuse(why) => {
            shared.tally.refused(&redact(&url), why, is_download);
            refusal(why)
        }
    }
}

/// What the source knows of an address.
enum Known {
    Response(Box<Response>),
    /// It cannot be had, for this reason.
    Refused(String),
    /// Nothing. The request again.
    Nothing(Box<Request<Incoming>>),
}

async fn known(shared: &Arc<Shared>, url: &Url, request: Request<Incoming>) -> Known {
    let turn = Arc::clone(&shared.answered).acquire_owned().await.expect("nobody closes it");
    let (asked, address) = (Arc::clone(shared), url.clone());
    let answered = spawn_blocking(move || {
        let is_head = *request.method() == Method::HEAD;
        let found = if is_head { asked.source.head(&address) } else { asked.source.answer(&address) };
        let known = match found {
            Answer::File(found) => Known::Response(Box::new(file(found, request.method(), request.headers()))),
            Answer::Absent(status) => Known::Response(Box::new(with_reason(
                StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND),
                "not there when it was recorded",
            ))),
            Answer::Refused(why) => Known::Refused(why),
            Answer::Unknown => Known::Nothing(Box::new(request)),
        };
        drop(turn);
        known
    });
    answered.await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a request was not answered");
        Known::Refused("larder could not answer; its standard error says why".to_owned())
    })
}
