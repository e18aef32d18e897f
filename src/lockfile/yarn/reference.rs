//! What a range or a reference of yarn's is: a plugin's protocol, or an address.

use std::borrow::Cow;

use crate::core::endpoints::{NPM_REGISTRY, YARN_REGISTRY};

/// The protocol of a range or a reference that yarn itself does not know: a plugin's.
pub(super) fn plugin_protocol(reference: &str) -> Option<&str> {
    const KNOWN: [&str; 11] =
        ["npm", "http", "https", "git", "ssh", "gist", "github", "gitlab", "bitbucket", "file", "patch"];
    let (protocol, _) = reference.split_once(':')?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    let is_protocol = !protocol.is_empty() && protocol.bytes().all(is_word);
    (is_protocol && !KNOWN.contains(&protocol) && !protocol.starts_with("git+")).then_some(protocol)
}

/// The address with the public registry's own name: yarn's name for it is not what people configure a registry for, and other lockfiles have the same file
/// without it.
pub(super) fn public(address: &str) -> Cow<'_, str> {
    match address.strip_prefix(YARN_REGISTRY) {
        Some(path) => format!("{NPM_REGISTRY}{path}").into(),
        None => address.into(),
    }
}
