//! [`Authorization`]: the credentials of one request (an `Authorization` header, a client certificate, or both). Its `Debug` form shows no secret.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use url::Url;

use super::client_identity::ClientIdentity;

/// What a request says about who asks: an `Authorization` header, a client certificate, or both. Neither `Debug` nor `Display` shows it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    header: Option<Box<str>>,
    identity: Option<Arc<ClientIdentity>>,
    is_users: bool,
    in_clear: Option<Box<str>>,
    is_for_one_address: bool,
}

impl Authorization {
    /// The header's value, `Bearer …` or `Basic …`: visible ASCII and single spaces, so always a legal header.
    /// For the request, and for nothing else.
    pub fn expose_header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The certificate with which the client proves who it is.
    pub const fn identity(&self) -> Option<&Arc<ClientIdentity>> {
        self.identity.as_ref()
    }

    /// Whether it is the user's own: it stands in no file of the project. It goes to no server, and over no connection, that only the
    /// project's files lead to.
    pub const fn is_users(&self) -> bool {
        self.is_users
    }

    /// Of a user's own: the setting of the project by which alone it would be sent in clear.
    pub fn in_clear(&self) -> Option<&str> {
        self.in_clear.as_deref()
    }

    /// Whether it stood in the very address, and so is for no other.
    pub const fn is_for_one_address(&self) -> bool {
        self.is_for_one_address
    }

    /// `None` if the secret holds what no header may.
    pub(super) fn new(scheme: &str, secret: &str) -> Option<Self> {
        let is_legal = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_legal.then(|| Self::of_header(format!("{scheme} {secret}")))
    }

    fn of_header(header: String) -> Self {
        Self { header: Some(header.into()), ..Self::default() }
    }

    /// A header's value as it stands, `Scheme secret`; `None` if it holds what no header may.
    pub(super) fn from_value(value: &str) -> Option<Self> {
        let (scheme, secret) = value.split_once(' ')?;
        let is_legal = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Self::new(scheme, secret.trim_start()).filter(|_| is_legal)
    }

    /// A token alone.
    pub(super) fn from_token(token: &str) -> Option<Self> {
        Self::new("Bearer", token)
    }

    pub(super) fn from_user_and_password(user: &str, password: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        Self::of_header(format!("Basic {encoded}"))
    }

    /// Takes user name and password out of an address. `None` if it has none.
    pub(crate) fn take_from(url: &mut Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let authorization =
            Self::from_user_and_password(&decode(url.username()), &decode(url.password().unwrap_or_default()));
        // Both fail only for addresses without a host, and those have no user name.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(authorization)
    }

    /// The same, for the address that it stood in alone.
    #[must_use]
    pub(crate) fn for_one_address(self) -> Self {
        Self { is_for_one_address: true, ..self }
    }

    /// The same with this client certificate, unless it has one.
    fn with_identity(self, identity: &Arc<ClientIdentity>, is_users: bool) -> Self {
        if self.identity.is_some() {
            return self;
        }
        Self { identity: Some(Arc::clone(identity)), is_users: self.is_users || is_users, ..self }
    }

    /// What is stated, or else nothing, with the client certificate that is for all, if there is one.
    pub(super) fn identified(stated: Option<Self>, identity: Option<&(Arc<ClientIdentity>, bool)>) -> Option<Self> {
        match identity {
            Some((identity, is_users)) => Some(stated.unwrap_or_default().with_identity(identity, *is_users)),
            None => stated,
        }
    }

    pub(super) fn of_user(self, is_users: bool) -> Self {
        Self { is_users, ..self }
    }

    pub(super) fn sent_in_clear_by(self, line: String) -> Self {
        Self { in_clear: Some(line.into()), ..self }
    }
}

/// The scheme alone.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({self})")
    }
}

/// The scheme alone: `Bearer [hidden]`.
impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.header {
            Some(header) => write!(f, "{} [hidden]", header.split(' ').next().unwrap_or_default()),
            None => f.write_str("a client certificate"),
        }
    }
}
