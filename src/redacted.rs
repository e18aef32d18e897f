//! Addresses as messages may show them: without secrets.

use url::Url;

/// The address without user name, password, query and fragment: each can hold a secret.
pub fn redact(url: &Url) -> String {
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
    fn user_password_query_and_fragment_are_not_shown() {
        let url = Url::parse("https://me:secret@registry.example:8443/a/-/a-1.0.0.tgz?token=secret#secret").unwrap();
        assert_eq!(redact(&url), "https://registry.example:8443/a/-/a-1.0.0.tgz");
    }

    #[test]
    fn an_address_without_secrets_is_shown_as_it_is() {
        for text in ["https://registry.example/a.tgz", "http://127.0.0.1:4873/", "data:text/plain,x"] {
            assert_eq!(redact(&Url::parse(text).unwrap()), text);
        }
    }

    #[test]
    fn a_user_name_alone_is_not_shown() {
        assert_eq!(redact(&Url::parse("https://token@registry.example/a").unwrap()), "https://registry.example/a");
    }
}
