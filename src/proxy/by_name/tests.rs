//! The servers of a run's network with real clients, on free ports of loopback.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, UdpSocket},
    time::Duration,
};

use bytes::Bytes;
use hickory_resolver::proto::{
    op::{Message, Query},
    rr::{Name, RData, RecordType},
};

use super::*;
use crate::{
    loopback::CheckedBlob,
    proxy::{Answer, ServedFile, opened::HTTP2_ALONE},
};

const EVERY_HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Answers each address with itself, but for those at `unknown.example`.
struct Echo;

impl Source for Echo {
    fn answer(&self, url: &Url) -> Answer {
        if url.host_str() == Some("unknown.example") {
            return Answer::Unknown;
        }
        let bytes = Bytes::from(url.to_string());
        let len = bytes.len() as u64;
        Answer::File(ServedFile { blob: CheckedBlob::of_bytes(bytes), len, tag: "t".to_owned(), content_type: None })
    }

    fn has_host(&self, _: &str, _: u16) -> bool {
        true
    }
}

struct World {
    by_name: ByName,
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let listening = Listening {
            dns: "127.0.0.1:0".parse().unwrap(),
            every_host: EVERY_HOST,
            sockets: vec!["127.0.0.1:0".parse().unwrap()],
        };
        let by_name = ByName::start(Box::new(Echo), "not here", Timestamp::now(), &listening).unwrap();
        Self { by_name, runtime: Runtime::new().unwrap() }
    }

    fn at(&self) -> SocketAddr {
        self.by_name.bound.sockets[0]
    }

    /// A client that finds these names at the listener, as a server of names would have it.
    fn client(&self, pem: &str) -> reqwest::ClientBuilder {
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]);
        ["files.example", "unknown.example"].iter().fold(builder, |builder, name| builder.resolve(name, self.at()))
    }

    fn get(&self, url: &str) -> (u16, String) {
        self.runtime.block_on(async {
            let client = self.client(self.by_name.certificate()).build().unwrap();
            let mut response = client.get(url).send().await.unwrap();
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.unwrap() {
                body.extend_from_slice(&piece);
            }
            (response.status().as_u16(), String::from_utf8(body).unwrap())
        })
    }

    /// The first line of what is answered to these bytes, and the last.
    fn raw(&self, text: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.at()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        (all.lines().next().unwrap().to_owned(), all.lines().next_back().unwrap().to_owned())
    }
}

fn question(kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii("files.example.").unwrap(), kind));
    message.to_vec().unwrap()
}

fn addresses(answer: &[u8]) -> Vec<RData> {
    Message::from_vec(answer).unwrap().answers.iter().map(|record| record.data.clone()).collect()
}

#[test]
fn each_host_is_answered_by_the_name_that_the_client_says() {
    let world = World::new();
    let port = world.at().port();
    for url in [format!("https://files.example:{port}/a?b=1"), format!("http://files.example:{port}//c")] {
        assert_eq!(world.get(&url), (200, url));
    }
    // Who asks for an address says no name.
    let by_address = format!("https://127.0.0.1:{port}/d");
    assert_eq!(world.get(&by_address), (200, by_address));
    assert_eq!(world.by_name.report(), ProxyReport::default());
}

#[test]
fn what_is_not_known_is_refused_and_told() {
    let world = World::new();
    let url = format!("https://unknown.example:{}/a", world.at().port());
    assert_eq!(world.get(&url), (404, "larder: not here\n".to_owned()));
    let report = world.by_name.report();
    assert_eq!(report.refused, [(url, "not here".to_owned())].into());
    assert!(report.has_refused_download);
}

#[test]
fn a_client_that_speaks_http_2_alone_ends_at_once_and_is_told() {
    let world = World::new();
    let url = format!("https://files.example:{}/", world.at().port());
    let error = world.runtime.block_on(async {
        let client = world.client(world.by_name.certificate()).http2_prior_knowledge().build().unwrap();
        client.get(&url).timeout(Duration::from_secs(10)).send().await.unwrap_err()
    });
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(world.by_name.report().refused, [(url, HTTP2_ALONE.to_owned())].into());
}

#[test]
fn a_client_that_trusts_others_is_named() {
    let world = World::new();
    let other = World::new();
    let url = format!("https://files.example:{}/", world.at().port());
    world.runtime.block_on(async {
        let client = world.client(other.by_name.certificate()).build().unwrap();
        client.get(&url).send().await.unwrap_err();
    });
    let noted = (0..100).map(|_| world.by_name.report()).find(|report| {
        std::thread::sleep(Duration::from_millis(20));
        !report.distrusting.is_empty()
    });
    assert_eq!(noted.unwrap().distrusting.keys().collect::<Vec<_>>(), ["files.example"]);
}

#[test]
fn plain_requests_say_their_host_and_those_for_a_proxy_the_whole_address() {
    let world = World::new();
    let port = world.at().port();
    let close = "Connection: close\r\n\r\n";
    for (request, expected) in [
        (
            format!("GET /a HTTP/1.1\r\nHost: files.example:{port}\r\n{close}"),
            ("200", format!("http://files.example:{port}/a")),
        ),
        (
            format!("GET http://files.example/b HTTP/1.1\r\nHost: files.example\r\n{close}"),
            ("200", "http://files.example/b".to_owned()),
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: files.example\r\n{close}"),
            ("421", "larder: the request names no host, or another port than this one".to_owned()),
        ),
        (
            format!("GET /a HTTP/1.1\r\n{close}"),
            ("421", "larder: the request names no host, or another port than this one".to_owned()),
        ),
        (
            format!("GET /a HTTP/1.1\r\nHost: a@files.example:{port}\r\n{close}"),
            ("421", "larder: the request names no host, or another port than this one".to_owned()),
        ),
    ] {
        let (status, body) = world.raw(&request);
        assert_eq!((status.split(' ').nth(1).unwrap(), body), expected, "{request}");
    }
}

#[test]
fn names_are_answered_over_udp_and_tcp() {
    let world = World::new();
    let dns = world.by_name.bound.dns;
    let expected = [RData::A(EVERY_HOST.into())];
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut answer = [0; 512];
    for (kind, expected) in [(RecordType::A, &expected[..]), (RecordType::AAAA, &[])] {
        socket.send_to(&question(kind), dns).unwrap();
        let len = socket.recv(&mut answer).unwrap();
        assert_eq!(addresses(&answer[..len]), expected);
    }
    let mut stream = TcpStream::connect(dns).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // Two on one connection.
    for _ in 0..2 {
        let question = question(RecordType::A);
        let len = u16::try_from(question.len()).unwrap();
        stream.write_all(&[&len.to_be_bytes()[..], &question].concat()).unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(addresses(&answer), expected);
    }
}
