//! Addresses that may be shown: [`RedactedUrl`].

use std::fmt;

use url::Url;

/// An address without user, password, query and fragment: what errors, events and logs show.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedactedUrl(Box<str>);

impl RedactedUrl {
    /// What of this address may be shown.
    pub fn new(url: &Url) -> Self {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Refused where there is no host, and then there is no user either.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Self(format!("{}:…", url.scheme()).into());
        }
        Self(String::from(url).into())
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
            ("https://registry.example/", "https://registry.example/"),
            ("http://secret@[::1]:80/x", "http://[::1]/x"),
            ("data:secret", "data:…"),
            ("file:///a/b?secret", "file:…"),
        ];
        for (url, shown) in cases {
            assert_eq!(RedactedUrl::new(&url.parse().unwrap()).as_str(), shown);
        }
    }
}
