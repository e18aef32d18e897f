//! A registry on loopback, behind `larder run` and `larder serve`: a pull-through cache over a plan. It serves the plan's artifacts and nothing else.
//!
//! ```text
//! GET /<name>, /@scope/name, /@scope%2fname     the packument, of the versions that the lockfiles name
//! GET /<name>/<version or latest>               one version's description
//! GET /<name>/-/<file>.tgz                      a tarball, also at the path that the lockfile's address has
//! GET /-/ping                                   {}
//! GET /-/pyodide/<file>                         the folder that Pyodide loads from, as `larder view pyodide` makes it
//! GET /-/python/simple/…, /-/python/<wheel>     the wheels and their index, as `larder view wheels` makes them
//! ```
//!
//! `-` is no package's name, so nothing below it can hide one.
//!
//! ```text
//! a request of the own user (loopback) ── route: path → what is asked ── handlers: → response, a verified blob
//!                                                                             └ upstream: fetch what the store lacks
//! ```
//!
//! It listens on 127.0.0.1 only and accepts only the host names `127.0.0.1` and `localhost`, which prevents DNS rebinding by a page in a browser. It answers only its
//! own user, if the system states the owner of a connection. It verifies a blob before it sends the first byte. It fetches what the store lacks and keeps it, unless
//! requests are forbidden. URLs that it serves have no query string, unless the lockfile identifies a tarball only by its query.
//!
//! The user check is the only access control; there is no token. A token protects only if every client must send it. npm's and pnpm's tokens are in variables that
//! shells drop, yarn sends one only if it is configured for every registry, and npm drops a path with a secret in it when it replaces a host.

mod folders;
mod handlers;
mod route;
mod state;
mod upstream;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{http::Request, response::Response};
use hyper::body::Incoming;
use tokio::{sync::Semaphore, task::spawn_blocking};

pub(crate) use self::{
    state::RegistryState,
    upstream::{PyodideFolder, Upstream},
};
use crate::loopback::{LoopbackServer, Service};

/// Requests that are handled at once: each is handled on a thread that may block, and threads are left for the pieces of bodies.
const MOST_HANDLED: usize = 384;

/// A registry that runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct Registry(LoopbackServer);

impl Registry {
    /// Starts serving on this port of 127.0.0.1; 0 takes a free one.
    pub(crate) fn start(state: RegistryState, port: u16) -> io::Result<Self> {
        let handled = Semaphore::new(MOST_HANDLED);
        let service = |address| RegistryService { state: Arc::new(state), address, handled: Arc::new(handled) };
        Ok(Self(LoopbackServer::start(port, "larder-registry", service)?))
    }

    /// Whether the registry can tell its own user's connections from others. Where it cannot, it answers every user of the machine.
    pub(crate) fn checks_users(&self) -> bool {
        self.0.checks_users()
    }

    /// Its address: `http://127.0.0.1:<port>/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.0.address())
    }
}

struct RegistryService {
    state: Arc<RegistryState>,
    address: SocketAddr,
    handled: Arc<Semaphore>,
}

impl Service for RegistryService {
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Response {
        let (parts, _) = request.into_parts();
        let turn = Arc::clone(&self.handled).acquire_owned().await.expect("nobody closes it");
        let handled = spawn_blocking(move || {
            let response = handlers::handle(&self.state, self.address, &parts);
            drop(turn);
            response
        });
        handled.await.unwrap_or_else(|error| {
            tracing::debug!(%error, "a request was not answered");
            handlers::failed("larder could not answer; its standard error says why")
        })
    }

    fn to_stranger(&self) -> Response {
        handlers::to_stranger()
    }
}
