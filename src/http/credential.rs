//! Credentials of requests: [`Credentials`] looks them up by address.

use std::{fmt, sync::Arc};

use reqwest::header::HeaderValue;
use url::Url;

/// Knows which address is to be told what.
pub trait Credentials: Send + Sync {
    /// What belongs to a request for this very address; `None` if nothing does.
    fn credential_for(&self, url: &Url) -> Option<Credential>;

    /// All client certificates that requests may use.
    fn identities(&self) -> Vec<Arc<ClientIdentity>> {
        Vec::new()
    }
}

/// What a request says about who asks.
#[derive(Clone, Debug, Default)]
pub struct Credential {
    /// The value of `Authorization`.
    pub header: Option<HeaderValue>,
    /// The certificate of the client.
    pub identity: Option<Arc<ClientIdentity>>,
    /// Whether it is the user's own, and so is not sent where [`super::settings::ProjectNetwork`] leads.
    pub is_users: bool,
    /// Of a user's own: the setting of a project by which alone it would be sent in clear.
    pub in_clear: Option<Arc<str>>,
    /// Whether it is for this address alone, and not for those on its host that it redirects to.
    pub is_for_one_address: bool,
}

impl Credential {
    /// The client's certificate alone.
    pub(super) fn without_header(self) -> Self {
        Self { header: None, in_clear: None, ..self }
    }

    /// The same with the header of another, if it has none itself: a certificate hides no token.
    pub(super) fn or_header_of(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if self.header.is_none() && other.header.is_some() => Self {
                identity: self.identity.or(other.identity),
                is_users: self.is_users || other.is_users,
                in_clear: other.in_clear.or(self.in_clear),
                ..other
            },
            _ => self,
        }
    }
}

/// A certificate with its key, both PEM, with which a client proves who it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// What to call it in an error.
    pub origin: String,
    /// The certificate, and perhaps those that vouch for it.
    pub certificates: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

/// Without the bytes.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Credential {
        let (certificates, key) = (b"A".to_vec(), b"B".to_vec());
        let identity = Some(Arc::new(ClientIdentity { origin: "`cert`".to_owned(), certificates, key }));
        Credential { identity, ..Credential::default() }
    }

    fn token(text: &'static str) -> Credential {
        Credential { header: Some(HeaderValue::from_static(text)), is_users: true, ..Credential::default() }
    }

    #[test]
    fn a_certificate_hides_no_token_that_is_carried_and_a_token_of_its_own_does() {
        let both = certificate().or_header_of(Some(token("Bearer carried")));
        assert_eq!(both.header.unwrap(), "Bearer carried");
        assert!(both.identity.is_some() && both.is_users);
        let own = token("Bearer own").or_header_of(Some(token("Bearer carried")));
        assert_eq!(own.header.unwrap(), "Bearer own");
        let alone = certificate().or_header_of(None);
        assert!(alone.header.is_none() && alone.identity.is_some() && !alone.is_users);
    }
}
