//! Answers that are neither the file nor a plain refusal of it.

use std::{io::Write as _, net::TcpListener};

use larder_test_server::{Reply, Server, noise};

use super::*;

fn rest() -> String {
    "bytes=3-".to_owned()
}

#[tokio::test]
async fn whatever_refuses_the_rest_is_asked_for_the_whole() {
    for status in [400, 401, 403, 404, 405, 412, 416, 417, 431, 500, 501, 502, 504, 302] {
        let mut case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
        case.settings.retries = 0;
        case.server.route("/a.tgz", move |request| match request.header("range") {
            Some(_) => Reply::status(status),
            None => Reply::body("0123456789"),
        });
        case.arrives().await;
        assert_eq!(case.ranges(), [Some(rest()), None], "{status}");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_for_the_rest_again_and_in_the_end_for_the_whole() {
    let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
    case.server.script("/a.tgz", [Reply::status(503), Reply::body("0123456789").etag("\"1\"")]);
    case.arrives().await;
    assert_eq!(case.ranges(), [Some(rest()), Some(rest())]);

    let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
    case.server.route("/a.tgz", move |request| match request.header("range") {
        Some(_) => Reply::status(503),
        None => Reply::body("0123456789"),
    });
    case.arrives().await;
    assert_eq!(case.ranges(), [Some(rest()), Some(rest()), Some(rest()), Some(rest()), None]);
}

#[tokio::test]
async fn a_refusal_of_the_whole_leaves_what_is_kept() {
    let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
    case.server.on("/a.tgz", Reply::status(404));
    assert_eq!(case.fails().await, "http://registry.example/a.tgz: 404 Not Found");
    assert_eq!(case.ranges(), [Some(rest()), None]);
    assert_eq!(case.held.lock().unwrap().bytes, b"012");
}

#[tokio::test]
async fn a_validator_that_is_too_long_to_be_sent_back_is_not_kept() {
    let case = Case::new(noise(1, 600_000));
    let whole = Reply::body(case.wanted.clone()).etag(&format!("\"{}\"", "v".repeat(70_000)));
    case.server.script("/a.tgz", [whole.clone().cut_after(400_000), whole]);
    case.arrives().await;
    let last = &case.server.requests()[1];
    assert_eq!((last.header("if-range"), last.header("range")), (None, Some("bytes=400000-")));
}

#[tokio::test]
async fn some_hundred_header_lines_are_read() {
    let case = Case::new("bytes");
    let many = (0..900).fold(Reply::body("bytes"), |reply, number| reply.header(&format!("x-{number}"), "y"));
    case.server.on("/a.tgz", many);
    case.arrives().await;
}

/// A server that sends one header line after another, for ever.
#[tokio::test]
async fn the_total_timeout_holds_for_headers_that_trickle() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line: &[u8] = b"HTTP/1.1 200 OK\r\n";
            while stream.write_all(line).is_ok() {
                line = b"x: y\r\n";
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    });
    let mut case = Case::new("bytes");
    case.settings.stall_timeout = Duration::from_mins(1);
    case.settings.total_timeout = Duration::from_millis(300);
    let error = case.fetch_from(&format!("http://{address}/a.tgz")).await.unwrap_err();
    assert!(matches!(error, DownloadError::Timeout { phase: Phase::Whole, .. }), "{error}");
    let url = format!("http://{address}/a").parse().unwrap();
    let error = document(&case.client(), &url, "*/*", 1000, &Silent).await.unwrap_err();
    assert!(matches!(error, DownloadError::Timeout { phase: Phase::Whole, .. }), "{error}");
}

#[tokio::test]
async fn a_refusals_own_reason_is_shown() {
    let why = "a@1.0.0 is quarantined";
    let json = format!(r#"{{"error": "{why}"}}"#);
    let cases = [
        (Reply::status(403).phrase("Forbidden by policy 7"), "by policy 7"),
        (Reply::status(403).phrase("FORBIDDEN").header("npm-notice", why), why),
        (Reply::body(json.clone()).with_status(403).header("content-type", "application/json"), why),
        (Reply::body(why).with_status(400).header("content-type", "text/plain"), why),
        // Said three times, shown once.
        (Reply::body(json).with_status(451).phrase(why).header("npm-notice", why), why),
    ];
    for (reply, expected) in cases {
        let case = Case::new("bytes");
        case.server.on("/a.tgz", reply);
        let said = case.fails().await;
        assert!(said.ends_with(&format!(": {expected}")) && said.matches(expected).count() == 1, "{said}");
    }
}

fn through(proxy: &Server, user: &str) -> Case {
    let mut case = Case::new("bytes");
    let address: url::Url = proxy.url("/").replace("http://", &format!("http://{user}")).parse().unwrap();
    case.settings.http_proxy = Some(address.clone());
    case.settings.https_proxy = Some(address);
    case
}

#[tokio::test]
async fn a_proxy_that_refuses_a_tunnel_is_asked_once_whatever_is_downloaded() {
    let proxy = Server::start();
    proxy.fallback(|_| Reply::status(407).header("proxy-authenticate", "NTLM"));
    let case = through(&proxy, "joe:wrong@");
    let client = case.client();
    let get = async |url: &str| {
        let request = Request { url: url.parse().unwrap(), is_checked: true };
        download(&client, &request, case.sink(), Arc::new(Silent)).await.unwrap_err()
    };
    let (one, two, three) = tokio::join!(
        get("https://registry.example/a.tgz"),
        get("https://registry.example/b.tgz"),
        get("https://other.example/c.tgz")
    );
    for error in [one, two, three, get("https://registry.example/d.tgz").await] {
        let proxy = proxy.url("/");
        let said = message(&error);
        assert!(
            said.ends_with(&format!(
                ": the proxy {proxy} answers 407: it does not accept the user and password in its address"
            )),
            "{said}"
        );
        assert!(!error.is_network());
    }
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_wants_to_know_who_asks_is_named_with_what_it_offers() {
    let proxy = Server::start();
    proxy.fallback(|_| Reply::status(407).header("proxy-authenticate", "NTLM, Negotiate"));
    let case = through(&proxy, "");
    let client = case.client();
    for path in ["a", "b"] {
        let url = format!("http://registry.example/{path}").parse().unwrap();
        let error = document(&client, &url, "*/*", 1000, &Silent).await.unwrap_err();
        let said = message(&error);
        let expected =
            "it requires authentication, and its address has no user and password (it offers NTLM, Negotiate)";
        assert!(said.ends_with(expected), "{said}");
    }
    assert_eq!(proxy.requests().len(), 1);
}

/// A proxy that accepts every connection and never answers.
fn silent_proxy() -> url::Url {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let _open: Vec<_> = listener.incoming().collect();
    });
    format!("http://user:secret@{address}/").parse().unwrap()
}

#[tokio::test]
async fn a_proxy_that_never_answers_is_named_before_the_stall_timeout() {
    let proxy = silent_proxy();
    let shown = RedactedUrl::new(&proxy);
    let mut case = Case::new("bytes");
    case.settings.http_proxy = Some(proxy.clone());
    case.settings.https_proxy = Some(proxy);
    case.settings.connect_timeout = Duration::from_millis(100);
    case.settings.stall_timeout = Duration::from_millis(100);
    case.settings.retries = 0;
    let https = case.fetch_from("https://registry.example/a.tgz").await.unwrap_err();
    assert!(https.is_network());
    assert_eq!(
        message(&https),
        format!("https://registry.example/a.tgz: no connection through the proxy {shown} after 0.1 s")
    );
    let http = case.fetch_from("http://registry.example/a.tgz").await.unwrap_err();
    assert!(http.is_network());
    assert_eq!(
        message(&http),
        format!("http://registry.example/a.tgz: no response through the proxy {shown} after 0.2 s")
    );
}

#[tokio::test]
async fn after_a_proxy_never_answered_one_download_the_others_get_no_retries() {
    let mut case = Case::new("bytes");
    case.settings.https_proxy = Some(silent_proxy());
    case.settings.connect_timeout = Duration::from_millis(50);
    let client = case.client();
    for (name, tries) in [("a", 4), ("b", 1)] {
        let request =
            Request { url: format!("https://registry.example/{name}.tgz").parse().unwrap(), is_checked: true };
        let words = Arc::new(Words::default());
        let error =
            download(&client, &request, case.sink(), Arc::clone(&words) as Arc<dyn Progress>).await.unwrap_err();
        assert!(
            matches!(error.last(), DownloadError::Timeout { phase: Phase::Connect, proxy: Some(_), .. }),
            "{error}"
        );
        let requests = words.0.lock().unwrap().iter().filter(|word| *word == "Requested").count();
        assert_eq!(requests, tries, "{name}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named() {
    let mut case = Case::new("bytes");
    case.settings.retries = 0;
    // Nothing listens there any more.
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    case.settings.http_proxy = Some(format!("http://user:secret@{closed}/").parse().unwrap());
    let error = case.fetch_from("http://registry.example/a.tgz").await.unwrap_err().to_string();
    assert_eq!(error, format!("http://registry.example/a.tgz: cannot connect through the proxy http://{closed}/"));
    case.settings.http_proxy = Some("http://proxy.invalid:3128/".parse().unwrap());
    let resolver = Arc::new(resolver::Resolver::new(|_host| Box::pin(async { Err(std::io::Error::other("no")) })));
    let client = Client::with_resolver(case.settings.clone(), Arc::new(NoCredentials), &resolver).unwrap();
    let url = "http://registry.example/a.tgz".parse().unwrap();
    let error = document(&client, &url, "*/*", 1000, &Silent).await.unwrap_err().to_string();
    let expected =
        "http://registry.example/a.tgz: the name of the proxy http://proxy.invalid:3128/ cannot be looked up: no";
    assert_eq!(error, expected);
}
