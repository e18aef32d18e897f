//! Redaction: addresses as messages, receipts and identities may show them, without secrets.

use std::fmt;

use url::Url;

/// An address without user name, password, query and fragment, each of which can hold a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedactedUrl(Box<str>);

impl RedactedUrl {
    /// What of this address may be shown.
    pub fn new(url: &Url) -> Self {
        Self(redact(url).into())
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text of [`RedactedUrl`]: of an address that is no path on a host (`data:`), the scheme alone.
pub fn redact(url: &Url) -> String {
    if url.cannot_be_a_base() {
        return format!("{}:…", url.scheme());
    }
    let mut shown = without_userinfo(url);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

/// The address without user name and password.
pub(crate) fn without_userinfo(url: &Url) -> Url {
    let mut bare = url.clone();
    if !bare.username().is_empty() || bare.password().is_some() {
        // Both fail only for an address that cannot hold a user name, and such an address has none.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_neither_user_password_query_nor_fragment() {
        let cases = [
            (
                "https://user:secret@registry.example:8443/a/b.tgz?token=secret#secret",
                "https://registry.example:8443/a/b.tgz",
            ),
            ("https://token@registry.example/a", "https://registry.example/a"),
            ("https://registry.example/", "https://registry.example/"),
            ("http://secret@[::1]:80/x", "http://[::1]/x"),
            ("data:secret", "data:…"),
            ("file:///a/b?secret", "file:///a/b"),
        ];
        for (url, shown) in cases {
            assert_eq!(RedactedUrl::new(&url.parse().unwrap()).as_str(), shown);
        }
    }
}
