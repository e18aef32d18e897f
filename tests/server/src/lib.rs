//! A small HTTP/1.1 server on loopback that does what a test tells it to, wrong things included.
//!
//! ```
//! use larder_test_server::{Reply, Server};
//!
//! let server = Server::start();
//! server.on("/a.tgz", Reply::body("bytes").etag("\"1\""));
//! // The first request gets half of it, the second is told to wait, every later one gets it all.
//! server.script("/b.tgz", [Reply::body("bytes").cut_after(2), Reply::status(503).header("retry-after", "0"), Reply::body("bytes")]);
//! server.route("/c.tgz", |request| Reply::body(format!("asked {} times before", request.number)));
//! // … let a client ask for server.url("/a.tgz") …
//! assert_eq!(server.count("/a.tgz"), 0);
//! assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
//! ```
//!
//! One thread accepts, each connection has one of its own. A reply is chosen by the request's target without its query; what nobody
//! routed is answered with 404. Dropped, the server closes all connections.

mod archive;
mod connection;
mod reply;

use std::{
    collections::HashMap,
    fmt,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub use archive::{Zip, wheel};
pub use reply::Reply;

/// How long [`Server::wait_until`] waits before it fails the test: far longer than anything takes on loopback.
const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate for `registry.example` and `127.0.0.1`, good until 2100 and signed with its own [`TLS_KEY`]: for servers of tests only.
pub const TLS_CERTIFICATE: &str = include_str!("../tls/certificate.pem");

/// The key of [`TLS_CERTIFICATE`].
pub const TLS_KEY: &str = include_str!("../tls/key.pem");

/// Chooses a reply. Runs on the connection's thread and may block.
type Route = dyn Fn(&Request) -> Reply + Send + Sync;

/// The server. It runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    routes: Mutex<HashMap<String, Arc<Route>>>,
    fallback: Mutex<Option<Arc<Route>>>,
    log: Mutex<Vec<Request>>,
    logged: Condvar,
    counts: Mutex<HashMap<String, usize>>,
    open: Mutex<HashMap<usize, TcpStream>>,
    connections: AtomicUsize,
    is_stopping: AtomicBool,
    closes_each: AtomicBool,
}

/// A request and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// The request's target without its query: a path, or a whole address when the server is used as a proxy.
    pub path: String,
    /// What follows the question mark; empty if there is none.
    pub query: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// Its body, where it says how long that is.
    pub body: Vec<u8>,
    /// How many requests for this path came before this one.
    pub number: usize,
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// The status it was answered with; 0 as long as it was not.
    pub status: u16,
    /// Bytes of body sent.
    pub sent: u64,
    /// Whether all of the answer was sent, and it was not one that breaks off.
    pub is_complete: bool,
}

impl Request {
    /// A header's value; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Server {
    /// A server on a free port of the loopback address.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The whole address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers each request for `path` with this reply.
    pub fn on(&self, path: &str, reply: Reply) {
        self.route(path, move |_| reply.clone());
    }

    /// Answers the first request for `path` with the first reply, and so on; the last one is repeated.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies: Vec<Reply> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a script has a reply");
        self.route(path, move |request| replies[request.number.min(replies.len() - 1)].clone());
    }

    /// Answers requests for `path` with what the function returns.
    pub fn route(&self, path: &str, route: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        lock(&self.shared.routes).insert(path.to_owned(), Arc::new(route));
    }

    /// Answers with these bodies, each under its path, with ranges and an `ETag`.
    pub fn serve<B: Into<Vec<u8>>>(&self, files: impl IntoIterator<Item = (String, B)>) {
        for (path, body) in files {
            let tag = format!("\"{path}\"");
            self.on(&path, Reply::body(body).etag(&tag));
        }
    }

    /// Answers requests that have no route of their own.
    pub fn fallback(&self, route: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        *lock(&self.shared.fallback) = Some(Arc::new(route));
    }

    /// Closes the connection after each reply from now on.
    pub fn close_each_connection(&self) {
        self.shared.closes_each.store(true, Ordering::Relaxed);
    }

    /// All requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// How many requests for `path` came so far.
    pub fn count(&self, path: &str) -> usize {
        lock(&self.shared.counts).get(path).copied().unwrap_or_default()
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Forgets all requests: scripts begin anew.
    pub fn forget(&self) {
        lock(&self.shared.log).clear();
        lock(&self.shared.counts).clear();
    }

    /// Waits until the requests so far are what the test waits for. Fails the test after 20 s.
    pub fn wait_until(&self, mut is_so: impl FnMut(&[Request]) -> bool) {
        let log = lock(&self.shared.log);
        let (log, waited) = self
            .shared
            .logged
            .wait_timeout_while(log, PATIENCE, |log| !is_so(log))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "waited in vain; the requests are {log:#?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        for stream in lock(&self.shared.open).values() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let id = self.connections.fetch_add(1, Ordering::Relaxed);
            if let Ok(stream) = stream.try_clone() {
                lock(&self.open).insert(id, stream);
            }
            let shared = Arc::clone(self);
            thread::spawn(move || {
                // The client is gone, or the reply says to break off: what was sent is in the log.
                drop(connection::serve(&shared, id, &stream));
                lock(&shared.open).remove(&id);
            });
        }
    }

    /// Writes a request down and chooses its reply; its place in the log comes back with it.
    fn reply_to(&self, mut request: Request) -> (usize, Request, Reply) {
        {
            let mut counts = lock(&self.counts);
            let count = counts.entry(request.path.clone()).or_default();
            request.number = *count;
            *count += 1;
        }
        let place = {
            let mut log = lock(&self.log);
            log.push(request.clone());
            log.len() - 1
        };
        self.logged.notify_all();
        let route = lock(&self.routes).get(&request.path).cloned();
        let route = route.or_else(|| lock(&self.fallback).clone());
        let reply = route.map_or_else(|| Reply::status(404), |route| route(&request));
        (place, request, reply)
    }

    /// Writes down what became of a request. After [`Server::forget`] there is nothing to write to.
    fn note(&self, place: usize, change: impl FnOnce(&mut Request)) {
        if let Some(request) = lock(&self.log).get_mut(place) {
            change(request);
        }
        self.logged.notify_all();
    }
}

/// Bytes that do not compress and differ from seed to seed: a body for a test.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panicking route fails its own test; the others' state is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
