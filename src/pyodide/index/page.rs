//! An index's list of a project's files: JSON (PEP 691) or HTML (PEP 503).

use url::Url;

pub use self::error::PageError;
use super::file::IndexFile;

mod error;
mod html;
mod json;

/// What is asked for, the best first.
pub const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// Reads a list that came from this address with this `Content-Type`.
pub fn read(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Result<Vec<IndexFile>, PageError> {
    let stated = content_type.unwrap_or_default();
    let media = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == "application/json" || media.ends_with("+json") {
        return json::files(bytes, url);
    }
    if matches!(media.as_str(), "text/html" | "application/xhtml+xml") || media.ends_with("+html") {
        return html::files(&String::from_utf8_lossy(bytes), url);
    }
    // Folders that are served as they are often say nothing of use.
    match bytes.trim_ascii_start().first() {
        Some(b'{') => json::files(bytes, url),
        Some(b'<') => html::files(&String::from_utf8_lossy(bytes), url),
        _ => Err(PageError::Type { content_type: stated.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use larder_store::digest::{Algorithm, Digest};

    use super::*;
    use crate::pyodide::index::file::CoreMetadata;

    fn base() -> Url {
        Url::parse("https://index.example/simple/a/").unwrap()
    }

    const HEX: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    #[test]
    fn json_is_read() {
        let json = format!(
            r#"{{"meta": {{"api-version": "1.4"}}, "name": "a", "versions": ["1.0"], "files": [
                {{"filename": "a-1.0-py3-none-any.whl", "url": "../../files/a-1.0-py3-none-any.whl#x", "hashes": {{"sha256": "{HEX}"}},
                  "requires-python": ">=3.9", "size": 12, "upload-time": "2025-01-02T03:04:05.678901Z", "yanked": "broken",
                  "core-metadata": {{"sha256": "{HEX}"}}, "provenance": null}},
                {{"filename": "a-1.0.tar.gz", "url": "https://files.example/a-1.0.tar.gz", "hashes": {{}}, "yanked": false, "core-metadata": false}}
            ]}}"#
        );
        let files = read(json.as_bytes(), Some("application/vnd.pypi.simple.v1+json"), &base()).unwrap();
        let digest = Digest::of(Algorithm::Sha256, b"a");
        let expected = IndexFile {
            file_name: "a-1.0-py3-none-any.whl".to_owned(),
            url: Url::parse("https://index.example/files/a-1.0-py3-none-any.whl").unwrap(),
            sha256: Some(digest),
            size: Some(12),
            requires_python: Some(">=3.9".to_owned()),
            uploaded: Some("2025-01-02T03:04:05.678901Z".parse().unwrap()),
            is_yanked: true,
            metadata: CoreMetadata::Offered(Some(digest)),
        };
        assert_eq!(files[0], expected);
        assert_eq!((files[1].sha256, files[1].metadata, files[1].is_yanked), (None, CoreMetadata::Absent, false));
    }

    #[test]
    fn html_is_read() {
        let html = format!(
            r#"<!DOCTYPE html><html><head><base href="https://files.example/x/"></head><body>
            <A data-requires-python="&gt;=3.9" href='a-1.0-py3-none-any.whl#sha256={HEX}' data-core-metadata="sha256={HEX}">a-1.0-py3-none-any.whl</A><br/>
            <a href="/b/a-1.1%2Bx-py3-none-any.whl" data-yanked data-dist-info-metadata="true">a</a>
            <!-- <a href="no.whl">no</a> --></body></html>"#
        );
        let files = read(html.as_bytes(), Some("text/html; charset=utf-8"), &base()).unwrap();
        let digest = Digest::of(Algorithm::Sha256, b"a");
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].url.as_str(), "https://files.example/x/a-1.0-py3-none-any.whl");
        assert_eq!((files[0].sha256, files[0].metadata), (Some(digest), CoreMetadata::Offered(Some(digest))));
        assert_eq!((files[0].requires_python.as_deref(), files[0].is_yanked), (Some(">=3.9"), false));
        assert_eq!((files[1].file_name.as_str(), files[1].is_yanked), ("a-1.1+x-py3-none-any.whl", true));
        assert_eq!((files[1].metadata, files[1].sha256), (CoreMetadata::Offered(None), None));
        assert_eq!(read(b"<a href=x.whl>x.whl</a>", None, &base()).unwrap()[0].file_name, "x.whl");
    }

    #[test]
    fn what_is_no_list_is_named() {
        let message = |bytes: &[u8], media| read(bytes, media, &base()).unwrap_err().to_string();
        let json = Some("application/json");
        assert_eq!(
            message(b"PK", Some("application/zip")),
            "its type is `application/zip`, neither JSON nor HTML of the simple API"
        );
        assert_eq!(message(b"[]", json), "it is not the simple API's JSON");
        let newer = br#"{"meta": {"api-version": "2.0"}, "files": []}"#;
        assert_eq!(message(newer, json), "it is version 2.0 of the simple API; larder reads 1.x");
        let file = |rest: &str| format!(r#"{{"files": [{{"filename": "a.whl", {rest}}}]}}"#);
        assert_eq!(message(file(r#""url": "file:///etc/passwd""#).as_bytes(), json), "a.whl: its address is invalid");
        let hash = file(r#""url": "a.whl", "hashes": {"sha256": "12"}"#);
        assert_eq!(message(hash.as_bytes(), json), "a.whl: its sha256 is invalid");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(<a|<base| href=|data-yanked|[\"'<>/#&; a=-]|&#x?[0-9a-f]{0,9};|\\PC)*", media in "(text/html|application/json|)") {
            let _ = read(text.as_bytes(), Some(&media), &base());
        }
    }
}
