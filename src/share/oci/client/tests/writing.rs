//! Blobs and manifests to a registry.

use std::io::Read as _;

use larder_test_server::{Reply, Server};

use super::{
    mock::{Mock, reply},
    *,
};
use crate::fetcher::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_written_is_read_again() {
    let mock = Mock::start().await;
    let repository = opened(&mock, Access::Push, Credentials::anonymous());
    let blob = bytes(3_000_000);
    let digest = ContentDigest::of(&blob);
    assert!(!repository.has_blob(&digest).await.unwrap());
    assert!(repository.write_blob(&digest, 3_000_000, source(blob.clone())).await.unwrap());
    assert!(repository.has_blob(&digest).await.unwrap());
    let sent = mock.seen().into_iter().find(|seen| seen.method == "PUT").unwrap();
    assert_eq!(sent.header("content-length"), Some("3000000"));
    assert_eq!(
        sent.target,
        format!("/v2/team/app/blobs/uploads/1?state=x&digest={}", digest.to_string().replace(':', "%3A"))
    );
    assert_eq!(repository.manifest(&v1()).await.unwrap(), None);
    repository.put_manifest(&v1(), MANIFEST, b"{}").await.unwrap();
    let stored = StoredDocument {
        digest: ContentDigest::of(b"{}"),
        media_type: Some(MANIFEST.to_owned()),
        bytes: b"{}".to_vec(),
    };
    for version in [v1(), Version::Digest(stored.digest)] {
        assert_eq!(repository.manifest(&version).await.unwrap().as_ref(), Some(&stored));
    }
    assert_eq!(repository.blob(&digest, 3_000_000, u64::MAX).await.unwrap(), blob);
    let mut part = repository.read_blob(&digest, 3_000_000, Some(1000..2500)).await.unwrap();
    assert_eq!(part.range(), 1000..2500);
    assert_eq!(all(&mut part).await.unwrap(), blob[1000..2500]);
    let none = repository.read_blob(&digest, 3_000_000, Some(7..7)).await.unwrap();
    let reader = none.into_read(tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || std::io::read_to_string(reader).unwrap()).await.unwrap();
    assert_eq!(read, "");
    let whole = repository.read_blob(&digest, 3_000_000, None).await.unwrap();
    let mut reader = whole.into_read(tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    });
    assert_eq!(read.await.unwrap().unwrap(), blob);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_sent_elsewhere_without_credentials_and_never_redirected() {
    let (mock, other) = (Mock::start().await, Mock::start().await);
    let digest = ContentDigest::of(b"abc");
    let target = format!("http://{}/v2/team/app/blobs/uploads/7", other.address);
    mock.hook(move |seen| {
        Some(match seen.header("authorization") {
            Some(_) => reply(202, &[("location", &target)], ""),
            None => reply(401, &[("www-authenticate", "Basic")], ""),
        })
    });
    let repository = opened(&mock, Access::Push, Credentials::basic("me", "s3cret"));
    assert!(repository.write_blob(&digest, 3, source(b"abc".to_vec())).await.unwrap());
    assert_eq!(other.blob(&digest).unwrap(), "abc");
    assert!(other.seen().iter().all(|seen| seen.header("authorization").is_none()));
    other.hook(|_| Some(reply(307, &[("location", "/elsewhere")], "")));
    let error = repository.write_blob(&digest, 3, source(b"abc".to_vec())).await.unwrap_err();
    assert!(
        text(&mock, &error).ends_with("the registry's answer is wrong: it redirects what is sent to it"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_is_sent_again_from_its_beginning() {
    let mock = Mock::start().await;
    let blob = bytes(700_000);
    let digest = ContentDigest::of(&blob);
    mock.hook(|seen| (seen.method == "PUT" && seen.number == 0).then(|| reply(500, &[], "")));
    let repository = opened(&mock, Access::Push, Credentials::anonymous());
    assert!(repository.write_blob(&digest, 700_000, source(blob.clone())).await.unwrap());
    assert_eq!(mock.blob(&digest).unwrap(), blob);
    let methods: Vec<String> = mock.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, ["POST", "PUT", "HEAD", "POST", "PUT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_alone_is_lost_is_not_repeated() {
    let mock = Mock::start().await;
    let digest = mock.add_blob(b"abc");
    mock.hook(|seen| (seen.method == "PUT").then(|| reply(504, &[], "")));
    let repository = opened(&mock, Access::Push, Credentials::anonymous());
    assert!(!repository.write_blob(&digest, 3, source(b"abc".to_vec())).await.unwrap());
    assert_eq!(mock.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_cannot_be_read_is_the_store_s_fault_and_is_not_tried_again() {
    let mock = Mock::start().await;
    let digest = ContentDigest::of(b"abc");
    let repository = opened(&mock, Access::Push, Credentials::anonymous());
    let sources: [(BlobSource, &str); 3] = [
        (Arc::new(|_| Err(std::io::Error::other("a damaged blob"))), "a damaged blob"),
        (source(b"ab".to_vec()), "1 bytes less than were announced"),
        (source(b"abcd".to_vec()), "more bytes than were announced"),
    ];
    for (source, why) in sources {
        let error = repository.write_blob(&digest, 3, source).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Store);
        let RegistryFault::Source(inner) = &error.fault else { panic!("{error:?}") };
        assert_eq!(inner.to_string(), why);
    }
    assert_eq!(mock.seen().iter().filter(|seen| seen.method == "POST").count(), 3);
    assert_eq!(mock.blob(&digest), None);
    // The registry compares too.
    let error = repository.write_blob(&digest, 3, source(b"abd".to_vec())).await.unwrap_err();
    assert!(text(&mock, &error).ends_with("refused (400): DIGEST_INVALID: other bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_may_take_longer_to_store_a_blob_than_to_answer() {
    let server = Server::start();
    server.close_each_connection();
    server.on("/v2/team/app/blobs/uploads/", Reply::status(202).header("location", "/upload"));
    server.on("/upload", Reply::status(201).delayed(Duration::from_millis(900)));
    let wait = Duration::from_millis(150);
    let settings = ClientSettings { connect_timeout: wait, stall_timeout: wait, retries: 0, ..settings() };
    let reference = Reference::parse(&format!("oci://{}/team/app", server.address()), None).unwrap();
    let repository = Repository::open(&reference, Access::Push, &settings, Credentials::anonymous()).unwrap();
    let digest = ContentDigest::of(b"abc");
    assert!(repository.write_blob(&digest, 3, source(b"abc".to_vec())).await.unwrap());
    // What is no blob is not waited for.
    server.on("/v2/team/app/manifests/v1", Reply::status(201).delayed(Duration::from_millis(900)));
    let error = repository.put_manifest(&v1(), MANIFEST, b"{}").await.unwrap_err();
    assert!(error.to_string().ends_with("/v2/team/app/manifests/v1: no response after 0.3 s"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_piece_of_a_small_blob_is_never_lost() {
    let mock = Mock::start().await;
    let reference = Reference::parse(&format!("oci://{}/team/app", mock.address), None).unwrap();
    // A second try would hide it.
    let settings = ClientSettings { retries: 0, ..settings() };
    let repository = Repository::open(&reference, Access::Push, &settings, Credentials::anonymous()).unwrap();
    for number in 0..300_u64 {
        let blob = number.to_le_bytes().to_vec();
        assert!(repository.write_blob(&ContentDigest::of(&blob), 8, source(blob)).await.unwrap());
    }
}
