//! Bodies that break, and what is kept of them.

use larder_test_server::{Reply, noise};

use super::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn body() -> Vec<u8> {
    noise(7, 600_000)
}

#[tokio::test]
async fn a_broken_body_is_resumed_where_it_broke() {
    for whole in [Reply::body(body()).etag("\"1\""), Reply::body(body())] {
        let case = Case::new(body());
        case.server.script("/a.tgz", [whole.clone().cut_after(400_000), whole.clone().cut_after(100_000), whole]);
        case.arrives().await;
        let ranges = [None, Some("bytes=400000-".to_owned()), Some("bytes=500000-".to_owned())];
        assert_eq!(case.ranges(), ranges);
        let words = case.words();
        assert_eq!(words[2], "retrying 1: http://registry.example/a.tgz: broken off after 400000 bytes of 600000");
        assert_eq!(words[4], "Started { offset: 400000, total: Some(600000) }");
        assert_eq!(words[8], "Finished { len: 600000 }");
    }
}

#[tokio::test]
async fn a_short_body_that_breaks_is_resumed_too() {
    let case = Case::new("0123456789");
    let whole = Reply::body("0123456789").header("last-modified", DATE).header("date", "Sun, 06 Nov 1994 09:00:00 GMT");
    case.server.script("/a.tgz", [whole.clone().cut_after(4), whole]);
    case.arrives().await;
    assert_eq!(case.server.requests()[1].header("if-range"), Some(DATE));
    assert_eq!(case.calls(), ["begin 0", "write 4", "begin 4", "write 6", "finish"]);
}

#[tokio::test]
async fn a_later_run_resumes_what_an_earlier_one_left() {
    let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
    case.server.on("/a.tgz", Reply::body("0123456789").etag("\"1\""));
    case.arrives().await;
    let request = &case.server.requests()[0];
    assert_eq!((request.header("range"), request.header("if-range")), (Some("bytes=3-"), Some("\"1\"")));
    assert_eq!((request.status, request.sent), (206, 7));
}

#[tokio::test]
async fn another_version_of_the_file_is_taken_whole() {
    let case = Case::new("0123456789").keeping(b"abc", Some("\"old\""));
    case.server.on("/a.tgz", Reply::body("0123456789").etag("\"new\""));
    case.arrives().await;
    assert_eq!(case.calls(), ["begin 0", "write 10", "finish"]);
    assert_eq!(case.server.count("/a.tgz"), 1);
}

#[tokio::test]
async fn without_validator_or_check_nothing_is_resumed() {
    let mut case = Case::new("0123456789").keeping(b"012", None);
    case.is_checked = false;
    case.server.on("/a.tgz", Reply::body("0123456789"));
    case.arrives().await;
    assert_eq!(case.ranges(), [None]);
}

#[tokio::test]
async fn a_partial_answer_that_does_not_continue_is_not_used() {
    let whole = || Reply::body("0123456789").etag("\"1\"");
    let liars = [
        whole().saying_range("bytes 4-9/10"),
        whole().saying_range("bytes 3-8/10"),
        whole().saying_range("bytes 3-19/20"),
        whole().saying_range("nonsense"),
        // Says that it is of another version, in answer to If-Range.
        Reply::body("3456789").etag("\"2\"").with_status(206).header("content-range", "bytes 3-9/10"),
        Reply::body("3456789").with_status(206),
        Reply::status(416).header("content-range", "bytes */2"),
        Reply::status(416),
    ];
    for liar in liars {
        let case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
        case.server.script("/a.tgz", [liar.clone(), whole()]);
        case.arrives().await;
        assert_eq!(case.ranges(), [Some("bytes=3-".to_owned()), None], "{liar:?}");
        assert_eq!(case.calls(), ["begin 0", "write 10", "finish"]);
    }
}

#[tokio::test]
async fn an_unknown_total_is_only_believed_when_a_digest_follows() {
    for (is_checked, requests) in [(true, 1), (false, 2)] {
        let mut case = Case::new("0123456789").keeping(b"012", Some("\"1\""));
        case.is_checked = is_checked;
        let whole = Reply::body("0123456789").etag("\"1\"");
        case.server.script("/a.tgz", [whole.clone().saying_range("bytes 3-9/*"), whole]);
        case.arrives().await;
        assert_eq!(case.server.count("/a.tgz"), requests);
    }
}

#[tokio::test]
async fn pieces_that_do_not_fit_are_fetched_once_more_whole() {
    let case = Case::new("0123456789").keeping(b"abc", None);
    case.server.on("/a.tgz", Reply::body("0123456789"));
    case.arrives().await;
    assert_eq!(case.ranges(), [Some("bytes=3-".to_owned()), None]);
    assert!(case.words()[2].starts_with("retrying 1: http://registry.example/a.tgz: expected sha512-"));
    assert_eq!(case.calls(), ["begin 3", "write 7", "finish", "begin 0", "write 10", "finish"]);
}

#[tokio::test]
async fn pieces_of_a_wrong_file_are_refused_after_the_whole_came_twice() {
    let case = Case::new("0123456789").keeping(b"abc", None);
    case.server.on("/a.tgz", Reply::body("abcdefghij"));
    let error = case.fetch().await.unwrap_err();
    assert!(matches!(error, DownloadError::Mismatch { .. }), "{error}");
    assert_eq!(case.server.count("/a.tgz"), 3);
}

#[tokio::test]
async fn a_whole_that_was_kept_needs_no_request() {
    let case = Case::new("0123456789").keeping(b"0123456789", None);
    case.held.lock().unwrap().is_complete = true;
    case.arrives().await;
    assert_eq!(case.server.requests().len(), 0);
    assert_eq!(case.words(), ["Finished { len: 10 }"]);
}

#[tokio::test]
async fn a_whole_that_was_kept_and_is_wrong_is_fetched() {
    let case = Case::new("0123456789").keeping(b"012345678_", None);
    case.held.lock().unwrap().is_complete = true;
    case.server.on("/a.tgz", Reply::body("0123456789"));
    case.arrives().await;
    assert_eq!(case.ranges(), [None]);
}

#[tokio::test]
async fn a_server_without_more_bytes_confirms_the_whole() {
    for (kept, ranges) in
        [(b"0123456789", vec![Some("bytes=10-".to_owned())]), (b"012345678_", vec![Some("bytes=10-".to_owned()), None])]
    {
        let case = Case::new("0123456789").keeping(kept, None);
        case.server.on("/a.tgz", Reply::body("0123456789"));
        case.arrives().await;
        assert_eq!(case.ranges(), ranges);
    }
}
