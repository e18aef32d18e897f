//! Blobs, manifests and tags from a registry.

use std::time::Instant;

use axum::body::Bytes;
use larder_test_server::{Reply, Server};

use super::{
    mock::{Mock, reply},
    *,
};
use crate::fetcher::Fault;

/// The repository of a server that breaks off where it is told to.
fn of_server(server: &Server) -> Repository {
    let reference = Reference::parse(&format!("oci://{}/team/app", server.address()), None).unwrap();
    Repository::open(&reference, Access::Pull, &settings(), Credentials::anonymous()).unwrap()
}

fn blob_path(digest: &ContentDigest) -> String {
    format!("/v2/team/app/blobs/{digest}")
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_obeyed() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    mock.hook(|seen| (seen.number == 0).then(|| reply(429, &[("retry-after", "3600")], "")));
    let before = Instant::now();
    assert!(anonymous(&mock).has_blob(&digest).await.unwrap());
    assert!(before.elapsed() >= Duration::from_millis(60), "as long as the settings allow");
}

#[tokio::test]
async fn a_registry_that_fails_is_asked_again_until_it_answers_or_for_so_often() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    mock.hook(|seen| (seen.number < 3).then(|| reply(503, &[], "")));
    assert_eq!(anonymous(&mock).blob(&digest, 3, 3).await.unwrap(), b"abc");
    mock.hook(|_| Some(reply(502, &[], r#"{"errors":[{"message":"out of order"}]}"#)));
    let error = anonymous(&mock).manifest(&v1()).await.unwrap_err();
    assert_eq!(
        text(&mock, &error),
        "registry.example/team/app: cannot read the manifest v1: the registry answers 502: out of order (4 tries)"
    );
    assert_eq!(error.fault(), Fault::Network);
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_the_network_s_fault() {
    let mock = Mock::start().await;
    let repository = anonymous(&mock);
    let address = mock.address;
    drop(mock);
    // Its thread may still accept: only a refused connection counts.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = repository.tags(10).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Network);
    assert_eq!(
        error.to_string().replace(&address.to_string(), "X"),
        "X/team/app: cannot list the tags: after 4 tries: http://X/v2/team/app/tags/list: cannot connect"
    );
}

#[tokio::test]
async fn a_blob_that_breaks_off_is_continued_where_it_broke_off() {
    let (server, blob) = (Server::start(), bytes(100_000));
    let digest = ContentDigest::of(&blob);
    let reply = || Reply::body(blob.clone());
    server.script(&blob_path(&digest), [reply().cut_after(30_000), reply().cut_after(50_000), reply()]);
    assert_eq!(of_server(&server).blob(&digest, 100_000, 100_000).await.unwrap(), blob);
    let ranges: Vec<_> = server.requests().iter().map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some("bytes=30000-99999".to_owned()), Some("bytes=80000-99999".to_owned())]);
    // A part as well.
    server.forget();
    let mut part = of_server(&server).read_blob(&digest, 100_000, Some(10..90_000)).await.unwrap();
    assert_eq!(all(&mut part).await.unwrap(), blob[10..90_000]);
    let ranges: Vec<_> = server.requests().iter().map(|request| request.header("range").unwrap().to_owned()).collect();
    assert_eq!(ranges, ["bytes=10-89999", "bytes=30010-89999", "bytes=80010-89999"]);
}

#[tokio::test]
async fn a_blob_that_always_breaks_off_is_given_up_in_the_end() {
    let (server, blob) = (Server::start(), bytes(1000));
    let digest = ContentDigest::of(&blob);
    server.on(&blob_path(&digest), Reply::body(blob.clone()).cut_after(0));
    let error = of_server(&server).blob(&digest, 1000, 1000).await.unwrap_err();
    assert!(
        error.to_string().ends_with("broken off after 0 bytes of 1000") && error.to_string().contains("after 4 tries"),
        "{error}"
    );
    // Also if each try gives something.
    server.on(&blob_path(&digest), Reply::body(blob.clone()).cut_after(1));
    let error = of_server(&server).blob(&digest, 1000, 1000).await.unwrap_err();
    assert!(
        error.to_string().ends_with("broken off after 101 bytes of 1000")
            && error.to_string().contains("after 101 tries"),
        "{error}"
    );
    assert_eq!(error.fault(), Fault::Network);
}

#[tokio::test]
async fn a_registry_that_gives_no_parts_gives_the_whole_and_says_so() {
    let (server, blob) = (Server::start(), bytes(100_000));
    let digest = ContentDigest::of(&blob);
    let reply = || Reply::body(blob.clone()).ignoring_range();
    server.script(&blob_path(&digest), [reply(), reply().cut_after(60_000), reply()]);
    let repository = of_server(&server);
    let mut body = repository.read_blob(&digest, 100_000, Some(10..20)).await.unwrap();
    assert_eq!(body.range(), 0..100_000);
    assert_eq!(all(&mut body).await.unwrap(), blob);
    // When it breaks off, what was had comes again and is passed over.
    assert_eq!(repository.blob(&digest, 100_000, 100_000).await.unwrap(), blob);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn wrong_bytes_are_found() {
    let mock = Mock::start().await;
    let (digest, wrong) = (ContentDigest::of(b"abc"), ContentDigest::of(b"abd"));
    mock.hook(|_| Some(reply(200, &[], "abd")));
    let repository = anonymous(&mock);
    let error = repository.blob(&digest, 3, 3).await.unwrap_err();
    let said = format!("the registry's data is wrong: expected {digest}, got {wrong}");
    assert_eq!(text(&mock, &error), format!("registry.example/team/app: cannot read the blob {digest}: {said}"));
    assert_eq!(error.fault(), Fault::Data);
    let error = repository.manifest(&Version::Digest(digest)).await.unwrap_err();
    assert_eq!(text(&mock, &error), format!("registry.example/team/app: cannot read the manifest {digest}: {said}"));
    // Of a tag nothing is known but what the registry says itself.
    let header = digest.to_string();
    mock.hook(move |_| Some(reply(200, &[("docker-content-digest", &header)], "abd")));
    assert!(matches!(repository.manifest(&v1()).await.unwrap_err().fault, RegistryFault::Digest { .. }));
}

#[tokio::test]
async fn lengths_and_ranges_that_contradict_are_refused() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    let repository = anonymous(&mock);
    let start = format!("registry.example/team/app: cannot read the blob {digest}:");
    let error = repository.blob(&digest, 4, 4).await.unwrap_err();
    let wrong = "the registry's answer is wrong:";
    assert_eq!(text(&mock, &error), format!("{start} {wrong} a blob of 3 bytes, which is to have 4"));
    let error = repository.blob(&digest, 4, 3).await.unwrap_err();
    assert_eq!(text(&mock, &error), format!("{start} more than 3 bytes"));
    for range in ["bytes 0-1/3", "bytes 1-2/4", "bytes 1-2/*,", "x"] {
        mock.hook(move |_| Some(reply(206, &[("content-range", range)], "bc")));
        let error = repository.read_blob(&digest, 3, Some(1..3)).await.unwrap_err();
        assert_eq!(text(&mock, &error), format!("{start} {wrong} other bytes of the blob than were asked for"));
    }
    mock.hook(|_| Some(reply(200, &[], vec![b' '; 5 << 20])));
    let error = repository.manifest(&v1()).await.unwrap_err();
    assert_eq!(text(&mock, &error), "registry.example/team/app: cannot read the manifest v1: more than 4194304 bytes");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_followed_without_credentials() {
    let (mock, other) = (Mock::start().await, Mock::start().await);
    let digest = mock.add_blob(b"abc");
    let target = format!("http://{}/storage?signature=x", other.address);
    other.hook(|seen| {
        Some(if seen.header("range").is_some() {
            reply(206, &[("content-range", "bytes 1-1/3")], "b")
        } else {
            reply(200, &[], "abc")
        })
    });
    mock.hook(move |seen| {
        Some(match seen.header("authorization") {
            Some(_) => reply(307, &[("location", &target)], ""),
            None => reply(401, &[("www-authenticate", "Basic")], ""),
        })
    });
    let repository = opened(&mock, Access::Pull, Credentials::basic("me", "s3cret"));
    assert_eq!(repository.blob(&digest, 3, 3).await.unwrap(), b"abc");
    let mut part = repository.read_blob(&digest, 3, Some(1..2)).await.unwrap();
    assert_eq!(all(&mut part).await.unwrap(), b"b");
    assert!(repository.has_blob(&digest).await.unwrap(), "that it redirects says that it is there");
    assert_eq!(other.lines(), ["GET /storage?signature=x"; 2]);
    assert!(other.seen().iter().all(|seen| seen.header("authorization").is_none()));
    other.hook(|_| Some(reply(403, &[], "<Error>secret</Error>")));
    let error = repository.blob(&digest, 3, 3).await.unwrap_err().to_string();
    assert!(!error.contains("signature") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn tags_are_read_page_by_page_and_from_the_registry_alone() {
    let mock = Mock::start().await;
    mock.hook(|seen| {
        let (page, link) = match seen.target.as_str() {
            "/v2/team/app/tags/list?n=5" => {
                (r#"{"tags":["a","b"]}"#, "</v2/team/app/tags/list?n=5&last=b>; rel=\"next\"")
            }
            "/v2/team/app/tags/list?n=5&last=b" => (r#"{"tags":["c"]}"#, "<?n=5&last=c>; rel=next"),
            "/v2/team/app/tags/list?n=5&last=c" => (r#"{"tags":null}"#, "<http://192.0.2.1/>; rel=\"next\""),
            _ => return None,
        };
        Some(reply(200, &[("link", link)], page))
    });
    let repository = anonymous(&mock);
    assert_eq!(repository.tags(5).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(mock.seen().len(), 3);
    // No such repository, as far as this one is asked.
    assert_eq!(repository.tags(2000).await.unwrap(), Vec::<String>::new());
    mock.hook(|_| Some(reply(200, &[("link", "<?n=1>; rel=next")], r#"{"tags":["x"]}"#)));
    assert_eq!(repository.tags(usize::MAX).await.unwrap().len(), MOST_TAG_PAGES);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    mock.hook(|_| {
        // Announces three bytes and never sends them.
        let (sender, channel) = http_body_util::channel::Channel::<Bytes, std::io::Error>::new(1);
        std::mem::forget(sender);
        Some(reply(200, &[("content-length", "3")], axum::body::Body::new(channel)))
    });
    let reference = Reference::parse(&format!("oci://{}/team/app", mock.address), None).unwrap();
    let settings = ClientSettings { stall_timeout: Duration::from_millis(50), retries: 1, ..settings() };
    let repository = Repository::open(&reference, Access::Pull, &settings, Credentials::anonymous()).unwrap();
    let error = repository.blob(&digest, 3, 3).await.unwrap_err();
    assert!(
        text(&mock, &error).ends_with("no more bytes after 0.05 s") && error.to_string().contains("after 2 tries"),
        "{error}"
    );
    assert_eq!(error.fault(), Fault::Network);
}
