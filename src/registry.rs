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
//! connections ── peer_uid: is it my own user? ── route: path → what is asked ── handlers: → response ── body: a verified blob
//!      └ write_timeout                                                              └ upstream: fetch what the store lacks
//! ```
//!
//! It listens on 127.0.0.1 only and accepts only the host names `127.0.0.1` and `localhost`, which prevents DNS rebinding by a page in a browser. It answers only its
//! own user, if the system states the owner of a connection. It verifies a blob before it sends the first byte. It fetches what the store lacks and keeps it, unless
//! requests are forbidden. URLs that it serves have no query string, unless the lockfile identifies a tarball only by its query.
//!
//! The user check is the only access control; there is no token. A token protects only if every client must send it. npm's and pnpm's tokens are in variables that
//! shells drop, yarn sends one only if it is configured for every registry, and npm drops a path with a secret in it when it replaces a host.

mod body;
mod connections;
mod folders;
mod handlers;
mod peer_uid;
mod route;
mod state;
mod upstream;
mod write_timeout;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, runtime::Runtime};

use self::{connections::Server, peer_uid::PeerCheck};
pub(crate) use self::{
    state::RegistryState,
    upstream::{PyodideFolder, Upstream},
};

/// A registry that runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct Registry {
    address: SocketAddr,
    peer_check: PeerCheck,
    runtime: Option<Runtime>,
}

impl Registry {
    /// Starts serving on this port of 127.0.0.1; 0 takes a free one.
    pub(crate) fn start(state: RegistryState, port: u16) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(connections::THREADS)
            .thread_name("larder-registry")
            .enable_io()
            .enable_time()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        let peer_check = PeerCheck::of(address);
        runtime.spawn(connections::serve(listener, Arc::new(Server::new(state, address, peer_check))));
        Ok(Self { address, peer_check, runtime: Some(runtime) })
    }

    /// Whether the registry can tell its own user's connections from others. Where it cannot, it answers every user of the machine.
    pub(crate) fn checks_users(&self) -> bool {
        self.peer_check == PeerCheck::Available
    }

    /// Its address: `http://127.0.0.1:<port>/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
