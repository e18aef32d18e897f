//! HTTP/2 over TLS: whom to trust, how many connections, and streams that break.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use larder_test_server::{TLS_CERTIFICATE, TLS_KEY, noise};
use reqwest::header::HeaderValue;
use rustls::{
    DigitallySignedStruct, DistinguishedName, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{ring, verify_tls12_signature, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject};
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
        Self::start_for(body, breaks, rustls::server::WebPkiClientVerifier::no_client_auth()).await
    }

    /// One that asks clients for a certificate, as this verifier has it.
    async fn start_for(body: Vec<u8>, breaks: u32, clients: Arc<dyn ClientCertVerifier>) -> Arc<Self> {
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
                .with_client_cert_verifier(clients)
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

/// Says the same of every address.
struct Everywhere(Credential);

impl Credentials for Everywhere {
    fn credential_for(&self, _url: &url::Url) -> Option<Credential> {
        Some(self.0.clone())
    }

    fn identities(&self) -> Vec<Arc<ClientIdentity>> {
        self.0.identity.iter().map(Arc::clone).collect()
    }
}

#[tokio::test]
async fn a_users_token_is_not_sent_to_a_server_that_only_the_project_trusts() {
    let token = |is_users| {
        let header = Some(HeaderValue::from_static("Bearer secret"));
        Arc::new(Everywhere(Credential { header, is_users, ..Credential::default() }))
    };
    let certificate = || vec![ExtraCertificates { origin: "test".to_owned(), pem: TLS_CERTIFICATE.into() }];
    let project = |own: Vec<ExtraCertificates>| ProjectNetwork {
        http_proxy: None,
        https_proxy: None,
        trust: vec!["`cafile` in p/.npmrc".to_owned()],
        extra_certificates: own,
        verify_tls: true,
    };
    // Whether the project turns verification off or names a certificate, whose token it is, what the user trusts, whether he trusts the project.
    for (verifies, is_users, own, trusts_project, is_sent) in [
        (true, true, vec![], false, false),
        (false, true, vec![], false, false),
        (true, false, vec![], false, true),
        (true, true, certificate(), false, true),
        (true, true, vec![], true, true),
        (false, true, vec![], true, true),
    ] {
        let server = TlsServer::start(noise(1, 10), u32::MAX).await;
        let mut case = Case::new(noise(1, 10));
        case.credentials = token(is_users);
        case.settings.verify_tls = verifies;
        case.settings.extra_certificates = certificate();
        case.settings.project = Some(project(own));
        case.settings.trusts_project = trusts_project;
        let result = download(&case.client(), &server.request(), case.sink(), Arc::new(Silent)).await;
        assert_eq!(result.is_ok(), is_sent, "{verifies} {is_users} {trusts_project}: {result:?}");
        if let Err(error) = result {
            let text = message(&error);
            let said = "to a server that your own configuration does not trust if only the project's files configure that: `cafile` in p/.npmrc";
            assert!(text.contains(said), "{text}");
            assert!(!error.is_network());
            assert_eq!(server.streams.load(Ordering::Relaxed), 0);
        }
    }
}

/// Takes any certificate whose key the client has.
#[derive(Debug)]
struct AnyClient;

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
    let identity = |key: &str| {
        let (certificates, key) = (TLS_CERTIFICATE.into(), key.into());
        Some(Arc::new(ClientIdentity { origin: "`certfile` in .npmrc".to_owned(), certificates, key }))
    };
    for (verifies, identity, is_let_in) in
        [(true, identity(TLS_KEY), true), (false, identity(TLS_KEY), true), (true, None, false)]
    {
        let server = TlsServer::start_for(noise(1, 10), u32::MAX, Arc::new(AnyClient)).await;
        let mut case = trusting(noise(1, 10));
        case.settings.verify_tls = verifies;
        case.settings.retries = 0;
        case.credentials = Arc::new(Everywhere(Credential { identity, ..Credential::default() }));
        let result = download(&case.client(), &server.request(), case.sink(), Arc::new(Silent)).await;
        assert_eq!(result.is_ok(), is_let_in, "{verifies}: {result:?}");
    }
    let broken = Arc::new(Everywhere(Credential { identity: identity("no key"), ..Credential::default() }));
    let error = Client::new(ClientSettings::default(), broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`certfile` in .npmrc: not a certificate and its key in PEM form, without a pass phrase"
    );
}
