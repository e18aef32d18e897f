//! The password of a run's proxy: 128 random bits, which the run's command finds in the proxy's address.

use std::{fmt, io};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The user name, which says nothing.
const USER: &str = "larder";

/// A password.
pub(super) struct Password(String);

impl Password {
    /// A new one.
    pub(super) fn new() -> io::Result<Self> {
        use rustls::crypto::ring;
        let mut bytes = [0; 16];
        ring::default_provider()
            .secure_random
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// `larder:<password>`.
    pub(super) fn userinfo(&self) -> String {
        format!("{USER}:{}", self.0)
    }

    /// Whether a request has it.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::PROXY_AUTHORIZATION).and_then(|value| value.to_str().ok());
        let encoded = given.and_then(|value| {
            let (scheme, encoded) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then_some(encoded.trim())
        });
        let expected = BASE64_STANDARD.encode(self.userinfo());
        encoded.is_some_and(|encoded| is_same(encoded.as_bytes(), expected.as_bytes()))
    }
}

/// In a time that depends on the lengths alone.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_in_basic_is_one() {
        let password = Password::new().unwrap();
        let given = |value: String| {
            let headers = [(header::PROXY_AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            password.is_in(&headers)
        };
        let right = BASE64_STANDARD.encode(password.userinfo());
        assert!(given(format!("Basic {right}")) && given(format!("basic  {right}")));
        let other = BASE64_STANDARD.encode(Password::new().unwrap().userinfo());
        for wrong in [format!("Basic {other}"), format!("Bearer {right}"), right.clone(), "Basic ".to_owned()] {
            assert!(!given(wrong.clone()), "{wrong}");
        }
        assert!(!password.is_in(&HeaderMap::new()));
    }
}
