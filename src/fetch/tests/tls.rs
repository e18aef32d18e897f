//! HTTP/2 over TLS: whom to trust, how many connections, and streams that break.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use larder_test_server::{TLS_CERTIFICATE, TLS_KEY, noise};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// An HTTP/2 server that sends every request this body; each `breaks`th stream is reset in its middle.
struct TlsServer {
    address: SocketAddr,
    body: Bytes,
    breaks: u32,
    connections: AtomicU32,
    streams: AtomicU32,
}

impl TlsServer {
    async fn start(body: Vec<u8>, breaks: u32) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            body: body.into(),
            breaks,
            connections: AtomicU32::new(0),
            streams: AtomicU32::new(0),
        });
        let certificates =
            CertificateDer::pem_slice_iter(TLS_CERTIFICATE.as_bytes()).collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(TLS_KEY.as_bytes()).unwrap();
        let mut config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(certificates, key)
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(Arc::clone(&accepting).serve(acceptor.clone(), stream));
            }
        });
        server
    }

    async fn serve(self: Arc<Self>, acceptor: TlsAcceptor, stream: TcpStream) {
        let Ok(stream) = acceptor.accept(stream).await else { return };
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((request, respond))) = connection.accept().await {
            let number = self.streams.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::spawn(Arc::clone(&self).answer(request, respond, number));
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: http::Request<h2::RecvStream>,
        mut respond: h2::server::SendResponse<Bytes>,
        number: u32,
    ) {
        let total = self.body.len();
        let first: Option<usize> = request
            .headers()
            .get("range")
            .map(|range| range.to_str().unwrap()[6..].trim_end_matches('-').parse().unwrap());
        let rest = self.body.slice(first.unwrap_or(0)..);
        let mut response = http::Response::builder().header("content-length", rest.len());
        if let Some(first) = first {
            response = response.status(206).header("content-range", format!("bytes {first}-{}/{total}", total - 1));
        }
        let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
        let end = if number.is_multiple_of(self.breaks) { rest.len() / 2 } else { rest.len() };
        let mut rest = rest.slice(..end);
        while !rest.is_empty() {
            stream.reserve_capacity(rest.len());
            let Some(Ok(room)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else { return };
            if stream.send_data(rest.split_to(room), false).is_err() {
                return;
            }
        }
        if end == total - first.unwrap_or(0) {
            stream.send_data(Bytes::new(), true).ok();
        } else {
            stream.send_reset(h2::Reason::INTERNAL_ERROR);
        }
    }

    fn request(&self) -> Request {
        Request { url: format!("https://{}/a.tgz", self.address).parse().unwrap(), is_checked: true }
    }
}

/// A case whose client trusts the test's certificate.
fn trusting(wanted: Vec<u8>) -> Case {
    let mut case = Case::new(wanted);
    case.settings.verify_tls = true;
    case.settings.stall_timeout = Duration::from_secs(10);
    case.settings.extra_certificates =
        vec![ExtraCertificates { origin: "test".to_owned(), pem: TLS_CERTIFICATE.into() }];
    case
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_without_retries() {
    let server = TlsServer::start(noise(1, 10), u32::MAX).await;
    let mut case = Case::new(noise(1, 10));
    case.settings.verify_tls = true;
    let error = download(&case.client(), &server.request(), case.sink(), case.words.clone()).await.unwrap_err();
    let text = message(&error);
    let expected = format!("https://{}/a.tgz: the server's certificate is not trusted", server.address);
    assert!(text.starts_with(&expected) && text.contains("UnknownIssuer"), "{text}");
    assert!(!error.is_network(), "another run would not trust it either");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn everyone_is_trusted_when_told_so() {
    let server = TlsServer::start(noise(1, 10), u32::MAX).await;
    let mut case = Case::new(noise(1, 10));
    case.settings.verify_tls = false;
    let bytes = download(&case.client(), &server.request(), case.sink(), Arc::new(Silent)).await.unwrap();
    assert_eq!(bytes, case.wanted);
}

#[tokio::test]
async fn many_downloads_share_few_connections() {
    let server = TlsServer::start(noise(1, 300_000), u32::MAX).await;
    let case = trusting(noise(1, 300_000));
    let client = case.client();
    let downloads: Vec<_> = (0..100)
        .map(|_| {
            let sink = MemorySink { held: Arc::default(), wanted: case.sink().wanted };
            let (client, request) = (client.clone(), server.request());
            tokio::spawn(async move { download(&client, &request, sink, Arc::new(Silent)).await })
        })
        .collect();
    for download in downloads {
        assert_eq!(download.await.unwrap().unwrap(), case.wanted);
    }
    assert_eq!(server.streams.load(Ordering::Relaxed), 100);
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_stream_that_is_reset_is_resumed_on_the_same_connection() {
    let server = TlsServer::start(noise(1, 1_000_000), 2).await;
    let mut case = trusting(noise(1, 1_000_000));
    case.settings.connections = 1;
    let client = case.client();
    for streams in [1, 3] {
        case.held.lock().unwrap().calls.clear();
        let bytes = download(&client, &server.request(), case.sink(), case.words.clone()).await.unwrap();
        assert_eq!(bytes, case.wanted);
        assert_eq!(server.streams.load(Ordering::Relaxed), streams);
    }
    let begins: Vec<_> = case.calls().into_iter().filter(|call| call.starts_with("begin")).collect();
    assert_eq!(begins.len(), 2, "{begins:?}");
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}
