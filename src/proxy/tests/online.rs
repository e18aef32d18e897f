//! With a network: what is passed on, as it was asked; what is a tunnel; and what a recorder is told.

use std::{convert::Infallible, net::SocketAddr, sync::Mutex};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use larder_store::digest::{Algorithm, Digest};
use larder_test_server::{TLS_CERTIFICATE, TLS_KEY};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener as AsyncListener, TcpStream as AsyncStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::http::{ExtraCertificates, Upstream, UpstreamProxies};

/// The user's own proxy, which leads every name to a server that has the certificate of `registry.example`.
struct Internet {
    address: SocketAddr,
    connects: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

/// What the server was asked, and then what it answers.
async fn serve(mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path == "/socket" {
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            let mut said = [0; 4];
            stream.read_exact(&mut said).await.unwrap();
            stream.write_all(&said).await.unwrap();
        });
        let switch = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
        return Ok(switch.body(Body::empty()).unwrap());
    }
    let body = axum::body::to_bytes(Body::new(body), 1 << 20).await.unwrap();
    let names = ["authorization", "range", "accept-encoding", "proxy-authorization", "x-own"];
    let headers: Vec<_> =
        names.iter().filter_map(|name| Some(format!("{name}={}", parts.headers.get(*name)?.to_str().ok()?))).collect();
    let said = format!("{} {} [{}] {}", parts.method, path, headers.join(" "), String::from_utf8_lossy(&body));
    let mut response = Response::builder().header("content-type", "text/plain");
    if path == "/close" {
        response = response.header("connection", "close");
    }
    Ok(response.body(Body::from(said)).unwrap())
}

async fn pass(mut client: AsyncStream, acceptor: TlsAcceptor, connects: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    connects.lock().unwrap().push(head.split(' ').nth(1).unwrap().to_owned());
    if head.contains("gone.example") {
        return client.write_all(b"HTTP/1.1 502 No\r\n\r\n").await.unwrap();
    }
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
    let Ok(inside) = acceptor.accept(client).await else { return };
    drop(http1::Builder::new().serve_connection(TokioIo::new(inside), service_fn(serve)).with_upgrades().await);
}

impl Internet {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(AsyncListener::bind("127.0.0.1:0")).unwrap();
        let (address, connects) = (listener.local_addr().unwrap(), Arc::default());
        let certificate = CertificateDer::from_pem_slice(TLS_CERTIFICATE.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(TLS_KEY.as_bytes()).unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (acceptor, seen) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&connects));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, acceptor.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, connects, _runtime: runtime }
    }

    fn upstream(&self, is_trusted: bool) -> Upstream {
        let proxies = UpstreamProxies { https: format!("http://{}", self.address), ..UpstreamProxies::default() };
        if !is_trusted {
            return Upstream::new(&proxies, &[], &[]).unwrap();
        }
        let certificate = ExtraCertificates { origin: "test".to_owned(), pem: TLS_CERTIFICATE.into() };
        Upstream::new(&proxies, &[certificate], &[]).unwrap()
    }

    fn connects(&self) -> Vec<String> {
        std::mem::take(&mut *self.connects.lock().unwrap())
    }
}

/// Of one host, one file is known.
struct Known;

impl Source for Known {
    fn answer(&self, url: &Url) -> Answer {
        if url.as_str() != "https://registry.example/known" {
            return Answer::Unknown;
        }
        let blob = CheckedBlob::of_bytes(bytes::Bytes::from_static(b"known"));
        Answer::File(ServedFile { blob, len: 5, tag: "t".to_owned(), content_type: None })
    }

    fn has_host(&self, host: &str, port: u16) -> bool {
        (host, port) == ("registry.example", 443)
    }
}

/// Is told, and keeps it.
#[derive(Default)]
struct Notes {
    exchanges: Mutex<Vec<Exchange>>,
    unseen: Mutex<Vec<String>>,
}

impl Recorder for Notes {
    fn passed_on(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap().push(exchange);
    }

    fn unseen(&self, what: &str, why: &str) {
        self.unseen.lock().unwrap().push(format!("{what}: {why}"));
    }
}

struct Online {
    internet: Internet,
    runtime: Runtime,
    proxy: Proxy,
}

fn online(recorder: Option<Arc<Notes>>) -> Online {
    online_with(recorder, true)
}

fn online_with(recorder: Option<Arc<Notes>>, is_trusted: bool) -> Online {
    let internet = Internet::new();
    let recorder = recorder.map(|notes| notes as Arc<dyn Recorder>);
    let beyond = Beyond::PassOn(Box::new(PassOn { upstream: internet.upstream(is_trusted), recorder }));
    let proxy = Proxy::start(Box::new(Known), beyond, Timestamp::now()).unwrap();
    Online { internet, runtime: Runtime::new().unwrap(), proxy }
}

impl Online {
    fn client(&self, pem: &str) -> reqwest::Client {
        client_by(&self.proxy.url(), pem)
    }

    fn text(&self, request: reqwest::RequestBuilder) -> String {
        self.runtime.block_on(async {
            let text = request.send().await.unwrap().text().await.unwrap();
            // Until the client has its connection back: another request would make a new one.
            tokio::time::sleep(Duration::from_millis(50)).await;
            text
        })
    }
}

#[test]
fn what_is_known_comes_from_the_store_and_the_rest_of_that_host_as_it_was_asked() {
    let world = online(None);
    let client = world.client(world.proxy.certificate());
    assert_eq!(world.text(client.get("https://registry.example/known")), "known");
    assert_eq!(world.internet.connects(), [""; 0]);
    let request = client.post("https://registry.example/api").body("body").header("authorization", "Bearer t");
    let said = world.text(request.header("x-own", "1").header("range", "bytes=1-"));
    assert_eq!(said, "POST /api [authorization=Bearer t range=bytes=1- x-own=1] body");
    // The same connection serves the next request, and another one where the server has ended it.
    for path in ["close", "close", "other"] {
        let said = world.text(client.get(format!("https://registry.example/{path}")));
        assert!(said.starts_with(&format!("GET /{path} [")), "{said}");
    }
    assert_eq!(world.internet.connects(), ["registry.example:443"; 3]);
    let report = world.proxy.report();
    let passed: Vec<&str> = report.passed_on.iter().map(String::as_str).collect();
    let addresses = ["api", "close", "other"].map(|path| format!("https://registry.example/{path}"));
    assert_eq!((passed, report.has_refused_download), (addresses.iter().map(String::as_str).collect(), false));
}

#[test]
fn another_protocol_passes_on_an_opened_host() {
    let world = online(None);
    let client = world.client(world.proxy.certificate());
    let request =
        client.get("https://registry.example/socket").header("connection", "upgrade").header("upgrade", "echo");
    let said = world.runtime.block_on(async {
        let mut stream = request.send().await.unwrap().upgrade().await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.unwrap();
        said
    });
    assert_eq!(&said, b"ping");
}

/// The certificate that a host shows through the proxy: whether it is the server's own.
fn shows_its_own(world: &Online, host: &str, protocols: &[&[u8]], password: Option<&str>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(TLS_CERTIFICATE.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let authorization = password.map_or_else(String::new, |userinfo| {
        let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, userinfo);
        format!("Proxy-Authorization: Basic {basic}\r\n")
    });
    world.runtime.block_on(async {
        let mut stream = AsyncStream::connect(world.proxy.server.address()).await.unwrap();
        let connect = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{authorization}\r\n");
        stream.write_all(connect.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        let name = ServerName::try_from("registry.example").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.is_ok()
    })
}

#[test]
fn a_host_of_which_nothing_is_known_and_what_cannot_be_opened_are_tunnels() {
    let world = online(None);
    let password = world.proxy.shared.password.userinfo();
    assert!(shows_its_own(&world, "elsewhere.example", &[], Some(&password)));
    assert!(shows_its_own(&world, "registry.example", &[], None), "a browser that leaves the password out");
    assert!(shows_its_own(&world, "registry.example", &[b"h2"], Some(&password)), "HTTP/2 alone");
    assert_eq!(world.internet.connects(), ["elsewhere.example:443", "registry.example:443", "registry.example:443"]);
    // A client that trusts the server alone does not get through at first, and then does.
    assert!(!shows_its_own(&world, "registry.example", &[], Some(&password)));
    let is_through = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(20));
        shows_its_own(&world, "registry.example", &[], Some(&password))
    });
    assert!(is_through);
}

#[test]
fn who_cannot_be_reached_is_told_so() {
    let world = online(None);
    let answer = {
        let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, world.proxy.shared.password.userinfo());
        let mut stream = TcpStream::connect(world.proxy.server.address()).unwrap();
        let connect = format!(
            "CONNECT gone.example:443 HTTP/1.1\r\nHost: gone.example:443\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
        );
        stream.write_all(connect.as_bytes()).unwrap();
        let mut answer = [0; 512];
        let count = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    assert!(answer.starts_with("HTTP/1.1 502 gone.example:443: gone.example through http://127.0.0.1"), "{answer}");
}

#[test]
fn a_recorder_is_told_what_each_public_address_answered() {
    let notes = Arc::new(Notes::default());
    let world = online(Some(Arc::clone(&notes)));
    let client = world.client(world.proxy.certificate());
    let request =
        client.get("https://registry.example/a").header("range", "bytes=1-").header("authorization", "Basic eA==");
    let said = world.text(request);
    assert_eq!(said, "GET /a [authorization=Basic eA== accept-encoding=identity] ", "all of it is asked for");
    world.text(client.head("https://registry.example/b"));
    world.text(client.get("https://registry.example/known"));
    let exchanges = notes.exchanges.lock().unwrap().clone();
    let [a, b] = &exchanges[..] else { panic!("{exchanges:?}") };
    let whole = SeenBody::Whole {
        sha256: Digest::of(Algorithm::Sha256, said.as_bytes()),
        size: said.len() as u64,
        kept: Some(said.as_bytes().into()),
    };
    assert_eq!((a.url.as_str(), a.status, a.has_secrets, &a.body), ("https://registry.example/a", 200, true, &whole));
    assert_eq!(a.content_type.as_deref(), Some("text/plain"));
    assert_eq!(a.address, None, "it is behind a proxy");
    let own = std::fs::read("/proc/self/environ").ok();
    assert_eq!(a.environment.as_deref(), own.as_deref());
    assert_eq!((b.method.clone(), b.status, &b.body), (Method::HEAD, 200, &SeenBody::NotAsked));
    let password = world.proxy.shared.password.userinfo();
    assert!(shows_its_own(&world, "10.0.0.1", &[], Some(&password)));
    assert!(shows_its_own(&world, "registry.example", &[b"h2"], Some(&password)));
    assert_eq!(
        *notes.unseen.lock().unwrap(),
        [
            "10.0.0.1: passed through unseen: it is no public host",
            "registry.example: passed through unseen: its program speaks another protocol than HTTP/1.1"
        ]
    );
}

#[test]
fn a_host_whose_server_larder_does_not_trust_is_a_tunnel_from_then_on() {
    let notes = Arc::new(Notes::default());
    let world = online_with(Some(Arc::clone(&notes)), false);
    let client = world.client(world.proxy.certificate());
    let request = client.get("https://registry.example/a");
    let status = world.runtime.block_on(async { request.send().await.unwrap().status() });
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let unseen = notes.unseen.lock().unwrap().clone();
    assert!(
        unseen[0].starts_with("https://registry.example/a: it could not be asked: registry.example: no secure"),
        "{unseen:?}"
    );
    let password = world.proxy.shared.password.userinfo();
    assert!(shows_its_own(&world, "registry.example", &[], Some(&password)));
    assert_eq!(world.proxy.report().unverified.into_keys().collect::<Vec<_>>(), ["registry.example"]);
}
