//! Bodies of every shape, and what they cost.

use larder_test_server::{Reply, noise};

use super::*;

#[tokio::test]
async fn a_short_body_is_handed_over_in_one_call() {
    let case = Case::new(noise(1, 2_000));
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()));
    case.arrives().await;
    assert_eq!(case.calls(), ["begin 0", "write 2000", "finish"]);
    assert_eq!(case.words(), ["Requested", "Started { offset: 0, total: Some(2000) }", "Finished { len: 2000 }"]);
    let requests = case.server.requests();
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    assert_eq!(requests[0].header("authorization"), None);
}

#[tokio::test]
async fn a_long_body_is_handed_over_in_batches() {
    let case = Case::new(noise(1, 5_000_000));
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()));
    case.arrives().await;
    let calls = case.calls();
    assert!((4..=41).contains(&calls.len()), "{calls:?}");
    assert_eq!((calls[0].as_str(), calls[calls.len() - 1].as_str()), ("begin 0", "finish"));
}

#[tokio::test]
async fn bytes_that_come_one_by_one_are_gathered() {
    let case = Case::new(noise(1, 600));
    let pause = Duration::from_micros(50);
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()).chunked().trickling(1, pause));
    case.arrives().await;
    // How many there are depends on how long the machine takes; one for each byte would be 602.
    assert!(case.calls().len() <= 60, "{:?}", case.calls());
}

#[tokio::test]
async fn a_body_may_be_empty_chunked_or_without_a_length() {
    for reply in [Reply::body(""), Reply::body("").chunked(), Reply::body("").until_closed()] {
        let case = Case::new("");
        case.server.on("/a.tgz", reply);
        case.arrives().await;
        assert_eq!(case.calls(), ["begin 0", "finish"]);
    }
    for framed in [Reply::chunked, Reply::until_closed] {
        let case = Case::new(noise(2, 700_000));
        case.server.on("/a.tgz", framed(Reply::body(case.wanted.clone())));
        case.arrives().await;
    }
}

#[tokio::test]
async fn an_encoded_body_is_taken_as_it_is() {
    let case = Case::new("\u{1f}not really gzip");
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()).header("content-encoding", "gzip"));
    case.arrives().await;
}

#[tokio::test]
async fn wrong_bytes_are_asked_for_once_more_and_then_refused() {
    let case = Case::new("right");
    case.server.on("/a.tgz", Reply::body("wrong"));
    let error = case.fetch().await.unwrap_err();
    let expected = Digest::of(Algorithm::Sha512, b"right");
    let actual = Digest::of(Algorithm::Sha512, b"wrong");
    assert_eq!(
        case.shown(&error.to_string()),
        format!("http://registry.example/a.tgz: expected {expected}, got {actual}")
    );
    assert!(!error.is_network());
    assert_eq!(case.server.count("/a.tgz"), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_without_saying_so_is_asked_for_once_more() {
    for cut in [Reply::until_closed as fn(Reply) -> Reply, |reply| reply.saying_length(100_000)] {
        let case = Case::new(noise(3, 400_000));
        let first = cut(Reply::body(case.wanted[..100_000].to_vec()));
        case.server.script("/a.tgz", [first, Reply::body(case.wanted.clone())]);
        case.arrives().await;
        assert_eq!(case.ranges(), [None, None]);
        assert!(case.words()[2].starts_with("retrying 1: http://registry.example/a.tgz: expected sha512-"));
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let replies =
        [Reply::body(noise(1, 1001)), Reply::body(noise(1, 1001)).chunked(), Reply::body("").saying_length(1001)];
    for (reply, begins) in replies.into_iter().zip([0, 1, 0]) {
        let mut case = Case::new(noise(1, 1001));
        case.settings.max_bytes = 1000;
        case.server.on("/a.tgz", reply);
        assert_eq!(case.fails().await, "http://registry.example/a.tgz: 1001 bytes or more, only 1000 are accepted");
        assert_eq!(case.calls().len(), begins);
        assert_eq!(case.server.count("/a.tgz"), 1);
    }
}

#[tokio::test]
async fn a_sink_that_cannot_write_stops_the_download() {
    let case = Case::new(noise(1, 2_000_000));
    case.held.lock().unwrap().fails_to_write = true;
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()));
    let error = case.fetch().await.unwrap_err();
    assert_eq!(case.shown(&message(&error)), "cannot keep what http://registry.example/a.tgz sent ← the disk is full");
    assert!(!error.is_network());
    let DownloadError::Sink { source, .. } = error else { panic!("{error}") };
    assert!(source.downcast_ref::<DiskFull>().is_some());
    assert_eq!(case.server.count("/a.tgz"), 1);
}

#[tokio::test]
async fn a_document_arrives_whole_or_not_at_all() {
    let case = Case::new("");
    case.server.script("/doc", [Reply::body("{\"a\":1}").cut_after(3), Reply::body("{\"a\":1}")]);
    let url = case.server.url("/doc").parse().unwrap();
    let client = case.client();
    let text = document(&client, &url, "application/json", 7, &*case.words).await.unwrap();
    assert_eq!(&text[..], b"{\"a\":1}");
    assert_eq!(case.server.requests()[1].header("accept"), Some("application/json"));
    assert_eq!(case.server.requests()[1].header("range"), None);
    let error = document(&client, &url, "application/json", 6, &*case.words).await.unwrap_err();
    assert_eq!(case.shown(&error.to_string()), "http://registry.example/doc: 7 bytes or more, only 6 are accepted");
}

#[tokio::test]
async fn a_dropped_download_leaves_what_the_sink_has_taken() {
    let case = Case::new(noise(1, 1_000_000));
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()).stall_after(700_000));
    let held = Arc::clone(&case.held);
    tokio::select! {
        _ = case.fetch() => panic!("it cannot end"),
        () = async { while held.lock().unwrap().bytes.len() < 500_000 { tokio::task::yield_now().await } } => {}
    }
    let len = held.lock().unwrap().bytes.len();
    assert_eq!(held.lock().unwrap().bytes, case.wanted[..len]);
    case.server.on("/a.tgz", Reply::body(case.wanted.clone()));
    case.arrives().await;
    assert_eq!(case.ranges()[1], Some(format!("bytes={len}-")));
}
