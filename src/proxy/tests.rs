//! The proxy with real clients: what it serves and refuses, and to whom; [`online`] has what it passes on.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use jiff::Timestamp;
use larder_store::{
    Store,
    commit::Committer,
    digest::{Algorithm, Digest, Integrity},
    download_lock::DownloadLock,
    key::{BlobRef, Wanted},
};
use reqwest::{Method, StatusCode, header};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::Url;

use super::{authority::Authority, *};
use crate::loopback::CheckedBlob;

mod online;

const SMALL: &str = "https://files.example/small.tgz";
const LARGE: &str = "https://files.example/large.zip";
const GONE: &str = "https://files.example/gone.tgz";
const OFFLINE: &str = "not here";

/// Two files in a store, and one that cannot be had.
struct Files {
    store: Store,
    small: BlobRef,
    large: BlobRef,
}

impl Source for Files {
    fn answer(&self, url: &Url) -> Answer {
        let (found, content_type) = match url.as_str() {
            SMALL => (self.small, None),
            LARGE => (self.large, Some("application/zip".to_owned())),
            GONE => return Answer::Refused("gone for good".to_owned()),
            _ => return Answer::Unknown,
        };
        match CheckedBlob::read(&self.store, found, None) {
            Ok(blob) => Answer::File(ServedFile { blob, len: found.size, tag: found.blob.to_string(), content_type }),
            Err(error) => Answer::Refused(error.to_string()),
        }
    }

    fn has_host(&self, host: &str, port: u16) -> bool {
        (host, port) == ("files.example", 443)
    }
}

struct World {
    _folder: TempDir,
    runtime: Runtime,
    proxy: Proxy,
}

fn large() -> Vec<u8> {
    (0..1_000_000_u32).flat_map(|number| (number % 251).to_le_bytes()).take(1 << 20).collect()
}

fn put(store: &Store, bytes: &[u8]) -> BlobRef {
    let digest = {
        let mut hasher = larder_store::digest::Hasher::new([Algorithm::Sha256]);
        hasher.update(bytes);
        hasher.finish().digests
    };
    let digest: &Digest = &digest[0];
    let wanted = Wanted::Integrity(Integrity::new(vec![*digest]).unwrap());
    let lookup = store.lookup(std::slice::from_ref(&wanted), Timestamp::now()).unwrap();
    let DownloadLock::Acquired(mut part) = DownloadLock::acquire(&lookup, &wanted, None, Vec::new()).unwrap() else {
        panic!("it is not here")
    };
    part.write(bytes).unwrap();
    let receipt = part.finish().unwrap();
    let committer = Committer::start(&lookup, Timestamp::now());
    let (sender, receiver) = std::sync::mpsc::channel();
    committer.submit_then(part.seal(receipt), move |outcome| sender.send(outcome.unwrap()).unwrap());
    committer.hurry();
    receiver.recv().unwrap()
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let files = Files { small: put(&store, b"small"), large: put(&store, &large()), store };
    let proxy = Proxy::start(Box::new(files), Beyond::Refuse(OFFLINE), Timestamp::now()).unwrap();
    World { _folder: folder, runtime: Runtime::new().unwrap(), proxy }
}

fn client_by(proxy: &str, pem: &str) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(proxy).unwrap())
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl World {
    fn client(&self) -> reqwest::Client {
        client_by(&self.proxy.url(), self.proxy.certificate())
    }

    fn get(&self, url: &str, headers: &[(header::HeaderName, &str)]) -> (reqwest::Response, Vec<u8>) {
        self.send(Method::GET, url, headers)
    }

    fn send(&self, method: Method, url: &str, headers: &[(header::HeaderName, &str)]) -> (reqwest::Response, Vec<u8>) {
        self.runtime.block_on(async {
            let mut request = self.client().request(method, url);
            for (name, value) in headers {
                request = request.header(name, *value);
            }
            let mut response = request.send().await.unwrap();
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.unwrap() {
                body.extend_from_slice(&piece);
            }
            (response, body)
        })
    }

    /// What the proxy answers to these bytes before anything else is said.
    fn raw(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.proxy.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = vec![0; 4096];
        let count = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }
}

fn phrase(response: &reqwest::Response) -> String {
    let phrase = response.extensions().get::<hyper::ext::ReasonPhrase>();
    phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned()).unwrap_or_default()
}

#[test]
fn what_is_known_comes_from_the_store_whole_in_part_and_not_at_all() {
    let world = world();
    let (response, body) = world.get(SMALL, &[]);
    assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"small"[..]));
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/octet-stream");
    let (response, body) = world.get(LARGE, &[]);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/zip");
    assert!(body == large());
    let (response, body) = world.get(LARGE, &[(header::RANGE, "bytes=300000-599999")]);
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes 300000-599999/1048576");
    assert!(body == large()[300_000..600_000]);
    let (_, body) = world.get(SMALL, &[(header::RANGE, "bytes=-3")]);
    assert_eq!(body, b"all");
    let (response, _) = world.get(SMALL, &[(header::RANGE, "bytes=9-")]);
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let tag = world.get(LARGE, &[]).0.headers()[header::ETAG].to_str().unwrap().to_owned();
    let (response, body) = world.get(LARGE, &[(header::IF_NONE_MATCH, &tag)]);
    assert_eq!((response.status(), body.len()), (StatusCode::NOT_MODIFIED, 0));
    let (response, body) = world.send(Method::HEAD, LARGE, &[]);
    assert_eq!((&response.headers()[header::CONTENT_LENGTH], body.len()), (&"1048576".parse().unwrap(), 0));
    assert_eq!(world.proxy.report(), ProxyReport::default());
}

#[test]
fn offline_the_rest_is_refused_inside_tls_with_the_reason_in_the_phrase_and_told() {
    let world = world();
    for (method, url, why) in [
        (Method::GET, "https://files.example/other?token=secret", OFFLINE),
        (Method::GET, "https://elsewhere.example/", OFFLINE),
        (Method::POST, SMALL, OFFLINE),
        (Method::GET, GONE, "gone for good"),
        (Method::GET, "http://plain.example/a", OFFLINE),
        (Method::GET, "https://10.0.0.1/", OFFLINE),
    ] {
        let (response, body) = world.send(method, url, &[]);
        assert_eq!((response.status(), phrase(&response).as_str()), (StatusCode::NOT_FOUND, why), "{url}");
        assert_eq!(String::from_utf8(body).unwrap(), format!("larder: {why}\n"));
    }
    let report = world.proxy.report();
    assert!(report.has_refused_download);
    let refused: Vec<&str> = report.refused.keys().map(String::as_str).collect();
    assert_eq!(
        refused,
        [
            "http://plain.example/a",
            "https://10.0.0.1/",
            "https://elsewhere.example/",
            GONE,
            "https://files.example/other",
            SMALL
        ]
    );
    assert_eq!(world.proxy.report(), ProxyReport::default(), "it is told once");
}

#[test]
fn only_who_has_the_password_is_answered() {
    let world = world();
    let without = format!("http://{}", world.proxy.server.address());
    let wrong = format!("http://larder:{}@{}", "0".repeat(32), world.proxy.server.address());
    for proxy in [without, wrong] {
        let asked = client_by(&proxy, world.proxy.certificate()).get(SMALL).send();
        assert!(world.runtime.block_on(asked).is_err(), "{proxy}");
    }
    let answer = world.raw("CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
    assert!(answer.contains("proxy-authenticate: Basic"), "{answer}");
}

#[test]
fn a_request_for_another_host_than_the_connections_is_not_answered() {
    let world = world();
    for host in ["elsewhere.example", "files.example:444", "user@files.example"] {
        let (response, _) = world.get(SMALL, &[(header::HOST, host)]);
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let report = world.proxy.report();
    assert_eq!(
        report.refused["https://files.example/"],
        "the request names another host than the connection was asked for"
    );
    assert!(report.has_refused_download);
    // Nor may a server choose between two.
    let (response, _) = world.get(SMALL, &[(header::HOST, "files.example"), (header::HOST, "files.example")]);
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    for host in ["files.example:443", "FILES.example"] {
        let (response, _) = world.get(SMALL, &[(header::HOST, host)]);
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
}

#[test]
fn a_client_that_does_not_trust_the_authority_is_told_of_by_host() {
    let world = world();
    let other = Authority::new(Timestamp::now()).unwrap();
    let client = client_by(&world.proxy.url(), other.pem());
    assert!(world.runtime.block_on(client.get(SMALL).send()).is_err());
    drop(client);
    let mut hosts = Vec::new();
    for _ in 0..200 {
        hosts.extend(world.proxy.report().distrusting.into_keys());
        if !hosts.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(hosts, ["files.example"]);
}

#[test]
fn ten_thousand_refusals_are_noted_up_to_a_bound() {
    let tally = tally::Tally::default();
    for number in 0..10_000 {
        tally.refused(&format!("https://files.example/{number:05}"), OFFLINE, true);
    }
    tally.refused("https://files.example/00000", "another reason", true);
    let report = tally.take();
    assert_eq!((report.refused.len(), report.more), (1000, 9000));
    assert_eq!(report.refused["https://files.example/00000"], OFFLINE);
}

#[test]
fn two_hundred_connections_and_clients_that_die_in_the_middle_disturb_nobody() {
    let world = world();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.proxy.server.address()).unwrap();
        stream.write_all(b"CONNECT files.example:443 HTTP/1.1\r\nHost: fi").unwrap();
    }
    let client = world.client();
    world.runtime.block_on(async {
        let mut dying = client.get(LARGE).send().await.unwrap();
        dying.chunk().await.unwrap();
        drop(dying);
        let all = (0..200).map(|_| {
            let request = client.get(LARGE);
            tokio::spawn(async move { request.send().await.unwrap().bytes().await.unwrap().len() })
        });
        for task in all.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), 1 << 20);
        }
    });
}

#[test]
fn what_is_only_sent_is_refused_and_no_download() {
    let world = world();
    world.send(Method::POST, "https://telemetry.example/", &[]);
    let report = world.proxy.report();
    assert_eq!((report.refused.len(), report.has_refused_download), (1, false));
}

#[test]
fn a_connection_that_ends_for_a_reason_of_its_own_is_no_distrust() {
    let world = world();
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, world.proxy.shared.password.userinfo());
    for said in [&b""[..], b"\x16\x03\x01", b"no TLS at all\r\n\r\n"] {
        let mut stream = TcpStream::connect(world.proxy.server.address()).unwrap();
        stream
            .write_all(format!("CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\nProxy-Authorization: Basic {basic}\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        stream.write_all(said).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
    }
    assert_eq!(world.proxy.report(), ProxyReport::default());
}

#[test]
fn this_machine_is_reached_by_a_tunnel_whose_bytes_are_not_looked_at() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 10];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(&asked).unwrap();
    });
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, world.proxy.shared.password.userinfo());
    let connect =
        |host: &str| format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {basic}\r\n\r\n");
    let mut stream = TcpStream::connect(world.proxy.server.address()).unwrap();
    stream.write_all(connect(&format!("localhost:{port}")).as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"\x01\x02 no HTTP").unwrap();
    let mut echoed = [0; 10];
    stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"\x01\x02 no HTTP");
    let answer = world.raw(&connect("127.0.0.1:1"));
    assert!(answer.starts_with("HTTP/1.1 502 127.0.0.1:1: "), "{answer}");
}

#[test]
fn plain_http_to_this_machine_is_passed_on_as_without_a_proxy() {
    let world = world();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let count = stream.read(&mut asked).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        String::from_utf8_lossy(&asked[..count]).to_ascii_lowercase()
    });
    let (response, body) = world.get(&format!("http://localhost:{port}/a?b"), &[]);
    assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"hi"[..]));
    let asked = served.join().unwrap();
    assert!(asked.starts_with("get /a?b http/1.1\r\n") && !asked.contains("proxy-"), "{asked}");
    assert_eq!(world.proxy.report(), ProxyReport::default());
}
