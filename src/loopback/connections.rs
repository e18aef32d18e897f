//! The connections of a server: their limit, whose they are, and their timeouts.
//!
//! A connection costs a file and some kilobytes, and holds no thread while its other end is slow. A body is read piece by piece as the client takes it.
//!
//! There are at most 1,024 connections, fewer where few files may be open. One without a whole request for 30 s is closed, and so is one whose client takes
//! nothing: an own process's after an hour, another user's after a minute.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::spawn_blocking,
};

use super::{
    caller::Caller,
    peer_uid::PeerCheck,
    service::{Place, Service},
    write_timeout::WriteTimeout,
};

/// Connections at once, where so many files may be open. Package managers have some ten to some hundred.
const MOST: usize = 1024;
/// Files that the rest of the program needs.
const OTHER_FILES: u64 = 64;
/// Connections of other users at once: each gets a refusal. Further ones are closed without a response.
const MOST_STRANGERS: usize = 16;
/// Threads that may block: for requests, and for pieces of bodies. A service leaves some for the pieces.
pub(crate) const THREADS: usize = 512;

/// Package managers close connections that they do not use after some seconds themselves. One that unpacks while it reads, or computes, may pause for minutes: servers of the
/// world wait for it, too. What is stopped for good ends with the run, and a process that ends closes its connections.
const TIMEOUTS: Timeouts = Timeouts {
    header: Duration::from_secs(30),
    write: Duration::from_hours(1),
    strangers_write: Duration::from_mins(1),
};
/// Bytes of a response that wait until the client takes them, beside one piece of a body. 64 KiB.
const BUFFER: usize = 64 << 10;
/// How long to wait where a connection cannot be accepted: every file is open, most likely.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may do nothing.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    /// Until a request's headers are there, the time without any request included.
    header: Duration,
    /// While a client of the own user takes nothing of what is sent; after an upgrade, too.
    write: Duration,
    /// While another user's does.
    strangers_write: Duration,
}

/// What all connections share.
pub(super) struct Connections<S> {
    service: Arc<S>,
    address: SocketAddr,
    peer_check: PeerCheck,
    timeouts: Timeouts,
    strangers: Arc<Semaphore>,
}

impl<S: Service> Connections<S> {
    pub(super) fn new(service: Arc<S>, address: SocketAddr, peer_check: PeerCheck) -> Self {
        Self { service, address, peer_check, timeouts: TIMEOUTS, strangers: Arc::new(Semaphore::new(MOST_STRANGERS)) }
    }
}

/// Takes connections until the runtime ends.
pub(super) async fn serve<S: Service>(listener: TcpListener, server: Arc<Connections<S>>) {
    let places = Arc::new(Semaphore::new(most_connections()));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let server = Arc::clone(&server);
                let place = Place(Arc::new(place));
                tokio::spawn(converse(stream, peer, server, place));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A connection has one file of its own, and one of the store while a large body is sent.
fn most_connections() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OTHER_FILES) / 2).unwrap_or(MOST).clamp(16, MOST)
}

async fn converse<S: Service>(stream: TcpStream, peer: SocketAddr, server: Arc<Connections<S>>, place: Place) {
    let (peer_check, address) = (server.peer_check, server.address);
    let is_own = spawn_blocking(move || peer_check.may_ask(peer, address)).await.unwrap_or(false);
    let _place = match (is_own, Arc::clone(&server.strangers).try_acquire_owned()) {
        (true, _) => None,
        (false, Ok(place)) => Some(place),
        (false, Err(_)) => return,
    };
    let caller = Caller { peer, server: address, is_checked: peer_check == PeerCheck::Available };
    let service = service_fn(|mut request: Request<Incoming>| {
        let service = Arc::clone(&server.service);
        request.extensions_mut().insert(place.clone());
        request.extensions_mut().insert(caller);
        async move { Ok::<_, Infallible>(if is_own { service.respond(request).await } else { service.to_stranger() }) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(server.timeouts.header).max_buf_size(BUFFER).keep_alive(is_own);
    let timeouts = server.timeouts;
    let write = if is_own { timeouts.write } else { timeouts.strangers_write };
    let stream = TokioIo::new(WriteTimeout::new(stream, write));
    if let Err(error) = http.serve_connection(stream, service).with_upgrades().await {
        tracing::debug!(%error, "a connection ends early");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use axum::response::Response;

    use super::*;

    struct Hello;

    impl Service for Hello {
        async fn respond(self: Arc<Self>, _: Request<Incoming>) -> Response {
            Response::default()
        }

        fn to_stranger(&self) -> Response {
            Response::default()
        }
    }

    /// Sends more than the buffers of a connection hold.
    struct Large;

    const LARGE: usize = 32 << 20;

    impl Service for Large {
        async fn respond(self: Arc<Self>, _: Request<Incoming>) -> Response {
            Response::new(vec![1; LARGE].into())
        }

        fn to_stranger(&self) -> Response {
            Response::default()
        }
    }

    #[test]
    fn a_client_that_pauses_for_longer_than_strangers_may_gets_its_file() {
        assert!(TIMEOUTS.write > Duration::from_mins(10), "unpacking takes minutes");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Connections::new(Arc::new(Large), address, PeerCheck::of(address));
        server.timeouts.strangers_write = Duration::from_millis(50);
        runtime.spawn(serve(listener, Arc::new(server)));
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.len() > LARGE, "{}", answer.len());
        runtime.shutdown_background();
    }

    #[test]
    fn headers_that_never_end_are_given_up_and_so_is_a_connection_without_a_request() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Connections::new(Arc::new(Hello), address, PeerCheck::of(address));
        server.timeouts.header = Duration::from_millis(100);
        runtime.spawn(serve(listener, Arc::new(server)));
        let mut whole = std::net::TcpStream::connect(address).unwrap();
        let mut answer = [0; 12];
        write!(whole, "GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        whole.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        for sent in ["GET / HTTP/1.1\r\nHost: ", "GET", ""] {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            stream.write_all(sent.as_bytes()).unwrap();
            let mut rest = Vec::new();
            // An end, or a reset because what was sent stays unread; a timeout would be another error.
            let ended = stream.read_to_end(&mut rest).map_err(|error| error.kind());
            assert!(matches!(ended, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)), "{sent:?}: {ended:?}");
        }
        runtime.shutdown_background();
    }
}
