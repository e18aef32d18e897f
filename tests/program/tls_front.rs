//! A proxy on loopback that answers `CONNECT` itself: it ends TLS with the certificate of `registry.example` and passes what comes on to a test's server. So a test has
//! `https:` addresses on a public name, and no packet leaves loopback. It may stand for every host, whose certificate is then another's.

use std::{net::SocketAddr, sync::Arc};

use larder_test_server::{Server, TLS_CERTIFICATE, TLS_KEY};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::support::World;

/// The proxy. It runs until it is dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    is_every_host: bool,
    _runtime: Runtime,
}

impl TlsFront {
    /// The front of this server.
    pub(crate) fn of(server: &Server) -> Self {
        Self::new(server, false)
    }

    /// The same for every host. Who goes through it must not ask whose certificate it is.
    pub(crate) fn of_every_host(server: &Server) -> Self {
        Self::new(server, true)
    }

    fn new(server: &Server, is_every_host: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, behind, acceptor) = (listener.local_addr().unwrap(), server.address(), acceptor());
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A client that goes away has what it wanted.
                tokio::spawn(pass(client, behind, acceptor.clone(), is_every_host));
            }
        });
        Self { address, is_every_host, _runtime: runtime }
    }

    /// What makes larder go through it and believe it.
    pub(crate) fn variables(&self, world: &World) -> [(&'static str, String); 4] {
        let certificate = world.folder.path().join("front.pem");
        std::fs::write(&certificate, TLS_CERTIFICATE).unwrap();
        [
            ("HTTPS_PROXY", format!("http://{}", self.address)),
            // npm sends what is not encrypted through it, too.
            ("NO_PROXY", "127.0.0.1".to_owned()),
            ("npm_config_strict_ssl", (!self.is_every_host).to_string()),
            ("npm_config_cafile", certificate.to_str().unwrap().to_owned()),
        ]
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(TLS_CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(TLS_KEY.as_bytes()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn pass(
    mut client: TcpStream,
    behind: SocketAddr,
    acceptor: TlsAcceptor,
    is_every_host: bool,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let is_ours = is_every_host || head.starts_with(b"CONNECT registry.example:443 ");
    assert!(is_ours, "{}", String::from_utf8_lossy(&head));
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let mut inside = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(behind).await?;
    copy_bidirectional(&mut inside, &mut server).await.map(drop)
}
