//! A connection that was to be a tunnel and is opened: TLS in the host's name, or plain HTTP, and the requests inside.

use std::{
    convert::Infallible,
    error::Error,
    io::{self, Cursor},
    sync::Arc,
    time::Duration,
};

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
use tokio_rustls::{Accept, TlsAcceptor};
use url::Url;

use super::{
    answer::with_reason,
    requests::{Shared, answer},
};

/// The first byte of a TLS connection: a record that holds a handshake message.
pub(super) const TLS_HANDSHAKE: u8 = 0x16;
/// How long a client may take until it says something, and until TLS stands.
pub(super) const GREETING: Duration = Duration::from_secs(30);
/// How long a connection may wait for the next request.
pub(super) const IDLE: Duration = Duration::from_mins(5);

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
        if let Err(error) = serve(stream, Arc::new(host)).await {
            tracing::debug!(%error, "a connection ends early");
        }
        return;
    }
    let config = match shared.authority.tls_for(&name) {
        Ok(config) => config,
        Err(error) => return tracing::debug!(%error, "a connection is not opened"),
    };
    inside_tls(shared, TlsAcceptor::from(config).accept(stream), name, port).await;
}

/// Talks inside TLS with a client that thinks that it is connected to this host.
pub(super) async fn inside_tls<S>(shared: Arc<Shared>, accept: Accept<S>, name: String, port: u16)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match timeout(GREETING, accept).await {
        Ok(Ok(stream)) => {
            let host = Arc::new(Host { shared: Arc::clone(&shared), scheme: "https", name: name.clone(), port });
            // With TLS 1.3 a client that refuses the certificate says so after the handshake, if at all.
            if let Err(error) = serve(stream, host).await {
                note_alert(&shared, &name, &error);
            }
        }
        Ok(Err(error)) => note_alert(&shared, &name, &error),
        Err(_) => tracing::debug!(name, "a TLS handshake did not end"),
    }
}

/// Notes that a client refused the certificate. Others go for reasons of their own.
fn note_alert(shared: &Shared, name: &str, error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) = inner.and_then(|inner| inner.downcast_ref()) {
            shared.tally.distrusted(name, &format!("{alert:?}"));
            return;
        }
        next = error.source();
    }
    tracing::debug!(%error, "a connection ends early");
}

async fn serve<S>(stream: S, host: Arc<Host>) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let host = Arc::clone(&host);
        async move { Ok::<_, Infallible>(respond(&host, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    http.serve_connection(TokioIo::new(stream), service).await
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

pub(super) fn origin(scheme: &str, name: &str, port: u16) -> Option<Url> {
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    Url::parse(&format!("{scheme}://{name}:{port}/")).ok()
}
