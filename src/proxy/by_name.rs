//! The proxy's place in a network of the run's own, where every name leads to this machine: a server of names, and listeners that answer for each host by the name that the
//! client says (the server's name of TLS, or `Host`).
//!
//! ```text
//! DNS, UDP and TCP ── dns: one address for every name
//! each port ── TLS? ── yes ─▶ the name in its greeting ─▶ opened: TLS by the authority, HTTP/1.1 inside ─▶ source
//!                   └─ no ──▶ HTTP by `Host`, or as to a proxy that a file names ─────────────────────▶ source
//! ```
//!
//! Nobody else is in that network, so nobody is asked for a password.

mod dns;

use std::{
    convert::Infallible,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    http::{HeaderMap, Method, Request, StatusCode, Uri, header, uri::PathAndQuery},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use rustls::server::Acceptor;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    runtime::Runtime,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::LazyConfigAcceptor;
use url::Url;

use super::{
    answer::with_reason,
    beyond::Beyond,
    error::ProxyError,
    link::Link,
    opened::{self, GREETING, IDLE, TLS_HANDSHAKE},
    requests::{Shared, answer},
    service::{absolute, connect},
    source::Source,
    tally::ProxyReport,
};
use crate::loopback::{PAUSE, THREADS};

/// Connections at once, for names and for files.
const MOST: usize = 1024;
/// The longest question over UDP that is read. Without an extension, none is longer than 512 bytes.
const MOST_QUESTION: usize = 4096;

/// Where it listens, and what it says of names.
#[derive(Clone, Debug)]
pub(crate) struct Listening {
    /// For questions about names.
    pub(crate) dns: SocketAddr,
    /// The address of every name.
    pub(crate) every_host: Ipv4Addr,
    /// For requests.
    pub(crate) sockets: Vec<SocketAddr>,
}

/// Servers that run until this value is dropped.
pub(crate) struct ByName {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    #[cfg(test)]
    bound: Listening,
}

impl ByName {
    /// Starts serving. `why` is said of what the source does not know.
    pub(crate) fn start(
        source: Box<dyn Source>,
        why: &'static str,
        now: Timestamp,
        listening: &Listening,
    ) -> Result<Self, ProxyError> {
        let shared = Shared::new(source, Beyond::Refuse(why), now)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(THREADS)
            .thread_name("larder-by-name")
            .enable_io()
            .enable_time()
            .build()
            .map_err(ProxyError::Listen)?;
        let bound = runtime.block_on(listen(&shared, listening))?;
        tracing::debug!(?bound, "the run's network is served");
        Ok(Self {
            runtime: Some(runtime),
            shared,
            #[cfg(test)]
            bound,
        })
    }

    /// The certificate that the run's clients have to trust, PEM.
    pub(crate) fn certificate(&self) -> &str {
        self.shared.authority.pem()
    }

    /// What it did so far; it is told once.
    pub(crate) fn report(&self) -> ProxyReport {
        self.shared.tally.take()
    }
}

impl Drop for ByName {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByName").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// Binds every socket before any is served. Where they are bound comes back.
async fn listen(shared: &Arc<Shared>, listening: &Listening) -> Result<Listening, ProxyError> {
    let at = |address| move |source| ProxyError::ListenAt { address, source };
    let dns_tcp = TcpListener::bind(listening.dns).await.map_err(at(listening.dns))?;
    let dns = dns_tcp.local_addr().map_err(at(listening.dns))?;
    let dns_udp = UdpSocket::bind(dns).await.map_err(at(dns))?;
    let mut listeners = Vec::new();
    for address in &listening.sockets {
        listeners.push(TcpListener::bind(address).await.map_err(at(*address))?);
    }
    let sockets =
        listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>().map_err(ProxyError::Listen)?;
    let address = listening.every_host;
    let places = Arc::new(Semaphore::new(MOST));
    tokio::spawn(answer_datagrams(dns_udp, address));
    tokio::spawn(accept(dns_tcp, Arc::clone(&places), move |stream| answer_questions(stream, address)));
    for listener in listeners {
        let shared = Arc::clone(shared);
        tokio::spawn(accept(listener, Arc::clone(&places), move |stream| converse(Arc::clone(&shared), stream)));
    }
    Ok(Listening { dns, every_host: address, sockets })
}

/// Takes connections until the runtime ends.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    places: Arc<Semaphore>,
    serve: impl Fn(TcpStream) -> F,
) {
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = serve(stream);
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer_datagrams(socket: UdpSocket, address: Ipv4Addr) {
    let mut message = vec![0; MOST_QUESTION];
    loop {
        match socket.recv_from(&mut message).await {
            Ok((len, peer)) => {
                if let Some(answer) = dns::answer(&message[..len], address)
                    && let Err(error) = socket.send_to(&answer, peer).await
                {
                    tracing::debug!(%error, "a name's answer was not sent");
                }
            }
            // One who asked has gone without waiting.
            Err(error) => tracing::debug!(%error, "a question was not received"),
        }
    }
}

/// Answers questions over TCP: each message has its length before it.
async fn answer_questions(mut stream: TcpStream, address: Ipv4Addr) {
    let answered: io::Result<()> = async {
        loop {
            let mut message = vec![0; usize::from(timeout(GREETING, stream.read_u16()).await??)];
            timeout(GREETING, stream.read_exact(&mut message)).await??;
            let Some(answer) = dns::answer(&message, address) else { return Ok(()) };
            let len = u16::try_from(answer.len()).map_err(io::Error::other)?;
            stream.write_all(&[&len.to_be_bytes()[..], &answer].concat()).await?;
        }
    }
    .await;
    if let Err(error) = answered {
        tracing::debug!(%error, "questions over TCP end");
    }
}

/// Talks with a client that thinks that it is connected to some host.
async fn converse(shared: Arc<Shared>, stream: TcpStream) {
    let mut first = [0; 1];
    let (Ok(own), Ok(Ok(1))) = (stream.local_addr(), timeout(GREETING, stream.peek(&mut first)).await) else {
        // It only looked whether there is a connection.
        return;
    };
    if first[0] != TLS_HANDSHAKE {
        return in_plain(shared, stream, own.port()).await;
    }
    let greeting = match timeout(GREETING, LazyConfigAcceptor::new(Acceptor::default(), stream)).await {
        Ok(Ok(greeting)) => greeting,
        Ok(Err(error)) => return tracing::debug!(%error, "a TLS greeting cannot be read"),
        Err(_) => return tracing::debug!("a TLS greeting did not end"),
    };
    let hello = greeting.client_hello();
    // Who asks for an address names no host.
    let name = hello.server_name().map_or_else(|| own.ip().to_canonical().to_string(), str::to_ascii_lowercase);
    if hello.alpn().is_some_and(|mut offered| !offered.any(|protocol| protocol == b"http/1.1")) {
        opened::refuse_http2_alone(&shared, &name, own.port());
    }
    match shared.authority.tls_for(&name) {
        Ok(config) => {
            let link = Link::new("https", name, own.port(), None);
            opened::inside_tls(shared, greeting.into_stream(config), link).await;
        }
        Err(error) => tracing::debug!(%error, "a connection is not opened"),
    }
}

async fn in_plain(shared: Arc<Shared>, stream: TcpStream, port: u16) {
    let service = service_fn(|request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(shared, request, port).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!(%error, "a connection ends early");
    }
}

/// Answers a request in plain HTTP, also one that is meant for a proxy: a file of the user's may name one, and its name leads here.
async fn respond(shared: Arc<Shared>, request: Request<Incoming>, port: u16) -> Response {
    if request.method() == Method::CONNECT {
        return connect(shared, request, None, true).await;
    }
    match absolute(request.uri()).or_else(|| by_host(request.uri(), request.headers(), port)) {
        Some(url) => answer(&shared, &Link::to("http", &url, None), url, request).await,
        None => {
            with_reason(StatusCode::MISDIRECTED_REQUEST, "the request names no host, or another port than this one")
        }
    }
}

/// The address that is asked for, by `Host`.
fn by_host(uri: &Uri, headers: &HeaderMap, port: u16) -> Option<Url> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let origin = Url::parse(&format!("http://{host}/")).ok()?;
    if origin.path() != "/" || !origin.username().is_empty() || origin.port_or_known_default() != Some(port) {
        return None;
    }
    // Joined as text: a path that begins with two slashes is a path.
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let url = Url::parse(&format!("{}{path}", origin.as_str().trim_end_matches('/'))).ok()?;
    (uri.host().is_none() && url.origin() == origin.origin()).then_some(url)
}

#[cfg(test)]
mod tests;
