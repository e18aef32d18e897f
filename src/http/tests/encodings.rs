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

/// A stream of blocks that are stored as they are: RFC 7932, 9.2.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, block) in bytes.chunks(1 << 16).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap();
        // The window's size (0: 16 bits) before the first one; then: not the last, 4 nibbles of length, the length, stored.
        let header = (length << 3 | 1 << 19) << u32::from(number == 0);
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(block);
    }
    // The last block, and it is empty.
    out.push(0b11);
    out
}

/// 64 MiB of zeros.
const BROTLI_BOMB: [u8; 106] = [
    203, 255, 255, 63, 248, 39, 0, 226, 177, 64, 32, 247, 254, 143, 255, 255, 127, 240, 79, 0, 196, 97, 17, 128, 238,
    253, 31, 255, 255, 255, 224, 159, 0, 136, 195, 2, 0, 221, 251, 63, 254, 255, 255, 193, 63, 1, 16, 135, 5, 0, 186,
    247, 127, 252, 255, 255, 131, 127, 2, 32, 14, 11, 0, 116, 239, 255, 248, 255, 255, 7, 255, 4, 64, 28, 22, 0, 232,
    222, 255, 241, 255, 255, 15, 254, 9, 128, 56, 44, 0, 208, 189, 255, 203, 255, 255, 63, 252, 19, 0, 113, 88, 0, 160,
    123, 255, 7,
];

fn encoded(encoding: &str, bytes: Vec<u8>) -> Reply {
    Reply::body(bytes).header("content-encoding", encoding).etag("\"1\"")
}

#[tokio::test]
async fn what_was_compressed_on_the_way_is_decompressed_where_the_bytes_as_they_are_are_wrong() {
    type Way = fn(&[u8]) -> Vec<u8>;
    let ways: [(&str, Way); 5] =
        [("br", brotli), ("gzip", gzip), ("X-GZip", gzip), ("deflate", zlib), ("deflate", deflate)];
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
    case.server.on("/a.tgz", encoded("zstd", b"?".to_vec()));
    let said = case.fails().await;
    assert!(
        said.starts_with("http://registry.example/a.tgz: the server compressed it (Content-Encoding: zstd), although it was asked not to")
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
async fn a_body_of_a_hundred_bytes_that_becomes_64_mib_is_not_held_in_memory() {
    let case = Case::new("right");
    case.server.on("/a.tgz", encoded("br", BROTLI_BOMB.to_vec()));
    let error = case.fetch().await.unwrap_err();
    assert!(matches!(error, DownloadError::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_document_is_decompressed_if_it_is_compressed() {
    let case = Case::new("");
    let text = b"{\"a\":1}";
    case.server.on("/packed", encoded("gzip", gzip(text)));
    case.server.on("/plain", encoded("gzip", text.to_vec()));
    case.server.on("/br", encoded("br", brotli(text)));
    case.server.on("/zstd", encoded("zstd", vec![0xff, 0xfe]));
    case.server.on("/bomb", encoded("gzip", gzip(&[0; 5000])));
    let client = case.client();
    let get = async |path: &str| {
        document(&client, &case.server.url(path).parse().unwrap(), "application/json", 1000, &Silent).await
    };
    assert_eq!(&get("/packed").await.unwrap()[..], text);
    assert_eq!(&get("/plain").await.unwrap()[..], text);
    assert_eq!(&get("/br").await.unwrap()[..], text);
    assert!(matches!(get("/zstd").await, Err(DownloadError::Encoding { .. })));
    assert!(matches!(get("/bomb").await, Err(DownloadError::TooLong { limit: 1000, .. })));
}
