//! [`Service`]: what a server is for.

use std::sync::Arc;

use axum::{http::Request, response::Response};
use hyper::body::Incoming;

/// What answers the requests of a server.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers a request of the server's own user. A body that is not read is thrown away.
    fn respond(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Response> + Send;
    /// The response to every request of another user.
    fn to_stranger(&self) -> Response;
}
