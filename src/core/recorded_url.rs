//! [`RecordedUrl`]: an address that a lock may hold. Everybody who has the lock asks it, so it has no secret, and leads to no private place.

use std::{fmt, sync::Arc};

use url::{Host, Url, form_urlencoded};

/// Longer ones are refused by servers and proxies, bytes.
const LONGEST: usize = 2048;

/// Of a query's key, characters that a message has.
const LONGEST_KEY: usize = 40;

/// Names that are resolved on one machine or in one network alone: RFC 6761, 6762 (with its appendix G), 7686, 8375, and the clouds' `internal`.
const PRIVATE_SUFFIXES: [&str; 13] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
    "onion",
];

/// Beginnings of the query keys with which object stores sign an address.
const SIGNING_PREFIXES: [&str; 5] = ["x-amz-", "x-goog-", "x-oss-", "x-cos-", "x-ms-"];

/// Parts of query keys that name a secret.
const SECRET_PARTS: [&str; 7] = ["signature", "token", "secret", "password", "credential", "apikey", "accesskey"];

/// Whole query keys that sign an address or say who asks; without `-` and `_`.
const SECRET_KEYS: [&str; 18] = [
    "sig",
    "sign",
    "auth",
    "authkey",
    "authorization",
    "expires",
    "expiry",
    "exp",
    "keypairid",
    "policy",
    "googleaccessid",
    "jwt",
    "hmac",
    "hdnea",
    "hdnts",
    "pass",
    "passwd",
    "session",
];

/// An address that a lock may hold: `https:`, on a host with a public name, without user, fragment or a query that looks signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedUrl(Arc<Url>);

/// Why an address may not stand in a lock. No message has more of the address than its host or the key of its query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedUrlError {
    /// No address.
    #[error("no address that begins with https:")]
    Scheme,
    /// More bytes than servers take.
    #[error("an address that is longer than {LONGEST} bytes")]
    TooLong,
    /// A user name or a password.
    #[error("an address with a user name or a password, which have no place here")]
    User,
    /// A fragment, which no server sees.
    #[error("an address with a fragment, which no server sees: leave out what follows the #")]
    Fragment,
    /// An IP address in the place of a name.
    #[error("an address of a machine by its number, where a public host's name has to be")]
    Number,
    /// A name that means something on one machine or in one network alone.
    #[error("an address on `{host}`, which is no public host: others have another there, or none")]
    Private {
        /// The host.
        host: String,
    },
    /// A query that is signed or says who asks.
    #[error(
        "an address whose query has `{key}`, which looks like a signature or a secret: name the address that redirects to it"
    )]
    Secret {
        /// The key in the query.
        key: String,
    },
}

impl RecordedUrl {
    /// Reads and checks an address.
    pub fn parse(text: &str) -> Result<Self, RecordedUrlError> {
        if text.len() > LONGEST {
            return Err(RecordedUrlError::TooLong);
        }
        Self::new(Url::parse(text).map_err(|_| RecordedUrlError::Scheme)?)
    }

    /// Checks an address.
    pub fn new(url: Url) -> Result<Self, RecordedUrlError> {
        if url.scheme() != "https" {
            return Err(RecordedUrlError::Scheme);
        }
        // What is not ASCII is longer once it is escaped.
        if url.as_str().len() > LONGEST {
            return Err(RecordedUrlError::TooLong);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RecordedUrlError::User);
        }
        if url.fragment().is_some() {
            return Err(RecordedUrlError::Fragment);
        }
        if !has_public_host(&url) {
            return Err(match url.host() {
                Some(Host::Domain(host)) => RecordedUrlError::Private { host: host.to_owned() },
                Some(Host::Ipv4(_) | Host::Ipv6(_)) => RecordedUrlError::Number,
                None => RecordedUrlError::Scheme,
            });
        }
        if let Some(key) = secret_key(&url) {
            return Err(RecordedUrlError::Secret { key });
        }
        Ok(Self(Arc::new(url)))
    }

    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as text, in its normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name of the file there: what follows the path's last slash.
    pub fn file_name(&self) -> &str {
        self.0.path().rsplit('/').next().unwrap_or_default()
    }

    /// The host's name.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for RecordedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the address is on a host whose name can mean the same to everybody. What the name is looked up as is another matter.
pub fn has_public_host(url: &Url) -> bool {
    url.domain().is_some_and(is_public)
}

/// Bytes that a name has at most: RFC 1035.
const LONGEST_HOST: usize = 253;

/// Whether the name can mean the same host to everybody.
fn is_public(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if host.len() > LONGEST_HOST || !host.bytes().all(is_of_name) {
        return false;
    }
    let is_below = |suffix: &str| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // A name of one part is resolved by the search list of each machine.
    host.contains('.') && !host.split('.').any(str::is_empty) && !PRIVATE_SUFFIXES.iter().any(|suffix| is_below(suffix))
}

/// Whether a word is the name of a secret, or of a part of a signature: a query's key, a header's name.
pub fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let bare: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    SIGNING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SECRET_PARTS.iter().any(|part| bare.contains(part))
        || SECRET_KEYS.contains(&bare.as_str())
}

/// The first key of the query that looks like a part of a signature or a secret.
fn secret_key(url: &Url) -> Option<String> {
    // Some servers part pairs at semicolons.
    let parts = url.query().into_iter().flat_map(|query| query.split(['&', ';']));
    let mut keys = parts.flat_map(|part| form_urlencoded::parse(part.as_bytes())).map(|(key, _)| key);
    let key = keys.find(|key| names_secret(key))?;
    Some(key.chars().take(LONGEST_KEY).collect::<String>().escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_without_secrets_are_taken() {
        for text in [
            "https://files.example/a/b.zip",
            "https://files.example:8443/a",
            "https://files.example/desktop/13.17.0?platform=linux&arch=x64",
            "https://files.example/a;b?sign-up=1&expiresnot=2&key=v1",
            "https://local.example/a",
            "https://xn--bcher-kva.example/a",
            "https://files.example./a",
        ] {
            assert_eq!(RecordedUrl::parse(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(RecordedUrl::parse("HTTPS://Files.Example:443/a/../b").unwrap().as_str(), "https://files.example/b");
    }

    #[test]
    fn what_is_no_public_address_is_refused() {
        let private = |host: &str| RecordedUrlError::Private { host: host.to_owned() };
        let cases = [
            ("http://files.example/a", RecordedUrlError::Scheme),
            ("file:///a", RecordedUrlError::Scheme),
            ("data:text/plain,a", RecordedUrlError::Scheme),
            ("a/b", RecordedUrlError::Scheme),
            ("", RecordedUrlError::Scheme),
            ("https://me@files.example/a", RecordedUrlError::User),
            ("https://:pass@files.example/a", RecordedUrlError::User),
            ("https://files.example/a#b", RecordedUrlError::Fragment),
            ("https://127.0.0.1/a", RecordedUrlError::Number),
            ("https://0x7f.1/a", RecordedUrlError::Number),
            ("https://2130706433/a", RecordedUrlError::Number),
            ("https://8.8.8.8/a", RecordedUrlError::Number),
            ("https://[::1]/a", RecordedUrlError::Number),
            ("https://[fe80::1]/a", RecordedUrlError::Number),
            ("https://localhost/a", private("localhost")),
            ("https://LOCALHOST./a", private("localhost.")),
            ("https://a.localhost/a", private("a.localhost")),
            ("https://intranet/a", private("intranet")),
            ("https://nas.local/a", private("nas.local")),
            ("https://metadata.google.internal/a", private("metadata.google.internal")),
            ("https://router.home.arpa/a", private("router.home.arpa")),
            ("https://a..example/a", private("a..example")),
            ("https://*.example/a", private("*.example")),
            ("https://\"a.example/a", private("\"a.example")),
        ];
        for (text, expected) in cases {
            assert_eq!(RecordedUrl::parse(text), Err(expected), "{text}");
        }
        let long = format!("https://files.example/{}", "a".repeat(LONGEST));
        assert_eq!(RecordedUrl::parse(&long), Err(RecordedUrlError::TooLong));
        let escaped = format!("https://files.example/{}", "ä".repeat(LONGEST / 3));
        assert_eq!(RecordedUrl::parse(&escaped), Err(RecordedUrlError::TooLong));
    }

    #[test]
    fn a_query_that_looks_signed_is_refused_without_its_value() {
        for key in [
            "X-Amz-Signature",
            "x-amz-algorithm",
            "X-Goog-Credential",
            "Signature",
            "sig",
            "SIG",
            "token",
            "access_token",
            "private-token",
            "Expires",
            "Key-Pair-Id",
            "AWSAccessKeyId",
            "api_key",
            "t%6Fken",
            "a=1;token",
        ] {
            let error = RecordedUrl::parse(&format!("https://files.example/a?v=1&{key}=s3cret")).unwrap_err();
            assert!(matches!(error, RecordedUrlError::Secret { .. }), "{key}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
