//! Servers on 127.0.0.1 for one user: what the registry and the proxy have in common.
//!
//! ```text
//! connections: accept, limit ── peer_uid: is it my own user? ── HTTP/1.1 ── the service's response
//!      └ write_timeout              └ caller: which program          └ blob_body: a verified blob
//! ```
//!
//! A server answers its own user only, if the system states the owner of a connection.

mod blob_body;
mod caller;
mod connections;
mod peer_uid;
mod service;
mod write_timeout;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, runtime::Runtime};

pub(crate) use self::{
    blob_body::CheckedBlob,
    caller::Caller,
    connections::{PAUSE, THREADS},
    service::{Place, Service},
};
use self::{connections::Connections, peer_uid::PeerCheck};

/// A server that runs until this value is dropped.
#[derive(Debug)]
pub(crate) struct LoopbackServer {
    address: SocketAddr,
    peer_check: PeerCheck,
    runtime: Option<Runtime>,
}

impl LoopbackServer {
    /// Starts serving on this port of 127.0.0.1; 0 takes a free one. The service is made for the address. `threads` name its threads.
    pub(crate) fn start<S: Service>(
        port: u16,
        threads: &str,
        service: impl FnOnce(SocketAddr) -> S,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(connections::THREADS)
            .thread_name(threads)
            .enable_io()
            .enable_time()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        let peer_check = PeerCheck::of(address);
        let connections = Connections::new(Arc::new(service(address)), address, peer_check);
        runtime.spawn(connections::serve(listener, Arc::new(connections)));
        Ok(Self { address, peer_check, runtime: Some(runtime) })
    }

    /// Whether the server can tell its own user's connections from others. Where it cannot, it answers every user of the machine.
    pub(crate) fn checks_users(&self) -> bool {
        self.peer_check == PeerCheck::Available
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
