//! A registry on loopback that serves a plan's artifacts and nothing else, behind `larder run` and `larder serve`.
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
//! It listens on 127.0.0.1 alone, answers only to that name (a page in a browser that was led here by its own host's name gets nothing), and only to its own user, as far as the system says who asks. A blob is read and
//! checked before its first byte leaves. What is not in the store is fetched through and kept, where requests may be made.

mod answer;
pub mod asked;
mod body;
mod connections;
mod folders;
mod patience;
mod peer;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use larder_store::{Store, look_up::Found};
use tokio::{net::TcpListener, runtime::Runtime};

use self::{asked::Paths, connections::Server, folders::Folders, peer::Peers};
use crate::{
    core::{artifact::Artifact, layout::Layout},
    npm::metadata::Metadata,
    plan::EntryName,
};

/// What a registry asks of the rest of larder. Called on threads that may block.
pub trait Backing: Send + Sync {
    /// Sees to it that an artifact of the plan is in the store; in words, why it cannot be had. Entries of several projects may have the same name.
    fn fetch(&self, artifact: &Artifact, entry: &EntryName) -> Result<Found, String>;
    /// The files of one of Pyodide's folders, all of which are in the store; in words, why there is none.
    fn folder(&self, which: PyodideFolder) -> Result<Layout, String>;
    /// Takes note of a request that was refused, and why.
    fn refused(&self, request: &str, why: &str);
}

/// A folder that is served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PyodideFolder {
    /// What Pyodide loads from.
    Pyodide,
    /// Wheels and their index.
    Wheels,
}

/// What a registry serves.
pub struct Shelves {
    store: Store,
    catalog: RwLock<Metadata>,
    paths: Paths,
    folders: Folders,
    backing: Box<dyn Backing>,
}

impl fmt::Debug for Shelves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelves").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Shelves {
    /// Shelves with this catalog.
    pub fn new(store: Store, catalog: Metadata, backing: Box<dyn Backing>) -> Self {
        let paths = Paths::of(catalog.versions());
        Self { store, catalog: RwLock::new(catalog), paths, folders: Folders::default(), backing }
    }

    fn catalog(&self) -> RwLockReadGuard<'_, Metadata> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Metadata> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registry that runs until this value goes.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    peers: Peers,
    runtime: Option<Runtime>,
}

impl Registry {
    /// Starts serving on this port of 127.0.0.1; 0 takes a free one.
    pub fn start(shelves: Shelves, port: u16) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(connections::THREADS)
            .thread_name("larder-registry")
            .enable_io()
            .enable_time()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        let peers = Peers::of(address);
        runtime.spawn(connections::serve(listener, Arc::new(Server::new(shelves, address, peers))));
        Ok(Self { address, peers, runtime: Some(runtime) })
    }

    /// Whether the system says who is at the other end of a connection. Where it does not, every user of the machine is answered.
    pub fn knows_who_asks(&self) -> bool {
        self.peers == Peers::Told
    }

    /// Its address: `http://127.0.0.1:<port>/`.
    pub fn url(&self) -> String {
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
