//! A proxy on loopback that answers `CONNECT` itself: it ends TLS with the certificate of `registry.example` and passes what comes on to a test's server. So a test has
//! `https:` addresses on a public name, and no packet leaves loopback. It may stand for every host, with a certificate for each.

use std::{net::SocketAddr, sync::Arc};

use larder_test_server::{Server, TLS_CERTIFICATE, TLS_KEY};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    },
};

use crate::support::World;

/// The proxy. It runs until it is dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    /// As PEM, what certifies its hosts.
    trusted: String,
    _runtime: Runtime,
}

/// Whom it stands for.
enum Hosts {
    /// `registry.example`.
    One(TlsAcceptor),
    /// Every host, certified by this authority.
    All(Box<Issuer<'static, KeyPair>>),
}

impl TlsFront {
    /// The front of this server.
    pub(crate) fn of(server: &Server) -> Self {
        let certificate = CertificateDer::from_pem_slice(TLS_CERTIFICATE.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(TLS_KEY.as_bytes()).unwrap();
        Self::new(server, Hosts::One(acceptor(certificate, key)), TLS_CERTIFICATE.to_owned())
    }

    /// The same for every host.
    pub(crate) fn of_every_host(server: &Server) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let trusted = params.self_signed(&key).unwrap().pem();
        Self::new(server, Hosts::All(Box::new(Issuer::new(params, key))), trusted)
    }

    fn new(server: &Server, hosts: Hosts, trusted: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, behind, hosts) = (listener.local_addr().unwrap(), server.address(), Arc::new(hosts));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A client that goes away has what it wanted.
                tokio::spawn(pass(client, behind, Arc::clone(&hosts)));
            }
        });
        Self { address, trusted, _runtime: runtime }
    }

    /// What makes larder go through it and believe it.
    pub(crate) fn variables(&self, world: &World) -> [(&'static str, String); 3] {
        let certificate = world.folder.path().join("front.pem");
        std::fs::write(&certificate, &self.trusted).unwrap();
        [
            ("HTTPS_PROXY", format!("http://{}", self.address)),
            // npm sends what is not encrypted through it, too.
            ("NO_PROXY", "127.0.0.1".to_owned()),
            ("npm_config_cafile", certificate.to_str().unwrap().to_owned()),
        ]
    }
}

impl Hosts {
    fn acceptor(&self, host: &str) -> TlsAcceptor {
        match self {
            Self::One(acceptor) => {
                assert_eq!(host, "registry.example");
                acceptor.clone()
            }
            Self::All(authority) => {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
                let certificate = params.signed_by(&key, authority).unwrap();
                acceptor(certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            }
        }
    }
}

fn acceptor(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> TlsAcceptor {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn pass(mut client: TcpStream, behind: SocketAddr, hosts: Arc<Hosts>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split_once(":443 ")).expect(&head).0;
    let acceptor = hosts.acceptor(host);
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let mut inside = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(behind).await?;
    copy_bidirectional(&mut inside, &mut server).await.map(drop)
}
