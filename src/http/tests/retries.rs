//! What is tried again, how often, and what is said in the end.

use std::{net::TcpListener, time::Instant};

use larder_test_server::{Reply, noise};

use super::*;

#[tokio::test]
async fn passing_failures_are_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let case = Case::new("bytes");
        case.server.script("/a.tgz", [Reply::status(status), Reply::status(status), Reply::body("bytes")]);
        case.arrives().await;
        assert_eq!(case.server.count("/a.tgz"), 3, "{status}");
    }
}

#[tokio::test]
async fn lasting_failures_are_not() {
    let cases = [
        (400, "400 Bad Request"),
        (401, "401 Unauthorized (there are no credentials for this address)"),
        (403, "403 Forbidden (there are no credentials for this address)"),
        (404, "404 Not Found"),
        (410, "410 Gone"),
        (204, "204 No Content"),
        (206, "206 Partial Content"),
        (304, "304 Not Modified"),
    ];
    for (status, said) in cases {
        let case = Case::new("bytes");
        case.server.on("/a.tgz", Reply::status(status));
        assert_eq!(case.fails().await, format!("http://registry.example/a.tgz: {said}"));
        assert_eq!(case.server.count("/a.tgz"), 1);
        assert!(!case.fetch().await.unwrap_err().is_network(), "{status}: another run would be told the same");
    }
}

#[tokio::test]
async fn after_the_last_try_it_says_how_many_and_why() {
    let case = Case::new("bytes");
    case.server.on("/a.tgz", Reply::status(503));
    assert_eq!(case.fails().await, "gave up after 4 tries ← http://registry.example/a.tgz: 503 Service Unavailable");
    assert_eq!(case.server.count("/a.tgz"), 4);
}

#[tokio::test]
async fn waits_as_long_as_the_server_asks_but_not_for_ever() {
    for (asked, at_least, at_most) in [("1", 50, 900), ("Fri, 31 Dec 2286 23:59:59 GMT", 50, 900), ("0", 0, 50)] {
        let mut case = Case::new("bytes");
        case.settings.retry_after_max = Duration::from_millis(50);
        case.server.script("/a.tgz", [Reply::status(429).header("retry-after", asked), Reply::body("bytes")]);
        let progress = Arc::new(Waits::default());
        let request = Request { url: case.server.url("/a.tgz").parse().unwrap(), is_checked: true };
        let start = Instant::now();
        download(&case.client(), &request, case.sink(), Arc::clone(&progress) as _).await.unwrap();
        let waits = progress.0.lock().unwrap().clone();
        assert_eq!(waits.len(), 1);
        let wait = waits[0].as_millis();
        assert!((at_least..=at_most).contains(&wait), "{asked}: {wait} ms");
        assert!(start.elapsed() >= waits[0]);
    }
}

#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Progress for Waits {
    fn event(&self, event: Event<'_>) {
        if let Event::Retrying { after, .. } = event {
            self.0.lock().unwrap().push(after);
        }
    }
}

#[tokio::test]
async fn a_reset_connection_is_tried_again() {
    let case = Case::new(noise(3, 300_000));
    let whole = Reply::body(case.wanted.clone());
    case.server.script("/a.tgz", [whole.clone().reset_after(0), whole.clone().reset_after(100_000), whole]);
    case.arrives().await;
    assert_eq!(case.server.count("/a.tgz"), 3);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_said_is_broken() {
    let mut case = Case::new("0123456789");
    case.settings.retries = 1;
    case.server.on("/a.tgz", Reply::body("0123456789").saying_length(20).ignoring_range());
    let error = case.fails().await;
    let expected = "gave up after 2 tries ← http://registry.example/a.tgz: broken off after 10 bytes of 20";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_stalled_body_is_resumed() {
    let mut case = Case::new("0123456789");
    case.settings.stall_timeout = Duration::from_millis(60);
    let whole = Reply::body("0123456789");
    case.server.script("/a.tgz", [whole.clone().stall_after(4), whole]);
    case.arrives().await;
    assert_eq!(case.ranges()[1].as_deref(), Some("bytes=4-"));
    assert_eq!(case.words()[2], "retrying 1: http://registry.example/a.tgz: no more bytes after 0.06 s");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let mut case = Case::new("bytes");
    case.settings.connect_timeout = Duration::from_millis(40);
    case.settings.stall_timeout = Duration::from_millis(20);
    case.settings.retries = 1;
    case.server.on("/a.tgz", Reply::body("bytes").delayed(Duration::from_millis(500)));
    let last = "http://registry.example/a.tgz: no response after 0.06 s";
    assert_eq!(case.fails().await, format!("gave up after 2 tries ← {last}"));
}

#[tokio::test]
async fn the_whole_has_its_own_limit_of_time() {
    let mut case = Case::new("bytes");
    case.settings.total_timeout = Duration::from_millis(400);
    case.settings.retries = 1_000_000;
    case.server.on("/a.tgz", Reply::status(503));
    assert_eq!(case.fails().await, "http://registry.example/a.tgz: not complete after 0.4 s");
    assert!(case.server.count("/a.tgz") > 1);
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_gets_its_retries_once() {
    let case = Case::new("bytes");
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = case.client();
    let url: url::Url = format!("http://user:secret@127.0.0.1:{port}/a.tgz?secret").parse().unwrap();
    let request = Request { url, is_checked: true };
    let first = download(&client, &request, case.sink(), Arc::clone(&case.words) as _).await.unwrap_err();
    let text = message(&first);
    assert!(
        text.starts_with(&format!("gave up after 4 tries ← http://127.0.0.1:{port}/a.tgz: cannot connect")),
        "{text}"
    );
    assert!(text.contains("refused") && !text.contains("secret"), "{text}");
    assert!(first.is_network());
    let second = download(&client, &request, case.sink(), Arc::clone(&case.words) as _).await.unwrap_err();
    assert!(matches!(second, DownloadError::Connect { .. }), "{second}");
}

#[tokio::test]
async fn a_name_without_address_is_named() {
    let resolver =
        Arc::new(resolver::Resolver::new(|_| Box::pin(async { Err(std::io::Error::other("no such name")) })));
    let case = Case::new("bytes");
    let client = Client::with_resolver(case.settings.clone(), Arc::new(NoCredentials), &resolver).unwrap();
    let request = Request { url: "http://registry.example/a.tgz".parse().unwrap(), is_checked: true };
    let error = download(&client, &request, case.sink(), Arc::new(Silent)).await.unwrap_err();
    assert!(matches!(error.last(), DownloadError::Lookup { .. }), "{error}");
    let text = message(&error);
    assert!(text.starts_with("gave up after 4 tries ← http://registry.example/a.tgz: the host's name"), "{text}");
    assert!(text.ends_with("cannot be looked up: no such name"), "{text}");
}
