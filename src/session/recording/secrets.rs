//! Secrets in a text that would stand in a lock. Pure.

use serde_json::Value;
use url::Url;

use crate::core::recorded_url::{RecordedUrl, RecordedUrlError};

/// Keys of JSON whose values are secrets, without `-` and `_` and in small letters.
const KEYS: [&str; 14] = [
    "token",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "sessiontoken",
    "jwt",
    "password",
    "passwd",
    "secret",
    "clientsecret",
    "apikey",
    "privatekey",
    "credential",
    "credentials",
];

/// JSON that is nested deeper is looked at to there.
const DEEPEST: usize = 64;

/// The key of the first secret that a text has: in JSON, or in the query of an address.
pub(super) fn secret_in(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let in_json = serde_json::from_str(text).ok().and_then(|json: Value| key_in(&json, 0));
    in_json.or_else(|| {
        let words = text.split(|c: char| c.is_whitespace() || "\"'<>()\\`,".contains(c));
        let mut urls = words.filter(|word| word.starts_with("https://")).filter_map(|word| Url::parse(word).ok());
        urls.find_map(|url| match RecordedUrl::new(url) {
            Err(RecordedUrlError::Secret { key }) => Some(key),
            _ => None,
        })
    })
}

fn key_in(json: &Value, depth: usize) -> Option<String> {
    if depth > DEEPEST {
        return None;
    }
    match json {
        Value::Array(values) => values.iter().find_map(|value| key_in(value, depth + 1)),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let bare: String = key.chars().filter(|c| !matches!(c, '-' | '_')).collect();
            let is_secret = value.is_string() && KEYS.contains(&bare.to_ascii_lowercase().as_str());
            if is_secret { Some(key.escape_debug().to_string()) } else { key_in(value, depth + 1) }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_signed_addresses_are_found_and_nothing_else() {
        let found = |text: &str| secret_in(text.as_bytes());
        assert_eq!(found("{\"a\": [{\"access_token\": \"x\"}]}").as_deref(), Some("access_token"));
        assert_eq!(found("{\"url\": \"https://a.example/b?X-Amz-Signature=s\"}").as_deref(), Some("X-Amz-Signature"));
        assert_eq!(found("<a href='https://a.example/b?sig=s'>").as_deref(), Some("sig"));
        for text in [
            "{\"token\": 3, \"tokens\": [], \"signatures\": [{\"sig\": \"x\"}]}",
            "0123  file",
            "https://a.example/b?v=1",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(secret_in(&[0xff]), None);
    }
}
