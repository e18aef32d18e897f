//! Package URLs (purl), as package-url's specification writes them: `pkg:npm/%40scope/name@1.0.0?download_url=https://…`.

use std::fmt::Write as _;

/// A package URL that is being written.
#[derive(Clone, Debug)]
pub(super) struct Purl<'a> {
    /// `npm`, `pypi`, `generic`.
    pub(super) kind: &'static str,
    /// What is before the name, and the name.
    pub(super) path: Vec<&'a str>,
    /// The version, if it is known.
    pub(super) version: Option<&'a str>,
    /// What tells it from others of that name and version; each key once.
    pub(super) qualifiers: Vec<(&'static str, String)>,
}

impl Purl<'_> {
    /// In its canonical form.
    pub(super) fn to_text(&self) -> String {
        let path: Vec<String> = self.path.iter().map(|part| escaped(part, "")).collect();
        let mut text = format!("pkg:{}/{}", self.kind, path.join("/"));
        if let Some(version) = self.version {
            let _ = write!(text, "@{}", escaped(version, ""));
        }
        let mut qualifiers: Vec<_> = self.qualifiers.iter().filter(|(_, value)| !value.is_empty()).collect();
        qualifiers.sort_unstable();
        for (position, (key, value)) in qualifiers.into_iter().enumerate() {
            let _ = write!(text, "{}{key}={}", if position == 0 { '?' } else { '&' }, escaped(value, "/"));
        }
        text
    }
}

/// Everything is escaped but what the specification names, the colon among it, and what `kept` has.
fn escaped(text: &str, kept: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || ".-_~:".contains(c) || kept.contains(c) {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_qualifiers_are_escaped_and_sorted() {
        let purl = |kind, path: &[&'static str], version, qualifiers: &[(&'static str, &str)]| {
            let qualifiers = qualifiers.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            Purl { kind, path: path.to_vec(), version, qualifiers }.to_text()
        };
        assert_eq!(purl("npm", &["@scope", "a"], Some("1.0.0-b+c"), &[]), "pkg:npm/%40scope/a@1.0.0-b%2Bc");
        assert_eq!(purl("npm", &["ä&?#"], None, &[("a", "")]), "pkg:npm/%C3%A4%26%3F%23");
        let qualifiers = [
            ("vcs_url", "git+https://forge.example/a/b@c"),
            ("checksum", "sha256:00"),
            ("download_url", "https://x.example/?a=b&c=d#e f"),
        ];
        assert_eq!(
            purl("generic", &["a"], Some("1"), &qualifiers),
            "pkg:generic/a@1?checksum=sha256:00&download_url=https://x.example/%3Fa%3Db%26c%3Dd%23e%20f&vcs_url=git%2Bhttps://forge.example/a/b%40c"
        );
    }
}
