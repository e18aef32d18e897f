//! [`Service`]: what a server is for, and the [`Place`] that its requests' connections take.

use std::sync::Arc;

use axum::{http::Request, response::Response};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

/// A connection's place among those that may be there at once. Each request has it in its extensions: whoever goes on with the connection after an upgrade keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "it is kept, and nobody asks it anything")] pub(super) Arc<OwnedSemaphorePermit>,
);

/// What answers the requests of a server.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers a request of the server's own user. A body that is not read is thrown away.
    fn respond(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Response> + Send;
    /// The response to every request of another user.
    fn to_stranger(&self) -> Response;
}
