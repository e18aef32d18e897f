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
use rustls::{AlertDescription, server::Acceptor};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional, join, split},
    time::timeout,
};
use tokio_rustls::{Accept, TlsAcceptor};
use url::Url;

use super::{
    answer::with_reason,
    beyond::Beyond,
    link::Link,
    requests::{Shared, answer},
};
use crate::{core::redacted::redact, http::Connection};

/// The first byte of a TLS connection: a record that holds a handshake message.
pub(super) const TLS_HANDSHAKE: u8 = 0x16;
/// How long a client may take until it says something, and until TLS stands.
pub(super) const GREETING: Duration = Duration::from_secs(30);
/// How long a connection may wait for the next request.
pub(super) const IDLE: Duration = Duration::from_mins(5);

/// What is said of a client that speaks HTTP/2 alone.
pub(super) const HTTP2_ALONE: &str = "the program asks by HTTP/2 alone, and larder answers HTTP/1.1";

/// Alerts with which clients refuse a certificate. RFC 8446, 6.2.
const REFUSALS: [AlertDescription; 8] = [
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    AlertDescription::DecryptError,
];

/// A longer greeting is none, bytes.
const LONGEST_GREETING: usize = 64 << 10;

/// A connection, and where it leads.
struct Conversation {
    shared: Arc<Shared>,
    link: Link,
}

/// Talks with a client that thinks that it is connected to the host of this link.
pub(super) async fn converse<S>(shared: Arc<Shared>, mut stream: S, link: Link)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Without one, it only looked whether there is a connection.
    let Ok(Ok(greeting)) = timeout(GREETING, greeting(&mut stream)).await else { return };
    let name = link.host.clone();
    match (greeting.kind, &shared.beyond) {
        (Greeting::OtherProtocol, Beyond::PassOn(on)) => {
            if let Some(recorder) = &on.recorder {
                recorder.unseen(&name, "passed through unseen: its program speaks another protocol than HTTP/1.1");
            }
            return match on.upstream.tunnel(&name, link.port).await {
                Ok(tunnel) => pass(stream, &greeting.bytes, tunnel.stream).await,
                Err(error) => tracing::debug!(%error, "there is no tunnel"),
            };
        }
        (Greeting::OtherProtocol, Beyond::Refuse(_)) => {
            refuse_http2_alone(&shared, &name, link.port);
        }
        (Greeting::Tls | Greeting::Plain, _) => {}
    }
    let (reader, writer) = split(stream);
    let stream = join(Cursor::new(greeting.bytes).chain(reader), writer);
    if let Greeting::Plain = greeting.kind {
        let link = link.in_clear();
        if let Err(error) = serve(stream, Conversation { shared, link }).await {
            tracing::debug!(%error, "a connection ends early");
        }
        return;
    }
    let config = match shared.authority.tls_for(&name) {
        Ok(config) => config,
        Err(error) => return tracing::debug!(%error, "a connection is not opened"),
    };
    inside_tls(shared, TlsAcceptor::from(config).accept(stream), link).await;
}

/// Talks inside TLS with a client that thinks that it is connected to the host of this link.
pub(super) async fn inside_tls<S>(shared: Arc<Shared>, accept: Accept<S>, link: Link)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let name = link.host.clone();
    match timeout(GREETING, accept).await {
        Ok(Ok(stream)) => {
            // With TLS 1.3 a client that refuses the certificate says so after the handshake, if at all.
            if let Err(error) = serve(stream, Conversation { shared: Arc::clone(&shared), link }).await {
                note_alert(&shared, &name, &error);
            }
        }
        Ok(Err(error)) => note_alert(&shared, &name, &error),
        Err(_) => tracing::debug!(name, "a TLS handshake did not end"),
    }
}

/// What a client says first.
struct Greeted {
    kind: Greeting,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Greeting {
    /// TLS, for HTTP/1.1 or for what it does not say.
    Tls,
    /// TLS, for other protocols than HTTP/1.1.
    OtherProtocol,
    /// Something else, such as plain HTTP.
    Plain,
}

/// Reads the first message of a client. What is no TLS after all is left to the TLS library to refuse.
async fn greeting(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Greeted> {
    let mut bytes = Vec::with_capacity(4096);
    let mut acceptor = Acceptor::default();
    loop {
        let start = bytes.len();
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if bytes[0] != TLS_HANDSHAKE {
            return Ok(Greeted { kind: Greeting::Plain, bytes });
        }
        let mut new = &bytes[start..];
        while !new.is_empty() {
            acceptor.read_tls(&mut new)?;
        }
        let kind = match acceptor.accept() {
            Ok(None) if bytes.len() < LONGEST_GREETING => continue,
            Ok(Some(accepted)) => {
                let offered = accepted.client_hello().alpn();
                let has_http1 = offered.is_none_or(|mut offered| offered.any(|name| name == b"http/1.1"));
                if has_http1 { Greeting::Tls } else { Greeting::OtherProtocol }
            }
            Ok(None) | Err(_) => Greeting::Tls,
        };
        return Ok(Greeted { kind, bytes });
    }
}

/// Passes bytes both ways until both ends are done; those first that were read already.
pub(super) async fn pass(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    first: &[u8],
    mut tunnel: Box<dyn Connection>,
) {
    let passed = async {
        tunnel.write_all(first).await?;
        copy_bidirectional(&mut client, &mut tunnel).await
    };
    if let Err(error) = passed.await {
        tracing::debug!(%error, "a tunnel ends early");
    }
}

/// Notes that a client refused the certificate. Others go for reasons of their own.
fn note_alert(shared: &Shared, name: &str, error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(rustls::Error::AlertReceived(alert)) = inner.and_then(|inner| inner.downcast_ref())
            && REFUSALS.contains(alert)
        {
            shared.tally.distrusted(name, &format!("{alert:?}"));
            return;
        }
        next = error.source();
    }
    tracing::debug!(%error, "a connection ends early");
}

async fn serve<S>(stream: S, conversation: Conversation) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let conversation = Arc::new(conversation);
    let service = service_fn(|request: Request<Incoming>| {
        let conversation = Arc::clone(&conversation);
        async move { Ok::<_, Infallible>(respond(&conversation, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    http.serve_connection(TokioIo::new(stream), service).with_upgrades().await
}

async fn respond(Conversation { shared, link }: &Conversation, request: Request<Incoming>) -> Response {
    if let Some(url) = address(link, request.uri(), request.headers()) {
        return answer(shared, link, url, request).await;
    }
    let asked = origin(link.scheme, &link.host, link.port).map_or_else(|| link.host.clone(), |url| redact(&url));
    let recorder = if let Beyond::PassOn(on) = &shared.beyond { on.recorder.as_ref() } else { None };
    match recorder {
        Some(recorder) => recorder.unseen(&asked, MISDIRECTED),
        None => shared.tally.refused(&asked, MISDIRECTED, true),
    }
    with_reason(StatusCode::MISDIRECTED_REQUEST, MISDIRECTED)
}

/// Why a request gets no answer, and is passed on to nobody.
const MISDIRECTED: &str = "the request names another host than the connection was asked for";

/// The address that is asked for. The host is the connection's, whatever the request says; if it says another one, there is none.
fn address(link: &Link, uri: &Uri, headers: &HeaderMap) -> Option<Url> {
    let origin = origin(link.scheme, &link.host, link.port)?;
    // RFC 9112, 3.2: a server may not choose between two.
    if headers.get_all(header::HOST).iter().count() > 1 {
        return None;
    }
    let stated = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    for stated in stated.into_iter().chain(uri.authority().map(axum::http::uri::Authority::as_str)) {
        let stated = Url::parse(&format!("{}://{stated}/", link.scheme)).ok()?;
        if stated.origin() != origin.origin() || !stated.username().is_empty() {
            return None;
        }
    }
    // Joined as text: a path that begins with two slashes is a path.
    let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let url = Url::parse(&format!("{}{}", origin.as_str().trim_end_matches('/'), path)).ok()?;
    (url.origin() == origin.origin()).then_some(url)
}

/// Notes that a client of this host speaks HTTP/2 alone. The TLS library tells the client.
pub(super) fn refuse_http2_alone(shared: &Shared, name: &str, port: u16) {
    let asked = origin("https", name, port).map_or_else(|| name.to_owned(), |url| redact(&url));
    shared.tally.refused(&asked, HTTP2_ALONE, true);
}

pub(super) fn origin(scheme: &str, name: &str, port: u16) -> Option<Url> {
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    Url::parse(&format!("{scheme}://{name}:{port}/")).ok()
}
