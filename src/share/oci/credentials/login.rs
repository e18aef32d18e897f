//! [`Login`]: what is shown to a registry, and secrets that are never shown to a person.

use std::fmt;

/// What is shown to a registry or to the server that gives tokens for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::share::oci) enum Login {
    /// Nothing.
    #[default]
    Anonymous,
    /// A user and a password.
    Basic { user: String, password: Secret },
    /// What is exchanged for tokens.
    Identity(Secret),
    /// A token.
    Bearer(Secret),
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::share::oci) struct Secret(pub(in crate::share::oci) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
