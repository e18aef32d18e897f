//! A connection that was to be a tunnel and is opened: TLS in the host's name, or plain HTTP, and the requests inside.

use std::{convert::Infallible, io::Cursor, sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, Request, StatusCode, Uri, header},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, join, split},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{
    answer::with_reason,
    requests::{Shared, answer},
};

/// The first byte of a TLS connection: a record that holds a handshake message.
const TLS_HANDSHAKE: u8 = 0x16;
/// How long a client may take until it says something, and until TLS stands.
const GREETING: Duration = Duration::from_secs(30);
/// How long a connection may wait for the next request.
const IDLE: Duration = Duration::from_mins(5);

/// What a connection is to.
struct Host {
    shared: Arc<Shared>,
    scheme: &'static str,
    name: String,
    port: u16,
}

/// Talks with a client that thinks that it is connected to this host.
pub(super) async fn converse<S>(shared: Arc<Shared>, mut stream: S, name: String, port: u16)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut first = [0; 1];
    match timeout(GREETING, stream.read_exact(&mut first)).await {
        Ok(Ok(_)) => {}
        // It only looked whether there is a connection.
        Ok(Err(_)) | Err(_) => return,
    }
    let (reader, writer) = split(stream);
    let stream = join(Cursor::new(first).chain(reader), writer);
    if first[0] != TLS_HANDSHAKE {
        let host = Host { shared, scheme: "http", name, port };
        serve(stream, Arc::new(host)).await;
        return;
    }
    let config = match shared.authority.tls_for(&name) {
        Ok(config) => config,
        Err(error) => return tracing::debug!(%error, "a connection is not opened"),
    };
    match timeout(GREETING, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => {
            let host = Arc::new(Host { shared: Arc::clone(&shared), scheme: "https", name: name.clone(), port });
            // With TLS 1.3 a client that refuses the certificate says so after the handshake, if at all.
            if let Ended::WithoutRequest(why) = serve(stream, host).await {
                shared.tally.distrusted(&name, &why);
            }
        }
        Ok(Err(error)) => shared.tally.distrusted(&name, &error.to_string()),
        Err(_) => shared.tally.distrusted(&name, "the TLS handshake did not end"),
    }
}

/// How a conversation ended.
enum Ended {
    /// After one request or more, or in peace.
    Served,
    /// With an error, before any request.
    WithoutRequest(String),
}

async fn serve<S>(stream: S, host: Arc<Host>) -> Ended
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let was_asked = std::sync::atomic::AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        was_asked.store(true, std::sync::atomic::Ordering::Relaxed);
        let host = Arc::clone(&host);
        async move { Ok::<_, Infallible>(respond(&host, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    match http.serve_connection(TokioIo::new(stream), service).await {
        Err(error) if !was_asked.load(std::sync::atomic::Ordering::Relaxed) => {
            Ended::WithoutRequest(crate::core::error_chain::chain(&error).join(": "))
        }
        Err(error) => {
            tracing::debug!(%error, "a connection ends early");
            Ended::Served
        }
        Ok(()) => Ended::Served,
    }
}

async fn respond(host: &Host, request: Request<Incoming>) -> Response {
    match address(host, request.uri(), request.headers()) {
        Some(url) => answer(&host.shared, url, request).await,
        None => with_reason(
            StatusCode::MISDIRECTED_REQUEST,
            "the request names another host than the connection was asked for",
        ),
    }
}

/// The address that is asked for. The host is the connection's, whatever the request says; if it says another one, there is none.
fn address(host: &Host, uri: &Uri, headers: &HeaderMap) -> Option<Url> {
    let origin = origin(host.scheme, &host.name, host.port)?;
    let stated = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    for stated in stated.into_iter().chain(uri.authority().map(axum::http::uri::Authority::as_str)) {
        let stated = Url::parse(&format!("{}://{stated}/", host.scheme)).ok()?;
        if stated.origin() != origin.origin() || !stated.username().is_empty() {
            return None;
        }
    }
    // Joined as text: a path that begins with two slashes is a path.
    let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let url = Url::parse(&format!("{}{}", origin.as_str().trim_end_matches('/'), path)).ok()?;
    (url.origin() == origin.origin()).then_some(url)
}

fn origin(scheme: &str, name: &str, port: u16) -> Option<Url> {
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    Url::parse(&format!("{scheme}://{name}:{port}/")).ok()
}
