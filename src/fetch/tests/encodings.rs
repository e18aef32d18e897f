//! Bodies that a server compresses although nobody asked for it.

use std::io::Write as _;

use flate2::{Compression, write};
use larder_test_server::{Reply, noise};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: &str, bytes: Vec<u8>) -> Reply {
    Reply::body(bytes).header("content-encoding", encoding).etag("\"1\"")
}

#[tokio::test]
async fn what_was_compressed_on_the_way_is_decompressed_where_the_bytes_as_they_are_are_wrong() {
    type Way = fn(&[u8]) -> Vec<u8>;
    let ways: [(&str, Way); 4] = [("gzip", gzip), ("X-GZip", gzip), ("deflate", zlib), ("deflate", deflate)];
    for (name, way) in ways {
        let case = Case::new(noise(1, 300_000));
        case.server.on("/a.tgz", encoded(name, way(&case.wanted)));
        case.arrives().await;
        assert_eq!(case.server.count("/a.tgz"), 2, "{name}");
        assert_eq!(case.ranges(), [None, None]);
    }
}

#[tokio::test]
async fn a_file_that_is_compressed_by_itself_is_taken_as_it_is_whatever_the_header_says() {
    let case = Case::new(gzip(&noise(1, 1000)));
    case.server.on("/a.tgz", encoded("gzip", case.wanted.clone()));
    case.arrives().await;
    assert_eq!(case.server.count("/a.tgz"), 1);
}

#[tokio::test]
async fn a_server_that_is_known_to_compress_is_asked_once_for_each_file() {
    let case = Case::new(noise(1, 3000));
    case.server.on("/a.tgz", encoded("gzip", gzip(&case.wanted)));
    case.server.on("/b.tgz", encoded("gzip", case.wanted.clone()));
    let client = case.client();
    for (path, requests) in [("/a.tgz", 2), ("/a.tgz", 3), ("/b.tgz", 2)] {
        let request = Request { url: case.server.url(path).parse().unwrap(), is_checked: true };
        let bytes = download(&client, &request, case.sink(), Arc::new(Silent)).await.unwrap();
        assert_eq!((bytes, case.server.count(path)), (case.wanted.clone(), requests), "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_either_way_is_refused_with_the_digests_of_the_bytes_as_they_came() {
    let case = Case::new("right");
    for body in [b"wrong".to_vec(), gzip(b"wrong")] {
        case.server.forget();
        case.server.on("/a.tgz", encoded("gzip", body));
        let error = case.fetch().await.unwrap_err();
        assert!(matches!(error, DownloadError::Mismatch { .. }), "{error}");
        assert_eq!(case.server.count("/a.tgz"), 2);
    }
}

#[tokio::test]
async fn a_compression_that_cannot_be_undone_is_named() {
    let case = Case::new("right");
    case.server.on("/a.tgz", encoded("br", b"?".to_vec()));
    let said = case.fails().await;
    assert!(
        said.starts_with("http://registry.example/a.tgz: the server compressed it (Content-Encoding: br), although it was asked not to")
            && said.contains("expected sha512-"),
        "{said}"
    );
}

#[tokio::test]
async fn what_becomes_too_long_is_not_decompressed_further() {
    let mut case = Case::new("right");
    case.settings.max_bytes = 100_000;
    case.server.on("/a.tgz", encoded("gzip", gzip(&vec![0; 1_000_000])));
    let error = case.fetch().await.unwrap_err();
    let DownloadError::TooLong { limit: 100_000, actual, .. } = error else { panic!("{error}") };
    assert!((100_001..=1_000_000).contains(&actual), "{actual}");
}

#[tokio::test]
async fn a_document_is_decompressed_if_it_is_compressed() {
    let case = Case::new("");
    let text = b"{\"a\":1}";
    case.server.on("/packed", encoded("gzip", gzip(text)));
    case.server.on("/plain", encoded("gzip", text.to_vec()));
    case.server.on("/br", encoded("br", vec![0xff, 0xfe]));
    case.server.on("/bomb", encoded("gzip", gzip(&[0; 5000])));
    let client = case.client();
    let get = async |path: &str| {
        document(&client, &case.server.url(path).parse().unwrap(), "application/json", 1000, &Silent).await
    };
    assert_eq!(&get("/packed").await.unwrap()[..], text);
    assert_eq!(&get("/plain").await.unwrap()[..], text);
    assert!(matches!(get("/br").await, Err(DownloadError::Encoding { .. })));
    assert!(matches!(get("/bomb").await, Err(DownloadError::TooLong { limit: 1000, .. })));
}
